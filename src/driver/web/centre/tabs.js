// The tabs of one browser profile: one leads and talks with the gateway, all hear what it learns.

/** One leader among all tabs; the next one follows when it is closed. */
export class Tabs extends EventTarget {
  #channel;
  #name;
  #release = () => {};

  /** @param {string} name common to the tabs */
  constructor(name = "sirgate-mc") {
    super();
    this.#name = name;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.dispatchEvent(new CustomEvent("told", { detail: data }));
  }

  /** Tells the other tabs. */
  tell(what) {
    this.#channel.postMessage(what);
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
    this.#release();
    this.#channel.close();
  }
}
