// <sg-live>: whether what is shown is of now, and the button that holds it.

import { h, write } from "./dom.js";

class Live extends HTMLElement {
  #model = null;

  set model(model) {
    this.#model = model;
    this.state = h("span", { role: "status", class: "state" });
    this.gap = h("span", { class: "gap warn", role: "status" });
    this.button = h("button", { type: "button", onclick: () => model.pause(!model.isPaused) }, "Pause");
    this.replaceChildren(this.state, this.gap, this.button);
    model.stream.addEventListener("state", () => this.#show());
    model.addEventListener("pause", () => this.#show());
    model.addEventListener("gap", () => this.#show());
    this.#show();
  }

  #show() {
    const { isPaused, waiting, stream, gaps } = this.#model;
    const words = { live: "● live", connecting: "○ connecting", broken: "✗ no connection, trying again" };
    write(this.state, isPaused ? `❚❚ paused, ${waiting} events wait` : words[stream.state]);
    this.state.dataset.state = isPaused ? "paused" : stream.state;
    const missed = gaps.reduce((sum, gap) => sum + gap.missed, 0);
    const why = gaps.at(-1)?.why;
    write(this.gap, why === undefined ? "" : missed > 0 ? `△ gap: ${missed} events missed, ${why}` : `△ ${why}`);
    write(this.button, isPaused ? "Go on" : "Pause");
    this.button.setAttribute("aria-pressed", String(isPaused));
  }
}

customElements.define("sg-live", Live);
