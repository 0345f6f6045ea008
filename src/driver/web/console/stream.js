// The events of the gateway as they come: server-sent events with a cursor. `fetch` and not EventSource, which shows no
// status: a cursor from an earlier run of the gateway is refused, and that must be seen.

import { BASE } from "./client.js";

/** Pauses before a broken stream is opened again, in milliseconds: doubled up to the second, with chance in it. */
const PAUSE = [500, 15_000];

/**
 * Events of a stream of text (WHATWG HTML, section 9.2.6), those that came in one read together.
 * @param {ReadableStream<Uint8Array>} body
 */
export async function* batches(body) {
  let kept = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    kept += chunk;
    const end = kept.lastIndexOf("\n\n");
    if (end < 0) continue;
    const whole = kept.slice(0, end);
    kept = kept.slice(end + 2);
    yield whole.split("\n\n").map(read).filter((it) => it.data !== "");
  }
}

function read(block) {
  const event = { name: "message", id: "", data: "" };
  for (const line of block.split("\n")) {
    if (line.startsWith("data: ")) event.data += line.slice(6);
    else if (line.startsWith("id: ")) event.id = line.slice(4);
    else if (line.startsWith("event: ")) event.name = line.slice(7);
  }
  return event;
}

export class EventStream extends EventTarget {
  /** The number of the last event that was taken. */
  cursor = 0;
  /** `connecting`, `live`, `broken`. */
  state = "connecting";
  #failures = 0;
  #isRunning = false;
  #abort = new AbortController();

  /** @param {{take: (events: object[]) => void, gap: (missed: number, why: string) => void}} parts */
  constructor(parts) {
    super();
    this.parts = parts;
  }

  /** Follows until it is stopped; where it follows already nothing happens. */
  async run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { signal } = (this.#abort = new AbortController());
    while (!signal.aborted) {
      try {
        await this.#open(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#say("broken", String(error.message ?? error));
      }
      const [first, most] = PAUSE;
      await new Promise((resume) => setTimeout(resume, Math.min(first * 2 ** this.#failures++, most) * (0.5 + Math.random() / 2)));
    }
  }

  /** Lets go of its connection; `run` goes on where it was. */
  stop() {
    this.#isRunning = false;
    this.#abort.abort();
    this.#say("connecting", "");
  }

  async #open(signal) {
    const headers = { accept: "text/event-stream", "last-event-id": String(this.cursor) };
    const answer = await fetch(`${BASE}/events`, { headers, signal });
    if (answer.status === 400) {
      // The gateway counts from 1 again.
      const { cursor } = await answer.json();
      this.parts.gap(0, "the gateway was started anew");
      this.cursor = 0;
      throw new Error(`the gateway is at event ${cursor}`);
    }
    if (!answer.ok || answer.body === null) throw new Error(`the gateway answers ${answer.status}`);
    this.#say("live", "");
    for await (const batch of batches(answer.body)) {
      this.#failures = 0;
      this.#take(batch);
    }
    throw new Error("the stream ended");
  }

  #take(batch) {
    let events = [];
    for (const { name, id, data } of batch) {
      const read = JSON.parse(data);
      if (name === "gap") {
        if (events.length > 0) this.parts.take(events);
        events = [];
        // What was there before the first look is not missed.
        if (this.cursor > 0) this.parts.gap(read.missed, "the gateway keeps no more");
        continue;
      }
      events.push(read);
      this.cursor = Number(id);
    }
    if (events.length > 0) this.parts.take(events);
  }

  #say(state, why) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, why } }));
  }
}
