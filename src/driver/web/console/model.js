// What the page knows: the last events, and the pushes they tell of. Pages listen; while paused nothing reaches them, and
// all of it when they go on.

import { api } from "./client.js";
import { EventStream } from "./stream.js";

/** Events kept. */
export const KEPT = 50_000;
/** Events that go at once when there are too many: an array is not moved for each. */
const SLACK = 5_000;

/** How long a page may be out of sight before it lets go of its stream, in milliseconds. */
const UNSEEN = 10_000;

/** One push, as its events tell it. */
function fresh(id, t) {
  return { id, t, pui: "", app: "", mode: null, wanted: [], devices: new Map(), state: "pending", code: null, desc: "", sir: null, ended: null };
}

export class Model extends EventTarget {
  /** @type {object[]} */
  events = [];
  /** Events that went for want of room. */
  gone = 0;
  /** @type {Map<string, ReturnType<typeof fresh>>} oldest first */
  pushes = new Map();
  /** Where the stream could not tell everything. */
  gaps = [];
  isPaused = false;
  #held = [];
  #pushOfSir = new Map();

  constructor() {
    super();
    this.stream = new EventStream({ take: (events) => this.#hear(events), gap: (missed, why) => this.#gap(missed, why) });
  }

  /** Learns of pushes that came before the events that are kept, then follows. */
  async start() {
    void this.stream.run();
    // A browser has six connections to one place, and keeps pages that one has left: a page that nobody sees holds none.
    addEventListener("pagehide", () => this.stream.stop());
    addEventListener("pageshow", ({ persisted }) => persisted && void this.stream.run());
    let hidden = 0;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(hidden);
      if (document.hidden) hidden = setTimeout(() => this.stream.stop(), UNSEEN);
      else void this.stream.run();
    });
    try {
      const { pushes } = await api.pushes();
      for (const shown of pushes.reverse()) this.#recall(shown);
      this.#order();
      this.#tell([]);
    } catch {
      // The stream shows the state of the gateway.
    }
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    if (!isPaused) this.#hear([]);
    this.dispatchEvent(new Event("pause"));
  }

  get waiting() {
    return this.#held.length;
  }

  /** The push that an event is about, where it can be known. */
  pushOf(event) {
    return event.push ?? (event.sir ? this.#pushOfSir.get(event.sir) : undefined) ?? null;
  }

  #hear(events) {
    if (this.isPaused) {
      this.#held.push(...events);
      if (this.#held.length > KEPT) this.#gap(this.#held.splice(0, this.#held.length - KEPT).length, "the page was paused");
      this.dispatchEvent(new Event("pause"));
      return;
    }
    const all = this.#held.length > 0 ? this.#held.concat(events) : events;
    this.#held = [];
    if (all.length === 0) return;
    for (const event of all) {
      this.events.push(event);
      this.#learn(event);
    }
    if (this.events.length > KEPT + SLACK) this.gone += this.events.splice(0, this.events.length - KEPT).length;
    this.#tell(all);
  }

  #tell(events) {
    this.dispatchEvent(new CustomEvent("events", { detail: events }));
  }

  #gap(missed, why) {
    this.gaps.push({ missed, why, t: Date.now() * 1000 });
    this.dispatchEvent(new CustomEvent("gap", { detail: { missed, why } }));
  }

  #push(id, t) {
    let push = this.pushes.get(id);
    if (push === undefined) {
      push = fresh(id, t);
      this.pushes.set(id, push);
      if (this.pushes.size > KEPT) this.pushes.delete(this.pushes.keys().next().value);
    }
    return push;
  }

  #learn(event) {
    const id = this.pushOf(event);
    if (id === null || event.ev === "wire") return;
    const push = this.#push(id, event.t);
    const device = (name) => {
      if (!push.devices.has(name)) push.devices.set(name, {});
      return push.devices.get(name);
    };
    switch (event.ev) {
      case "pap.rx":
        return Object.assign(push, { pui: event.pui, app: event.app, t: event.t });
      case "pap.refused":
        return Object.assign(push, { state: "refused", code: event.code, desc: event.why, ended: event.t });
      case "plan":
        for (const [name, why] of event.excluded) device(name).outcome ??= `excluded: ${why}`;
        return Object.assign(push, { mode: event.mode ?? "direct", wanted: event.wanted });
      case "sir.tx":
        if (event.sir) this.#pushOfSir.set(event.sir, id);
        if (event.dev !== "*") device(event.dev).bearer = event.bearer;
        return undefined;
      case "push.dev":
        return Object.assign(device(event.dev), { outcome: event.outcome, reason: event.reason });
      case "push.end":
        return Object.assign(push, { state: event.state, code: event.code, desc: event.desc, ended: event.t });
      default:
        return undefined;
    }
  }

  /** A push as the API shows it; what events told of it is newer. */
  #recall(shown) {
    if (this.pushes.has(shown.push_id)) return;
    const push = this.#push(shown.push_id, Date.parse(shown.accepted) * 1000);
    const [end] = shown.addresses;
    Object.assign(push, {
      pui: end?.pui ?? "",
      app: shown.application,
      mode: shown.devices.find((device) => device.mode)?.mode ?? null,
      wanted: shown.devices.map((device) => device.dev),
      state: shown.state,
      code: end?.code ?? null,
      desc: end?.desc ?? "",
      sir: shown.sir,
      ended: shown.ended === null ? null : Date.parse(shown.ended) * 1000,
    });
    for (const { dev, outcome, reason } of shown.devices) push.devices.set(dev, { outcome, reason });
  }

  #order() {
    this.pushes = new Map([...this.pushes].sort(([, one], [, other]) => one.t - other.t));
  }
}

/** A word and a sign for a state, so that colour alone never says it. */
export function sign(state) {
  const good = ["delivered", "delivered1", "delivered2", "delivered3"];
  if (good.includes(state)) return { sign: "✓", kind: "good" };
  if (state === "pending" || state === null || state === undefined) return { sign: "…", kind: "open" };
  if (state === "not-wanted" || String(state).startsWith("excluded")) return { sign: "–", kind: "quiet" };
  return { sign: "✗", kind: "bad" };
}
