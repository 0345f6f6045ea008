// Who this browser is at the gateway.

import { proof } from "../session.js";

/** The gateway does not answer as it should. */
export class Refused extends Error {
  /**
   * @param {number} status of HTTP
   * @param {string} detail
   */
  constructor(status, detail) {
    super(`${status} ${detail}`);
    this.status = status;
  }
}

/** The gateway knew this client no more, so this browser is another client now: what was asked about is past. */
export class Renewed extends Error {}

/**
 * @typedef {{client: string, token: string, base: string, account: string|null, session: string|null}} Own with the
 *   user that the page named, and the session that this browser had, when it became this client
 */

const LOCK = "sirgate-mc client";

/** What tells one session of this browser from the next; null without one. */
const session = () => Object.values(proof())[0] ?? null;

/** The connection of this browser profile with the gateway: its client number and its token. */
export class Client {
  #base;
  #store;
  #account;
  #begun;
  /** @type {Promise<Own>|undefined} */
  #own;
  /** What the gateway was told of applications when this client began: `about` as JSON. */
  #told = new Map();

  /**
   * @param {object} parts
   * @param {string} parts.base of the gateway's interface
   * @param {import("./store.js").Store} parts.store
   * @param {string} [parts.account] who uses this browser; nobody is somebody else than who used it before
   * @param {() => void} [parts.begun] what was stored is of an earlier client, and gone
   */
  constructor({ base, store, account, begun = () => {} }) {
    this.#base = base;
    this.#store = store;
    this.#account = account ?? null;
    this.#begun = begun;
  }

  /**
   * The same after each start of the browser; made at the gateway the first time. Tabs that start together make one.
   * @returns {Promise<Own>}
   */
  own() {
    this.#own ??= navigator.locks.request(LOCK, () => this.#obtain()).catch((error) => {
      this.#own = undefined;
      throw error;
    });
    return this.#own;
  }

  /** What another user left in this browser goes, before anything is shown. Asks the gateway for nothing. */
  settle() {
    return navigator.locks.request(LOCK, () => this.#settle());
  }

  async #settle() {
    const kept = await this.#store.meta("client");
    if (kept === undefined || this.#isMine(kept)) return kept;
    await this.#store.begin(undefined);
    this.#begun();
    // That user's client takes no more messages. Who is offline leaves it to age at the gateway.
    const past = { method: "DELETE", headers: { ...proof(), authorization: `Bearer ${kept.token}` }, keepalive: true };
    void fetch(`${kept.base}/clients/${kept.client}`, past).catch(() => {});
    return undefined;
  }

  #isMine(kept) {
    const isSameUser = (kept.account ?? null) === this.#account && (kept.session ?? null) === session();
    return kept.base === this.#base && isSameUser;
  }

  async #obtain() {
    return (await this.#settle()) ?? this.#enter();
  }

  /** Becomes a client of the gateway, and registers there what registered here. */
  async #enter() {
    const response = await fetch(`${this.#base}/clients`, {
      method: "POST",
      headers: { "content-type": "application/json", ...proof() },
      body: JSON.stringify(this.#account === null ? {} : { account: this.#account }),
      credentials: "same-origin",
    });
    if (!response.ok) throw new Refused(response.status, "the gateway takes no new client");
    const { client, token } = await response.json();
    const own = { client, token, base: this.#base, account: this.#account, session: session() };
    await this.#store.begin(own);
    for (const { appid, ...about } of await this.#store.apps()) {
      const init = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(about) };
      const taken = await this.#ask(own, `apps/${encodeURIComponent(appid)}`, init);
      if (!taken.ok) throw new Refused(taken.status, `PUT apps/${appid}`);
      this.#told.set(appid, JSON.stringify(about));
    }
    this.#begun();
    return own;
  }

  /**
   * Registers an application at the gateway; what was registered when this client began is not told twice.
   * @param {string} appid
   * @param {object} about
   */
  async register(appid, about) {
    await this.own();
    const told = this.#told.get(appid);
    this.#told.delete(appid);
    if (told !== JSON.stringify(about)) await this.send(`apps/${encodeURIComponent(appid)}`, "PUT", about);
  }

  /** Another client instead of that one, unless another tab has seen to it. */
  #renew(past) {
    this.#own = navigator.locks.request(LOCK, async () => {
      const kept = await this.#store.meta("client");
      return kept !== undefined && kept.token !== past.token && this.#isMine(kept) ? kept : this.#enter();
    });
    this.#own.catch(() => (this.#own = undefined));
    return this.#own;
  }

  /**
   * A request about this client.
   * @param {string} path behind `/clients/{client}/`
   * @param {RequestInit} init
   * @throws {Renewed} when it was one about a client that is no more
   */
  async fetch(path, init = {}) {
    const own = await this.own();
    const response = await this.#ask(own, path, init);
    if (response.status !== 401) return response;
    await this.#renew(own);
    throw new Renewed("the gateway knew this client no more");
  }

  #ask({ client, token }, path, init) {
    const url = `${this.#base}/clients/${client}${path === "" ? "" : `/${path}`}`;
    const headers = { ...init.headers, ...proof(), authorization: `Bearer ${token}` };
    return fetch(url, { credentials: "same-origin", cache: "no-store", ...init, headers });
  }

  /**
   * @param {string} path
   * @param {string} method
   * @param {object} body
   */
  async send(path, method, body) {
    const init = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body), keepalive: true };
    const response = await this.fetch(path, init);
    if (!response.ok) throw new Refused(response.status, `${method} ${path}`);
    return response;
  }

  /** The URL of the WebSocket of this client, and the subprotocols that open it. */
  async socket() {
    const { client, token } = await this.own();
    const url = new URL(`${this.#base}/clients/${client}/ws`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    return { url: url.href, protocols: ["sirgate.v1", `sirgate.token.${token}`] };
  }
}
