// <sg-strip>: faults on purpose that are active, above every page. Nobody shall look for a fault that somebody made.

import { api } from "./client.js";
import { h, sure } from "./dom.js";

/** How often the rules are asked for, in milliseconds: other programs change them, too. */
const PERIOD = 5_000;

class Strip extends HTMLElement {
  #shown = "";

  set model(model) {
    const look = () => void this.look();
    let due = 0;
    model.addEventListener("events", ({ detail }) => {
      if (due !== 0 || !detail.some(({ ev }) => ev === "fault.hit")) return;
      due = setTimeout(() => {
        due = 0;
        look();
      }, 500);
    });
    addEventListener("sirgate:faults", look);
    setInterval(() => document.hidden || look(), PERIOD);
    look();
  }

  async look() {
    try {
      const { rules } = await api.faults();
      this.#show(rules.filter((rule) => !rule.over));
    } catch {
      // Closed to us, or the gateway is away; the state of the stream says so.
      this.#show([]);
    }
  }

  #show(rules) {
    const words = rules.map((rule) => `${rule.name} ${rule.words} (${rule.hit} hits)`).join(";  ");
    if (words === this.#shown) return;
    this.#shown = words;
    if (rules.length === 0) return this.replaceChildren();
    const clear = h("button", { type: "button", onclick: () => this.#clear(rules) }, "Clear all faults");
    const count = rules.length === 1 ? "1 fault active" : `${rules.length} faults active`;
    return this.replaceChildren(h("p", { role: "status" }, h("strong", {}, `⚠ ${count}: `), h("a", { href: "/faults" }, words)), clear);
  }

  async #clear(rules) {
    if (!sure(`Clear ${rules.map(({ name }) => name).join(", ")}?`)) return;
    await api.resetFaults();
    dispatchEvent(new Event("sirgate:faults"));
  }
}

customElements.define("sg-strip", Strip);
