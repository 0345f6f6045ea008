// <sg-inspector>: one message, its fields beside its octets. Whichever is pointed at or has the focus marks the other.

import { api } from "./client.js";
import { h } from "./dom.js";

const LINE = 16;
/** Octets shown before one asks for all. */
const FIRST = 2048;

const pair = (octet) => octet.toString(16).padStart(2, "0");
const printable = (octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : "·");

/** The octets of hex digits. */
export function octetsOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

/** Spans by the format they are of: `sip.Via` is of `sip`. */
function grouped(spans) {
  const groups = [];
  for (const [at, span] of spans.entries()) {
    const root = span.path.split(/[.[]/)[0];
    if (groups.at(-1)?.root !== root) groups.push({ root, clause: span.clause, spans: [] });
    groups.at(-1).spans.push({ at, span });
  }
  return groups;
}

export class Inspector extends HTMLElement {
  #abort = new AbortController();
  #fields = [];
  #octets = [];

  connectedCallback() {
    if (this.childElementCount === 0) this.#say("Choose a message to see its fields and octets.");
  }

  disconnectedCallback() {
    this.#abort.abort();
  }

  /** Shows the message of an event. */
  async show(rung) {
    const message = await this.#ask([rung.seq]);
    if (message !== null) this.#draw(message[0], rung);
  }

  /** Shows octets that are no event's. */
  preview(title, hex, read) {
    this.#draw({ hex, read, what: title, part: "message" }, null);
  }

  /** Two messages beside each other. */
  async compare(first, second) {
    const both = await this.#ask([first.seq, second.seq]);
    if (both === null) return;
    const [one, other] = both.map(({ read }) => new Map((read?.spans ?? []).map((span) => [span.path, String(span.value)])));
    const paths = [...new Set([...one.keys(), ...other.keys()])];
    const row = (path) => {
      const [left, right] = [one.get(path), other.get(path)];
      const differs = left !== right;
      return h("tr", { class: differs ? "differs" : "" }, h("th", { scope: "row" }, path), h("td", {}, left ?? "–"), h("td", {}, right ?? "–"), h("td", {}, differs ? "≠ differs" : "= same"));
    };
    const head = ["field", both[0].what, both[1].what, ""];
    this.replaceChildren(
      h("h2", {}, "Two messages"),
      h("table", {}, h("caption", {}, `Fields of events ${first.seq} and ${second.seq}`), h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text || "verdict")))), h("tbody", {}, paths.map(row))),
    );
  }

  async #ask(seqs) {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      return await Promise.all(seqs.map((seq) => api.message(seq, signal)));
    } catch (error) {
      if (!signal.aborted) this.#say(error.status === 404 ? "This step is no message, or the gateway keeps it no more." : error.message);
      return null;
    }
  }

  #say(words) {
    this.replaceChildren(h("h2", {}, "Inspector"), h("p", { class: "quiet" }, words));
  }

  #draw(message, rung) {
    const octets = octetsOf(message.hex);
    const read = message.read;
    const parts = [h("h2", {}, (rung === null ? message.what : message.what.split(" ").slice(0, 2).join(" ")) || "Message")];
    const facts = [rung === null ? null : `${message.from} → ${message.to}`, message.line, `${octets.length} octets`, read?.form];
    parts.push(h("p", { class: "quiet" }, facts.filter(Boolean).join(" · ")));
    if (message.part === "body") parts.push(h("p", { class: "quiet" }, "Of HTTP the body is kept."));
    if (read?.error) parts.push(h("p", { class: "bad" }, `✗ ${read.error.format} at octet ${read.error.offset}: expected ${read.error.expected}`));
    for (const odd of read?.deviations ?? []) parts.push(h("p", { class: "warn" }, `△ at octet ${odd.at}: expected ${odd.expected}`));
    this.#fields = [];
    this.#octets = [];
    if (octets.length === 0) parts.push(h("p", {}, "No octets are kept of it."));
    else parts.push(this.#tree(read?.spans ?? []), this.#hex(octets, read?.spans ?? [], FIRST));
    if (rung !== null) parts.push(h("p", {}, h("a", { href: `/m/${message.seq}` }, "this message alone")));
    this.replaceChildren(...parts);
  }

  #tree(spans) {
    const item = ({ at, span }) => {
      const label = span.path.split(".").slice(1).join(".") || span.path;
      const field = h(
        "li",
        { role: "treeitem", tabindex: at === 0 ? "0" : "-1", "data-path": span.path, onmouseenter: () => this.mark(at), onfocus: () => this.mark(at) },
        h("span", { class: "name" }, label),
        " ",
        h("span", { class: "value" }, String(span.value)),
      );
      this.#fields[at] = field;
      return field;
    };
    const group = ({ root, clause, spans: own }) =>
      h("li", { role: "treeitem", "aria-expanded": "true", tabindex: "-1" }, h("span", { class: "root" }, root, " ", h("small", {}, clause)), h("ul", { role: "group" }, own.map(item)));
    return h("ul", { role: "tree", "aria-label": "Fields", class: "fields", onkeydown: (event) => this.#walk(event) }, grouped(spans).map(group));
  }

  #walk(event) {
    const at = this.#fields.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: this.#fields.length - 1 }[event.key];
    const field = to === undefined ? undefined : this.#fields[to];
    if (field === undefined) return;
    event.preventDefault();
    for (const other of this.#fields) other.tabIndex = -1;
    field.tabIndex = 0;
    field.focus();
  }

  #hex(octets, spans, most) {
    const ownerOf = new Int32Array(octets.length).fill(-1);
    for (const [at, span] of spans.entries()) ownerOf.fill(at, span.at, span.at + span.len);
    const lines = [];
    for (let from = 0; from < Math.min(octets.length, most); from += LINE) {
      const line = [...octets.subarray(from, from + LINE)];
      const cells = line.map((octet, at) => {
        const owner = ownerOf[from + at];
        const cell = h("span", { class: "octet", "data-field": owner }, pair(octet));
        if (owner >= 0) (this.#octets[owner] ??= []).push(cell);
        return cell;
      });
      const signs = line.map((octet, at) => {
        const owner = ownerOf[from + at];
        const cell = h("span", { class: "sign", "data-field": owner }, printable(octet));
        if (owner >= 0) (this.#octets[owner] ??= []).push(cell);
        return cell;
      });
      lines.push(h("div", { class: "line" }, h("span", { class: "at" }, from.toString(16).padStart(4, "0")), h("span", { class: "pairs" }, cells), h("span", { class: "signs" }, signs)));
    }
    const point = (event) => {
      const owner = Number(event.target.dataset?.field ?? -1);
      if (owner >= 0) this.mark(owner);
      return owner;
    };
    const box = h("div", { class: "hex", role: "group", "aria-label": "Octets", tabindex: "0", onmouseover: point, onclick: (event) => this.#fields[point(event)]?.focus() }, lines);
    if (octets.length > most) {
      const all = h("button", { type: "button", onclick: () => box.replaceWith(this.#hex(octets, spans, octets.length)) }, `show all ${octets.length} octets`);
      box.append(all);
    }
    return box;
  }

  /** Marks a field and its octets. */
  mark(at) {
    for (const marked of this.querySelectorAll(".is-marked")) marked.classList.remove("is-marked");
    this.#fields[at]?.classList.add("is-marked");
    for (const cell of this.#octets[at] ?? []) cell.classList.add("is-marked");
  }
}

customElements.define("sg-inspector", Inspector);
