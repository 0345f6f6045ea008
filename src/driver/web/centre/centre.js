// The message centre: each message to the application that it is for; stored, shown on its icon, cleared by a click,
// shown again after the browser starts.

import { Badges } from "./badge.js";
import { Facts } from "./event.js";

/**
 * @typedef {object} Parts what a centre is made of; a centre without a part does without it
 * @property {import("./store.js").Store} store
 * @property {import("./registration.js").Registration} [registration]
 * @property {import("./tabs.js").Tabs} [tabs]
 * @property {() => Promise<unknown>} [settle] what another user left goes first
 * @property {(appid: string, upto: number) => Promise<void>} [report] tells the gateway of a click
 * @property {import("./event.js").Facts} [facts]
 */

/** Routes, stores, shows and clears messages. */
export class MessageCentre {
  #store;
  #registration;
  #tabs;
  #settle;
  #report;
  #isPaying = false;
  #mayOwe = true;
  #options;
  #handlers = new Map();
  #badges;
  #counts = new Map();
  #isRestored = false;
  /** @type {Set<string>|undefined} */
  #hidden;

  /**
   * @param {Parts} parts
   * @param {{unknown?: "drop"|"keep", clear?: boolean, restore?: boolean}} options
   */
  constructor({ store, registration, tabs, settle, report, facts = new Facts() }, { unknown = "drop", clear = true, restore = true } = {}) {
    this.#store = store;
    this.#registration = registration;
    this.#tabs = tabs;
    this.#settle = settle;
    this.#report = report;
    this.#options = { unknown, clear, restore };
    this.facts = facts;
    this.#badges = new Badges(facts);
    tabs?.addEventListener("told", ({ detail }) => void this.#hear(detail));
  }

  /**
   * An application registers the routine that takes its messages. Again: the routine is replaced.
   * @param {string} appid
   * @param {(message: import("./message.js").Message) => void} handler
   * @param {object} about title, icon, url, filter: for the gateway
   */
  async register(appid, handler, about = {}) {
    await this.#settle?.();
    const isFirst = !this.#handlers.has(appid);
    this.#handlers.set(appid, handler);
    if (isFirst && this.#options.unknown === "keep") await this.#catchUp(appid);
    await this.#registration?.register(appid, about);
    this.facts.tell("app.reg", { appid });
    await this.#recount();
  }

  /** @param {string} appid */
  async unregister(appid) {
    this.#handlers.delete(appid);
    await this.#registration?.unregister(appid);
    this.#count(appid, 0);
  }

  /**
   * The icon of an application: it bears the number of messages that wait, a click clears them.
   * @param {string} appid
   * @param {HTMLElement} element
   */
  icon(appid, element) {
    this.#badges.put(appid, element);
    this.#badges.show(appid, this.#counts.get(appid) ?? 0);
    element.addEventListener("click", () => void this.clear(appid));
  }

  /** Looks up what is not cleared and shows it: the first thing after the browser started. */
  async restore() {
    if (!this.#options.restore || this.#isRestored) return;
    this.#isRestored = true;
    await this.#settle?.();
    await this.#recount();
    this.facts.tell("mc.restore", { n: this.#sum() });
  }

  /**
   * Takes a packet: stored first, with the cursor, then routed.
   * @returns {Promise<import("./message.js").Message[]>} those that were not here yet
   * @param {{cursor: number|null, messages: import("./message.js").Message[], cleared?: {appid: string, upto: number}[]}} packet
   */
  async take({ cursor, messages, cleared = [] }) {
    await this.#hide();
    const known = await this.#known();
    const wanted = messages.filter((it) => known.has(it.appid) || this.#options.unknown === "keep");
    for (const message of messages.filter((it) => !wanted.includes(it))) {
      this.facts.tell("mc.drop", { appid: message.appid, seq: message.seq });
    }
    const fresh = await this.#store.put(wanted, cursor);
    for (const message of fresh) this.facts.tell("mc.store", { appid: message.appid, seq: message.seq });
    for (const { appid, upto } of cleared) await this.#store.clear(appid, upto);
    await this.#recount();
    for (const message of fresh) this.route(message);
    this.#tabs?.tell({ messages: fresh });
    return fresh;
  }

  /**
   * To the one application that a message's code names.
   * @param {import("./message.js").Message} message
   */
  route(message) {
    const handler = this.#handlers.get(message.appid);
    if (handler === undefined) return;
    this.facts.tell("mc.route", { appid: message.appid, seq: message.seq });
    try {
      handler(message);
    } catch (error) {
      // One application's mistake is not the next one's.
      reportError(error);
    }
  }

  /**
   * Clears an application's messages, here and in the database; the gateway hears of it.
   * @param {string} appid
   */
  async clear(appid) {
    if (!this.#options.clear) return;
    const { count } = await this.#store.clear(appid, undefined, this.#report !== undefined);
    this.facts.tell("mc.clear", { appid, n: count });
    await this.#recount();
    this.#tabs?.tell({ cleared: appid });
    this.#mayOwe = true;
    await this.pay();
  }

  /** Tells the gateway of clearings that it has not heard of; what fails is told after the next answer of it. */
  async pay() {
    if (this.#report === undefined || this.#isPaying || !this.#mayOwe) return;
    this.#isPaying = true;
    this.#mayOwe = false;
    const tell = async () => {
      for (const [appid, upto] of Object.entries(await this.#store.owed())) {
        await this.#report(appid, upto);
        await this.#store.paid(appid, upto);
      }
    };
    try {
      // One tab after the other: the second finds nothing left to tell.
      await navigator.locks.request("sirgate-mc owed", tell);
    } catch (error) {
      this.#mayOwe = true;
      this.facts.tell("mc.owed", { why: String(error) });
    } finally {
      this.#isPaying = false;
    }
  }

  /** Counts anew what waits: the database is another's than before. */
  async refresh() {
    await this.#recount();
    this.#tabs?.tell({});
  }

  /** How many messages of an application wait. */
  waiting(appid) {
    return this.#counts.get(appid) ?? 0;
  }

  /** Applications whose messages are taken: those with a routine here, and those that registered in this browser. */
  async #known() {
    const kept = await this.#store.apps();
    return new Set([...this.#handlers.keys(), ...kept.map((it) => it.appid)]);
  }

  /** Without restoration, what was here before this start stays out of sight. */
  async #hide() {
    if (this.#options.restore || this.#hidden !== undefined) return;
    this.#hidden = new Set((await this.#store.load()).map(({ appid, seq }) => `${appid} ${seq}`));
  }

  /** What waited for this application before anybody knew it. */
  async #catchUp(appid) {
    for (const message of await this.#store.load()) if (message.appid === appid) this.route(message);
  }

  /** Another tab, or the service worker, took or cleared messages. */
  async #hear({ messages = [], isOwed = false }) {
    await this.#recount();
    for (const message of messages) this.route(message);
    if (isOwed) {
      this.#mayOwe = true;
      await this.pay();
    }
  }

  async #recount() {
    await this.#hide();
    const known = await this.#known();
    const counts = new Map();
    for (const { appid, seq } of await this.#store.load()) {
      if (known.has(appid) && !this.#hidden?.has(`${appid} ${seq}`)) counts.set(appid, (counts.get(appid) ?? 0) + 1);
    }
    for (const appid of new Set([...this.#counts.keys(), ...counts.keys()])) this.#count(appid, counts.get(appid) ?? 0);
    await this.#badges.total(this.#sum());
  }

  #count(appid, count) {
    if ((this.#counts.get(appid) ?? 0) === count) return;
    this.#counts.set(appid, count);
    this.#badges.show(appid, count);
  }

  #sum() {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
