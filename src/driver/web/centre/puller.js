// The pull process: one request for all applications of this browser, when its time has come.

import { packet } from "./message.js";

const SECOND = 1000;
/** Where the gateway is in trouble, the longest pause between two attempts. */
const PAUSE_MOST = 180 * SECOND;
/** A page that nobody sees asks so many times less often. */
const HIDDEN = 4;

/** @typedef {{setTimeout: Function, clearTimeout: Function}} Clock */

/** Asks the gateway for messages: on a timer, or with a question that the gateway answers when there is something. */
export class Puller {
  #fetch;
  #after;
  #take;
  #facts;
  #clock;
  #random;
  #interval;
  #jitter;
  #wait;
  #timer;
  #failures = 0;
  #isRunning = false;
  #isAsking = false;
  #visible = () => this.#isVisible() && this.now();

  /**
   * @param {object} parts
   * @param {(path: string, init?: RequestInit) => Promise<Response>} parts.fetch asks about this client
   * @param {() => Promise<number>} parts.after how far the client came
   * @param {(packet: object) => Promise<void>} parts.take stores and routes what came; when it fails it comes again
   * @param {import("./event.js").Facts} parts.facts
   * @param {number} [parts.interval] seconds between two questions, until the gateway advises another
   * @param {number} [parts.jitter] by how many hundredths of it a pause differs at random
   * @param {number} [parts.wait] seconds that the gateway may take for an answer (long poll); 0: it answers at once
   * @param {Clock} [parts.clock]
   * @param {() => number} [parts.random]
   */
  constructor({ fetch, after, take, facts, interval = 60, jitter = 10, wait = 0, clock, random = Math.random }) {
    this.#fetch = fetch;
    this.#after = after;
    this.#take = take;
    this.#facts = facts;
    this.#interval = interval;
    this.#jitter = jitter;
    this.#wait = wait;
    this.#clock = clock ?? {
      setTimeout: (what, ms) => setTimeout(what, ms),
      clearTimeout: (timer) => clearTimeout(timer),
    };
    this.#random = random;
  }

  /** Begins: the first question comes at random within the window of the jitter, so that not all begin together. */
  start() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    globalThis.document?.addEventListener("visibilitychange", this.#visible);
    this.#arm(this.#random() * this.#interval * SECOND * (this.#jitter / 100));
  }

  stop() {
    this.#isRunning = false;
    globalThis.document?.removeEventListener("visibilitychange", this.#visible);
    this.#clock.clearTimeout(this.#timer);
  }

  /** Asks at once instead of when it is time. */
  now() {
    if (!this.#isRunning || this.#isAsking) return;
    this.#clock.clearTimeout(this.#timer);
    return this.#ask();
  }

  /** Request-sending unit: one request for all registered applications. */
  async send() {
    const after = await this.#after();
    const wait = this.#wait > 0 ? `&wait=${this.#wait}` : "";
    this.#facts.tell("poll.req", { since: after });
    return this.#fetch(`messages?after=${after}${wait}`);
  }

  /**
   * Message-receiving unit: what the answer to such a request brings.
   * @param {Response} response
   * @returns {Promise<object|null>} null when there is nothing new
   * @throws when it is no packet; then nothing of it was taken
   */
  async receive(response) {
    this.#advise(response.headers.get("sirgate-poll"));
    if (response.status === 204 || response.status === 304) {
      this.#facts.tell("poll.rsp", { n: 0 });
      return null;
    }
    if (!response.ok) throw Object.assign(new Error(`the gateway answers ${response.status}`), { response });
    const read = packet(await response.json());
    this.#facts.tell("poll.rsp", { n: read.messages.length });
    return read;
  }

  #arm(ms) {
    this.#clock.clearTimeout(this.#timer);
    if (this.#isRunning) this.#timer = this.#clock.setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    this.#isAsking = true;
    let pause;
    try {
      const read = await this.receive(await this.send());
      if (read !== null) await this.#take(read);
      this.#failures = 0;
      // A question that may wait is asked again as soon as it is answered.
      pause = this.#wait > 0 ? 0 : this.#period();
    } catch (error) {
      this.#failures += 1;
      this.#facts.tell("poll.error", { why: String(error) });
      pause = this.#pause(error.response);
    }
    this.#isAsking = false;
    this.#arm(pause);
  }

  #period() {
    const off = (2 * this.#random() - 1) * (this.#jitter / 100);
    return this.#interval * SECOND * (1 + off) * (this.#isVisible() ? 1 : HIDDEN);
  }

  #pause(response) {
    const asked = Number(response?.headers.get("retry-after"));
    if (asked > 0) return Math.min(asked * SECOND * (1 + this.#random() * (this.#jitter / 100)), 10 * PAUSE_MOST);
    const doubled = this.#interval * SECOND * 2 ** Math.min(this.#failures - 1, 8);
    return Math.min(doubled, Math.max(PAUSE_MOST, this.#interval * SECOND)) * (1 - this.#random() * (this.#jitter / 100));
  }

  #isVisible() {
    return globalThis.document?.visibilityState !== "hidden";
  }

  #advise(text) {
    for (const [, name, value] of (text ?? "").matchAll(/(interval|jitter)=(\d+)/g)) {
      if (name === "interval" && Number(value) > 0) this.#interval = Number(value);
      if (name === "jitter" && Number(value) <= 100) this.#jitter = Number(value);
    }
  }
}
