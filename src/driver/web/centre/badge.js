// Numbers on the icons of applications.

/** The icons of a page and what stands on them. */
export class Badges {
  #icons = new Map();
  #facts;

  /** @param {import("./event.js").Facts} facts */
  constructor(facts) {
    this.#facts = facts;
  }

  /**
   * @param {string} appid
   * @param {HTMLElement} element its icon
   */
  put(appid, element) {
    this.#icons.set(appid, element);
  }

  /**
   * Shows how many messages of an application wait.
   * @param {string} appid
   * @param {number} count
   */
  show(appid, count) {
    const icon = this.#icons.get(appid);
    if (icon === undefined) return;
    const shown = icon.querySelector(":scope > .badge") ?? Object.assign(document.createElement("span"), { className: "badge" });
    shown.textContent = count > 99 ? "99+" : String(count);
    shown.setAttribute("role", "status");
    shown.setAttribute("aria-label", count === 1 ? "1 message" : `${count} messages`);
    if (count > 0) icon.append(shown);
    else shown.remove();
    this.#facts.tell("badge.set", { appid, n: count });
  }

  /**
   * The sum on the icon of the whole, where the system has one.
   * @param {number} total
   */
  async total(total) {
    try {
      await (total > 0 ? navigator.setAppBadge?.(total) : navigator.clearAppBadge?.());
    } catch {
      // A page that is not installed has no icon.
    }
  }
}
