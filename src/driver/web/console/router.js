// Which page an address means. Links within the console change the page without another load.

import { h } from "./dom.js";

/** Paths and the modules of their pages; a page is a function that fills the main element and may return what ends it. */
const PAGES = [
  [/^\/$/, () => import("./pages/overview.js")],
  [/^\/p\/([^/]+)$/, () => import("./pages/push.js")],
  [/^\/m\/([^/]+)$/, () => import("./pages/message.js")],
  [/^\/i$/, () => import("./pages/identities.js")],
  [/^\/i\/([^/]+)$/, () => import("./pages/identity.js")],
  [/^\/d$/, () => import("./pages/devices.js")],
  [/^\/d\/([^/]+)$/, () => import("./pages/device.js")],
  [/^\/compose$/, () => import("./pages/compose.js")],
  [/^\/live$/, () => import("./pages/live.js")],
  [/^\/faults$/, () => import("./pages/faults.js")],
  [/^\/status$/, () => import("./pages/status.js")],
];

export class Router {
  #end = new AbortController();
  #turn = 0;

  /** @param {HTMLElement} main @param {import("./model.js").Model} model */
  constructor(main, model) {
    this.main = main;
    this.model = model;
    addEventListener("popstate", () => void this.show());
    document.addEventListener("click", (event) => this.#click(event));
  }

  go(path) {
    history.pushState(null, "", path);
    return this.show(true);
  }

  /** Shows the page of the address. */
  async show(isByUser = false) {
    const path = location.pathname;
    const turn = (this.#turn += 1);
    this.#end.abort();
    this.#end = new AbortController();
    const { signal } = this.#end;
    for (const link of document.querySelectorAll("header.frame nav a")) {
      const to = link.getAttribute("href");
      const isHere = to === path || (to !== "/" && path.startsWith(`${to}/`)) || (to === "/" && path.startsWith("/p/"));
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const found = PAGES.map(([pattern, load]) => [pattern.exec(path), load]).find(([match]) => match !== null);
    document.documentElement.dataset.page = "";
    try {
      if (found === undefined) throw new Error("there is no such page");
      const [match, load] = found;
      const page = await load();
      if (turn !== this.#turn) return;
      this.main.replaceChildren();
      const parameters = match.slice(1).map(decodeURIComponent);
      await page.show({ main: this.main, model: this.model, router: this, signal }, ...parameters);
    } catch (error) {
      if (turn !== this.#turn || signal.aborted) return;
      this.main.replaceChildren(h("h1", { tabindex: "-1" }, "This cannot be shown"), h("p", { role: "alert" }, error.message));
    }
    if (turn !== this.#turn) return;
    const title = this.main.querySelector("h1");
    document.title = `${title?.textContent ?? "sirgate"} · sirgate`;
    document.documentElement.dataset.page = path;
    if (isByUser) {
      title?.setAttribute("tabindex", "-1");
      title?.focus();
      scrollTo(0, 0);
    }
  }

  #click(event) {
    const link = event.target.closest?.("a[href]");
    const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || link.target || link.hasAttribute("download") || event.defaultPrevented) return;
    const { origin, pathname, hash } = new URL(link.href);
    if (origin !== location.origin || hash || !PAGES.some(([pattern]) => pattern.test(pathname))) return;
    event.preventDefault();
    void this.go(link.getAttribute("href"));
  }
}
