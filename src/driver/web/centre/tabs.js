// The tabs of one browser profile: one leads and talks with the gateway, all hear what it learns.

/** One leader among all tabs; the next one follows when it is closed. Tells `told` and, when one comes to sight, `seen`. */
export class Tabs extends EventTarget {
  #channel;
  #name;
  #own = crypto.randomUUID();
  /** Other tabs that are looked at. */
  #seen = new Set();
  #release = () => {};
  #show = () => {
    this.#say(this.#isOwnSeen());
    if (this.#isOwnSeen()) this.dispatchEvent(new Event("seen"));
  };
  #hide = () => this.#say(false);

  /** @param {string} name common to the tabs */
  constructor(name = "sirgate-mc") {
    super();
    this.#name = name;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    globalThis.document?.addEventListener("visibilitychange", this.#show);
    globalThis.addEventListener?.("pagehide", this.#hide);
    this.#channel.postMessage({ who: true });
    this.#say(this.#isOwnSeen());
  }

  /** Tells the other tabs. */
  tell(what) {
    this.#channel.postMessage(what);
  }

  /** True while any tab is looked at. */
  isSeen() {
    return this.#isOwnSeen() || this.#seen.size > 0;
  }

  /**
   * Calls `lead` once this tab is the leader.
   * @param {() => void} lead
   */
  elect(lead) {
    const held = new Promise((resolve) => (this.#release = resolve));
    void navigator.locks.request(`${this.#name} leader`, () => {
      lead();
      return held;
    });
  }

  /** Leads no more, hears no more. */
  leave() {
    this.#hide();
    this.#release();
    globalThis.document?.removeEventListener("visibilitychange", this.#show);
    globalThis.removeEventListener?.("pagehide", this.#hide);
    this.#channel.close();
  }

  #isOwnSeen() {
    return globalThis.document !== undefined && document.visibilityState !== "hidden";
  }

  #say(isSeen) {
    if (globalThis.document === undefined) return;
    this.#channel.postMessage({ tab: this.#own, isSeen });
  }

  #hear(data) {
    if (data.who === true) {
      if (this.#isOwnSeen()) this.#say(true);
    } else if (data.tab === undefined) {
      this.dispatchEvent(new CustomEvent("told", { detail: data }));
    } else if (data.isSeen) {
      this.#seen.add(data.tab);
      this.dispatchEvent(new Event("seen"));
    } else {
      this.#seen.delete(data.tab);
    }
  }
}
