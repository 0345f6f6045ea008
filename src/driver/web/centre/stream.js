// Packets as they come: server-sent events and WebSocket. Each brings the same packets as a poll.

import { packet } from "./message.js";

/** Pauses before a broken stream is opened again, in milliseconds: doubled up to the second, with chance in it. */
const PAUSE = [1_000, 60_000];
/** The gateway says that it is alive every 15 seconds; a stream that said nothing for so long is a dead path. */
const SILENCE = 45_000;

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
  /** Which start it is of: what an earlier one began ends by itself. */
  #run = 0;

  /**
   * @param {object} parts
   * @param {import("./client.js").Client} parts.client
   * @param {() => Promise<number>} parts.after
   * @param {(packet: object) => Promise<void>} parts.take
   * @param {() => Promise<void>} [parts.restart]
   * @param {import("./event.js").Facts} parts.facts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  start() {
    if (this.#run % 2 === 1) return;
    this.#run += 1;
    void this.#keep(this.#run);
  }

  stop() {
    if (this.#run % 2 === 0) return;
    this.#run += 1;
    this.close();
  }

  close() {}

  async #keep(run) {
    const { after, take, restart, facts } = this.#parts;
    while (run === this.#run) {
      try {
        let from = await after();
        await this.open(this.#parts, {
          from,
          isWanted: () => run === this.#run,
          up: (transport) => {
            this.#failures = 0;
            facts.tell("stream.up", { transport });
          },
          take: async (text) => {
            const read = packet(JSON.parse(text));
            // What it has given it may have lost, as from an older copy of its database.
            if (read.cursor < from) await restart?.();
            from = read.cursor;
            await take(read);
          },
        });
      } catch (error) {
        facts.tell("stream.error", { why: String(error) });
      }
      if (run !== this.#run) return;
      const [first, most] = PAUSE;
      await sleep(Math.min(first * 2 ** this.#failures++, most) * (0.5 + Math.random() / 2));
    }
  }
}

/** Server-sent events. */
export class ServerSent extends Stream {
  #abort = new AbortController();

  async open({ client }, { from, isWanted, up, take }) {
    const abort = new AbortController();
    this.#abort = abort;
    const headers = { accept: "text/event-stream", "last-event-id": String(from) };
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(new Error("the stream is silent")), SILENCE);
    };
    try {
      alive();
      const response = await client.fetch("stream", { headers, signal: abort.signal });
      if (!response.ok || response.body === null) throw new Error(`the gateway answers ${response.status}`);
      if (!isWanted()) return abort.abort();
      up("sse");
      const heard = new TransformStream({
        transform(chunk, out) {
          alive();
          out.enqueue(chunk);
        },
      });
      for await (const text of events(response.body.pipeThrough(heard))) await take(text);
    } finally {
      clearTimeout(timer);
    }
  }

  close() {
    this.#abort.abort();
  }
}

/** WebSocket. */
export class Socket extends Stream {
  /** @type {WebSocket|undefined} */
  #socket;

  async open({ client, after }, { from, isWanted, up, take }) {
    const { url, protocols } = await client.socket();
    if (!isWanted()) return;
    let isUp = false;
    await new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url}?after=${from}`, protocols);
      this.#socket = socket;
      // One after the other: what comes second is stored second.
      let turn = Promise.resolve();
      socket.onopen = () => {
        isUp = true;
        up("ws");
      };
      socket.onmessage = ({ data }) => {
        turn = turn.then(() => take(data)).then(async () => socket.send(JSON.stringify({ ack: await after() })));
        turn.catch((error) => {
          socket.close();
          reject(error);
        });
      };
      socket.onclose = () => resolve(undefined);
      socket.onerror = () => reject(new Error("the WebSocket broke"));
    }).finally(async () => {
      // A browser does not tell why it was refused: a question about this client does.
      if (!isUp && isWanted()) await client.fetch("");
    });
  }

  close() {
    this.#socket?.close();
  }
}
