// Messages that come through the browser's own push service, also when no page is open.

/** A subscription at the push service, given to the gateway; the service worker takes what comes. */
export class WebPush {
  #parts;

  /**
   * @param {object} parts
   * @param {import("./client.js").Client} parts.client
   * @param {import("./event.js").Facts} parts.facts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** True in a browser that can. */
  static isHere() {
    return "serviceWorker" in navigator && "PushManager" in globalThis;
  }

  start() {
    this.subscribe().catch((error) => this.#parts.facts.tell("stream.error", { why: String(error) }));
  }

  stop() {}

  /** Subscribes and tells the gateway where, once; again when the gateway's key is another. */
  async subscribe() {
    const { client, facts } = this.#parts;
    const worker = await navigator.serviceWorker.register(new URL("../sw.js", import.meta.url), { type: "module" });
    await navigator.serviceWorker.ready;
    const answer = await client.fetch("subscription");
    if (!answer.ok) throw new Error(`the gateway answers ${answer.status}`);
    const { key } = await answer.json();
    const subscription =
      (await worker.pushManager.getSubscription()) ??
      (await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
    await client.send("subscription", "PUT", subscription.toJSON());
    facts.tell("stream.up", { transport: "webpush" });
  }
}
