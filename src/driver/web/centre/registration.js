// Who this browser is at the gateway, and which applications it asks for.

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

/** The connection of this browser profile with the gateway: its client number and its token. */
export class Client {
  #base;
  #store;
  #account;
  /** @type {Promise<{client: string, token: string}>|undefined} */
  #own;

  /**
   * @param {{base: string, store: import("./store.js").Store, account?: string}} parts
   */
  constructor({ base, store, account }) {
    this.#base = base;
    this.#store = store;
    this.#account = account;
  }

  /**
   * The same after each start of the browser; made at the gateway the first time. Tabs that start together make one.
   * @returns {Promise<{client: string, token: string}>}
   */
  own() {
    this.#own ??= navigator.locks.request("sirgate-mc client", () => this.#obtain()).catch((error) => {
      this.#own = undefined;
      throw error;
    });
    return this.#own;
  }

  async #obtain() {
    const kept = await this.#store.meta("client");
    if (kept !== undefined && kept.base === this.#base) return kept;
    const response = await fetch(`${this.#base}/clients`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(this.#account === undefined ? {} : { account: this.#account }),
      credentials: "same-origin",
    });
    if (!response.ok) throw new Refused(response.status, "the gateway takes no new client");
    const { client, token } = await response.json();
    const own = { client, token, base: this.#base };
    await this.#store.keep("client", own);
    return own;
  }

  /** The gateway knows this client no more: the next call makes another. */
  async forget() {
    this.#own = undefined;
    await this.#store.keep("client", undefined);
  }

  /**
   * A request about this client.
   * @param {string} path behind `/clients/{client}/`
   * @param {RequestInit} init
   */
  async fetch(path, init = {}) {
    const { client, token } = await this.own();
    const url = `${this.#base}/clients/${client}${path === "" ? "" : `/${path}`}`;
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
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

/** Receives registrations of applications and forwards them to the gateway. */
export class Registration {
  #client;
  #store;

  /** @param {{client: Client, store: import("./store.js").Store}} parts */
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
    const path = `apps/${encodeURIComponent(appid)}`;
    try {
      await this.#client.send(path, "PUT", about);
    } catch (error) {
      if (!(error instanceof Refused) || ![401, 404].includes(error.status)) throw error;
      await this.#client.forget();
      await this.#client.send(path, "PUT", about);
    }
  }

  /** @param {string} appid */
  async unregister(appid) {
    await this.#store.dropApp(appid);
    await this.#client.fetch(`apps/${encodeURIComponent(appid)}`, { method: "DELETE" });
  }
}
