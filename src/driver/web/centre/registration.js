// Which applications this browser asks for.

import { Renewed } from "./client.js";

/** Receives registrations of applications and forwards them to the gateway. */
export class Registration {
  #client;
  #store;

  /** @param {{client: import("./client.js").Client, store: import("./store.js").Store}} parts */
  constructor({ client, store }) {
    this.#client = client;
    this.#store = store;
  }

  /**
   * Receiving unit: an application registers; it makes no request of its own.
   * @param {string} appid
   * @param {object} about title, icon, url, filter
   */
  async register(appid, about = {}) {
    await this.#store.keepApp({ appid, ...about });
    await this.forward(appid, about);
  }

  /**
   * Sending unit: the back-end learns what the application passed, as it was.
   * @param {string} appid
   * @param {object} about
   */
  async forward(appid, about) {
    try {
      await this.#client.register(appid, about);
    } catch (error) {
      // A new client has registered all applications of this browser.
      if (!(error instanceof Renewed)) throw error;
    }
  }

  /** @param {string} appid */
  async unregister(appid) {
    await this.#store.dropApp(appid);
    await this.#client.fetch(`apps/${encodeURIComponent(appid)}`, { method: "DELETE" });
  }
}
