// Packets as they come: server-sent events and WebSocket. Each brings the same packets as a poll.

import { packet } from "./message.js";

/** Pauses before a broken stream is opened again, in milliseconds: doubled up to the second, with chance in it. */
const PAUSE = [1_000, 60_000];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The events in a stream of text (WHATWG HTML, section 9.2.6), for fetch: EventSource cannot send credentials of ours.
 * @param {ReadableStream<Uint8Array>} body
 */
export async function* events(body) {
  let kept = "";
  let data = [];
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    kept += chunk;
    const lines = kept.split(/\r\n|\n|\r(?!$)/);
    kept = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield data.join("\n");
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }
  }
}

/** A stream of packets that is opened again whenever it ends. */
class Stream {
  #parts;
  #failures = 0;
  #isRunning = false;

  /**
   * @param {object} parts
   * @param {import("./registration.js").Client} parts.client
   * @param {() => Promise<number>} parts.after
   * @param {(packet: object) => Promise<void>} parts.take
   * @param {import("./event.js").Facts} parts.facts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  start() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  stop() {
    this.#isRunning = false;
    this.close();
  }

  close() {}

  async #run() {
    while (this.#isRunning) {
      try {
        await this.open(this.#parts, async (text) => {
          this.#failures = 0;
          await this.#parts.take(packet(JSON.parse(text)));
        });
      } catch (error) {
        this.#parts.facts.tell("stream.error", { why: String(error) });
      }
      if (!this.#isRunning) return;
      const [first, most] = PAUSE;
      await sleep(Math.min(first * 2 ** this.#failures++, most) * (0.5 + Math.random() / 2));
    }
  }
}

/** Server-sent events. */
export class ServerSent extends Stream {
  #abort = new AbortController();

  async open({ client, after, facts }, take) {
    this.#abort = new AbortController();
    const headers = { accept: "text/event-stream", "last-event-id": String(await after()) };
    const response = await client.fetch("stream", { headers, signal: this.#abort.signal });
    if (!response.ok || response.body === null) throw new Error(`the gateway answers ${response.status}`);
    facts.tell("stream.up", { transport: "sse" });
    for await (const text of events(response.body)) await take(text);
  }

  close() {
    this.#abort.abort();
  }
}

/** WebSocket. */
export class Socket extends Stream {
  /** @type {WebSocket|undefined} */
  #socket;

  async open({ client, after, facts }, take) {
    const { url, protocols } = await client.socket();
    const from = await after();
    await new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url}?after=${from}`, protocols);
      this.#socket = socket;
      // One after the other: what comes second is stored second.
      let turn = Promise.resolve();
      socket.onopen = () => facts.tell("stream.up", { transport: "ws" });
      socket.onmessage = ({ data }) => {
        turn = turn.then(() => take(data)).then(async () => socket.send(JSON.stringify({ ack: await after() })));
        turn.catch((error) => {
          socket.close();
          reject(error);
        });
      };
      socket.onclose = () => resolve(undefined);
      socket.onerror = () => reject(new Error("the WebSocket broke"));
    });
  }

  close() {
    this.#socket?.close();
  }
}
