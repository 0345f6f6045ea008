// The pull process: one request for all applications of this browser, when its time has come.

import { Renewed } from "./client.js";
import { packet } from "./message.js";

const SECOND = 1000;
/** Where the gateway is in trouble, the longest pause between two attempts. */
const PAUSE_MOST = 180 * SECOND;
/** Where nobody looks, so many periods make one. */
const HIDDEN = 4;

/** The only page there is. */
class Page extends EventTarget {
  constructor() {
    super();
    globalThis.document?.addEventListener("visibilitychange", () => this.isSeen() && this.dispatchEvent(new Event("seen")));
  }

  isSeen() {
    return globalThis.document?.visibilityState !== "hidden";
  }
}

/** @typedef {{setTimeout: Function, clearTimeout: Function}} Clock */

/** Asks the gateway for messages: on a timer, or with a question that the gateway answers when there is something. */
export class Puller {
  #fetch;
  #after;
  #take;
  #restart;
  #facts;
  #attention;
  #clock;
  #random;
  #interval;
  #jitter;
  #wait;
  #timer;
  #failures = 0;
  #isRunning = false;
  #isAsking = false;
  #abort = new AbortController();
  /** Periods that passed unused, for nobody looked. */
  #skipped = 0;
  #seen = () => this.#skipped > 0 && this.now();

  /**
   * @param {object} parts
   * @param {(path: string, init?: RequestInit) => Promise<Response>} parts.fetch asks about this client
   * @param {() => Promise<number>} parts.after how far the client came
   * @param {(packet: object) => Promise<void>} parts.take stores and routes what came; when it fails it comes again
   * @param {() => Promise<void>} [parts.restart] the gateway counts from the beginning: what counted before is forgotten
   * @param {import("./event.js").Facts} parts.facts
   * @param {{isSeen: () => boolean} & EventTarget} [parts.attention] whether anybody looks; tells `seen`
   * @param {number} [parts.interval] seconds between two questions, until the gateway advises another
   * @param {number} [parts.jitter] by how many hundredths of it a pause differs at random
   * @param {number} [parts.wait] seconds that the gateway may take for an answer (long poll); 0: it answers at once
   * @param {Clock} [parts.clock]
   * @param {() => number} [parts.random]
   */
  constructor({
    fetch,
    after,
    take,
    restart = async () => {},
    facts,
    attention = new Page(),
    interval = 60,
    jitter = 10,
    wait = 0,
    clock,
    random = Math.random,
  }) {
    this.#fetch = fetch;
    this.#after = after;
    this.#take = take;
    this.#restart = restart;
    this.#facts = facts;
    this.#attention = attention;
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
    this.#skipped = HIDDEN;
    this.#attention.addEventListener("seen", this.#seen);
    this.#arm(this.#random() * this.#interval * SECOND * (this.#jitter / 100));
  }

  stop() {
    this.#isRunning = false;
    this.#attention.removeEventListener("seen", this.#seen);
    this.#clock.clearTimeout(this.#timer);
    this.#abort.abort();
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
    this.#abort = new AbortController();
    return this.#fetch(`messages?after=${after}${wait}`, { signal: this.#abort.signal });
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

  /** One question outside of the timer; true when it brought something. */
  async once() {
    return (await this.#exchange()).read !== null;
  }

  async #exchange() {
    const after = await this.#after();
    const read = await this.receive(await this.send());
    // What it has given it may have lost, as from an older copy of its database.
    if (read !== null && read.cursor < after) await this.#restart();
    if (read !== null) await this.#take(read);
    return { after, read };
  }

  #arm(ms) {
    this.#clock.clearTimeout(this.#timer);
    if (this.#isRunning) this.#timer = this.#clock.setTimeout(() => this.#due(), ms);
  }

  #due() {
    if (!this.#attention.isSeen() && this.#wait === 0 && this.#failures === 0 && this.#skipped < HIDDEN - 1) {
      this.#skipped += 1;
      return this.#arm(this.#period());
    }
    return this.#ask();
  }

  async #ask() {
    this.#isAsking = true;
    this.#skipped = 0;
    let pause;
    try {
      const { after, read } = await this.#exchange();
      this.#failures = 0;
      // A question that may wait, and one that brought a part only, is followed by the next.
      const isFollowed = this.#wait > 0 || (read?.more === true && read.cursor > after);
      pause = isFollowed ? 0 : this.#period();
    } catch (error) {
      if (!this.#isRunning) return void (this.#isAsking = false);
      this.#failures += 1;
      this.#facts.tell("poll.error", { why: String(error) });
      pause = error instanceof Renewed && this.#failures === 1 ? 0 : this.#pause(error.response);
    }
    this.#isAsking = false;
    this.#arm(pause);
  }

  #period() {
    const off = (2 * this.#random() - 1) * (this.#jitter / 100);
    return this.#interval * SECOND * (1 + off);
  }

  #pause(response) {
    const asked = Number(response?.headers.get("retry-after"));
    if (asked > 0) return Math.min(asked * SECOND * (1 + this.#random() * (this.#jitter / 100)), 10 * PAUSE_MOST);
    const doubled = this.#interval * SECOND * 2 ** Math.min(this.#failures - 1, 8);
    return Math.min(doubled, Math.max(PAUSE_MOST, this.#interval * SECOND)) * (1 - this.#random() * (this.#jitter / 100));
  }

  #advise(text) {
    for (const [, name, value] of (text ?? "").matchAll(/(interval|jitter)=(\d+)/g)) {
      if (name === "interval" && Number(value) > 0) this.#interval = Number(value);
      if (name === "jitter" && Number(value) <= 100) this.#jitter = Number(value);
    }
  }
}
