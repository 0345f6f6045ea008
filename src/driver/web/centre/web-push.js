// Messages that come through the browser's own push service, also when no page is open.

import { Puller } from "./puller.js";

/** The octets of a key in the URL-safe alphabet of base64. */
const octets = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (it) => it.charCodeAt(0));

/** True when a subscription was made for that key of the gateway. */
function isFor(subscription, key) {
  const made = new Uint8Array(subscription.options.applicationServerKey ?? []);
  const wanted = octets(key);
  return made.length === wanted.length && made.every((it, at) => it === wanted[at]);
}

/**
 * Subscribes at the browser's push service for the gateway's key, and tells the gateway where.
 * @param {ServiceWorkerRegistration} worker
 * @param {(method: string, body?: object) => Promise<Response>} ask about the subscription of this client
 */
export async function subscribe(worker, ask) {
  const answer = await ask("GET");
  if (!answer.ok) throw new Error(`the gateway answers ${answer.status}`);
  const { key } = await answer.json();
  let made = await worker.pushManager.getSubscription();
  if (made !== null && !isFor(made, key)) {
    await made.unsubscribe();
    made = null;
  }
  made ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const told = await ask("PUT", made.toJSON());
  if (!told.ok) throw new Error(`the gateway answers ${told.status}`);
}

/**
 * A subscription at the push service, given to the gateway; the service worker takes what comes. A page asks once when it
 * opens and when it is looked at, for what no push brought; where there is no subscription it asks on the timer.
 */
export class WebPush {
  #parts;
  #puller;
  #isRunning = false;
  #visible = () => document.visibilityState === "visible" && this.#catchUp();

  /**
   * @param {object} parts those of a puller, and
   * @param {import("./client.js").Client} parts.client
   */
  constructor(parts) {
    this.#parts = parts;
    this.#puller = new Puller(parts);
  }

  /** True in a browser that can. */
  static isHere() {
    return "serviceWorker" in navigator && "PushManager" in globalThis;
  }

  start() {
    this.#isRunning = true;
    this.#subscribe().then(
      () => {
        this.#parts.facts.tell("stream.up", { transport: "webpush" });
        document.addEventListener("visibilitychange", this.#visible);
        void this.#catchUp();
      },
      (error) => {
        this.#parts.facts.tell("stream.error", { why: String(error) });
        if (this.#isRunning) this.#puller.start();
      },
    );
  }

  stop() {
    this.#isRunning = false;
    document.removeEventListener("visibilitychange", this.#visible);
    this.#puller.stop();
  }

  async #subscribe() {
    const { client } = this.#parts;
    const worker = await navigator.serviceWorker.register(new URL("../sw.js", import.meta.url), { type: "module" });
    await navigator.serviceWorker.ready;
    const headers = { "content-type": "application/json" };
    await subscribe(worker, (method, body) => client.fetch("subscription", { method, headers, body: JSON.stringify(body) }));
  }

  async #catchUp() {
    const { client, after, facts } = this.#parts;
    try {
      if (await this.#puller.once()) await client.send("ack", "POST", { upto: await after() });
    } catch (error) {
      facts.tell("poll.error", { why: String(error) });
    }
  }
}
