// <sg-ladder>: rungs in lanes. Only the rows that are seen exist; they are drawn once a frame.
//
// `rungs = [...]` shows these, `append([...])` adds, `trim(n)` takes the oldest out. Tells: `inspect` (detail: the rung),
// `compare` (detail: two rungs). Keys: j k arrows Home End PageUp PageDown Enter Space t.

import { h } from "../dom.js";
import { Lanes } from "./lanes.js";
import { LANE, MARGIN, ROW, fill, heads, notesAt, x } from "./row.js";

/** Rows beyond the seen ones, on either side. */
const SPARE = 4;
/** Rows that exist at most. */
const ROWS_MOST = 60;
/** Room for the words beside the lanes. */
const NOTES = 420;

let ladders = 0;

export class Ladder extends HTMLElement {
  #all = [];
  /** When the first rung was; times are shown from there, also when it is gone. */
  #start = null;
  /** Those of `#all` that are wanted, in the same order. */
  #shown = [];
  #lanes = new Lanes();
  #labels = new Map();
  /** @type {string[]} */
  #standing = [];
  #wanted = (rung) => !rung.folded;
  #rows = new Map();
  #free = [];
  #due = 0;
  #id = `ladder-${(ladders += 1)}`;
  #current = null;
  #marked = null;
  #isTable = false;
  #look = 0;
  /** The last row stays in sight as rows come. */
  follows = false;

  connectedCallback() {
    if (this.view !== undefined) return;
    this.head = h("div", { class: "heads", "aria-hidden": "true" });
    this.space = h("div", { class: "space", role: "presentation" });
    this.none = h("p", { class: "none" }, "No messages yet.");
    this.view = h("div", { class: "view", tabindex: "0", role: "listbox", "aria-label": this.getAttribute("label") ?? "Ladder", onscroll: () => this.#later(), onkeydown: (event) => this.#key(event), onclick: (event) => this.#click(event) }, this.head, this.space);
    this.append(this.view, this.none);
    this.sizes = new ResizeObserver(() => this.#later());
    this.sizes.observe(this.view);
    this.#later();
  }

  disconnectedCallback() {
    this.sizes.disconnect();
    delete this.view;
    this.replaceChildren();
    this.#rows.clear();
    this.#free = [];
  }

  /** What stands above lanes, by the names of parties. */
  set labels(labels) {
    this.#labels = labels;
    this.#anew();
  }

  /** Parties whose lanes stand there before they take part. */
  set parties(names) {
    this.#standing = names;
    this.#relane(new Lanes());
    this.#anew();
  }

  set rungs(rungs) {
    this.#all = rungs.slice();
    this.#shown = rungs.filter(this.#wanted);
    this.#start = this.#shown[0]?.t ?? null;
    this.#current = this.#marked = null;
    this.#relane(new Lanes());
    this.#anew();
  }

  get rungs() {
    return this.#shown;
  }

  /** Which rungs are shown. */
  set wanted(wanted) {
    this.#wanted = wanted;
    this.#shown = this.#all.filter(wanted);
    this.#start ??= this.#shown[0]?.t ?? null;
    this.#relane(new Lanes());
    this.#anew();
  }

  set isTable(isTable) {
    this.#isTable = isTable;
    this.classList.toggle("as-table", isTable);
    this.#anew();
  }

  get isTable() {
    return this.#isTable;
  }

  get current() {
    return this.#current;
  }

  append(...added) {
    // Elements go the way of all elements.
    if (added.length !== 1 || !Array.isArray(added[0])) return super.append(...added);
    const lanes = this.#lanes.count;
    this.#take(added[0]);
    if (this.#lanes.count !== lanes) this.#anew();
    else this.#later();
    return undefined;
  }

  /** Takes the oldest out until so many are kept; what is seen stays where it is. */
  trim(kept) {
    const gone = this.#all.length - kept;
    if (gone <= 0) return;
    const last = this.#all[gone - 1];
    this.#all.splice(0, gone);
    let shown = 0;
    while (shown < this.#shown.length && this.#shown[shown].seq <= last.seq) shown += 1;
    this.#shown.splice(0, shown);
    if (this.view !== undefined && !this.follows) this.#shift += shown;
    this.#later();
  }

  /** Rows that went above what is seen, since the last frame. */
  #shift = 0;

  #take(rungs) {
    for (const rung of rungs) {
      this.#all.push(rung);
      if (!this.#wanted(rung)) continue;
      this.#start ??= rung.t;
      this.#shown.push(rung);
      this.#lanes.add(rung.from);
      if (rung.to !== null) this.#lanes.add(rung.to);
    }
  }

  /** The lanes of what is shown, after those that stand there anyway. */
  #relane(lanes) {
    this.#lanes = lanes;
    for (const name of this.#standing) lanes.add(name);
    for (const { from, to } of this.#shown) {
      lanes.add(from);
      if (to !== null) lanes.add(to);
    }
  }

  /** All rows are drawn anew: lanes moved, or the rows are others. */
  #anew() {
    this.#look += 1;
    this.#later();
  }

  #later() {
    if (this.#due !== 0 || this.view === undefined) return;
    this.#due = requestAnimationFrame(() => {
      this.#due = 0;
      if (this.view !== undefined) this.draw();
    });
  }

  /** Brings what is seen up to date; otherwise done once a frame. */
  draw() {
    const { view, space } = this;
    const count = this.#shown.length;
    this.none.hidden = count > 0;
    this.view.classList.toggle("is-empty", count === 0);
    if (this.#drawnLook !== this.#look) this.#frame();
    space.style.height = `${count * ROW}px`;
    if (this.#shift > 0) {
      view.scrollTop = Math.max(0, view.scrollTop - this.#shift * ROW);
      this.#shift = 0;
    }
    const room = view.clientHeight - this.head.offsetHeight;
    if (this.follows) view.scrollTop = Math.max(0, count * ROW - room);
    // A list that shrank may end above where the view was.
    const top = Math.max(0, Math.min(view.scrollTop, count * ROW - room));
    const first = Math.max(0, Math.floor(top / ROW) - SPARE);
    const last = Math.min(count, first + Math.min(ROWS_MOST, Math.ceil(room / ROW) + 2 * SPARE));
    this.#place(first, last);
    this.dataset.count = String(count);
    this.dataset.last = String(this.#shown[count - 1]?.seq ?? "");
  }

  #drawnLook = -1;

  #frame() {
    this.#drawnLook = this.#look;
    for (const [, row] of this.#rows) this.#release(row);
    this.#rows.clear();
    const lanes = Math.max(1, this.#lanes.count);
    const width = this.#isTable ? "100%" : `${notesAt(lanes) + NOTES}px`;
    this.head.style.width = this.space.style.width = width;
    this.space.style.setProperty("--first", `${MARGIN}px`);
    this.space.style.setProperty("--lane", `${LANE}px`);
    this.space.style.setProperty("--lanes", `${x(lanes - 1) + 1}px`);
    this.head.replaceChildren(...heads(this.#lanes, this.#labels, this.#isTable));
  }

  #release(row) {
    row.remove();
    if (this.#free.length < ROWS_MOST) this.#free.push(row);
  }

  #place(first, last) {
    const start = this.#start ?? 0;
    const wanted = new Map();
    for (let at = first; at < last; at += 1) wanted.set(this.#shown[at], at);
    for (const [rung, row] of this.#rows) {
      if (wanted.has(rung)) continue;
      this.#rows.delete(rung);
      this.#release(row);
    }
    for (const [rung, at] of wanted) {
      let row = this.#rows.get(rung);
      if (row === undefined) {
        row = this.#free.pop() ?? h("div", { class: "row", role: "option" });
        row.rung = rung;
        fill(row, { rung, start, lanes: this.#lanes, isTable: this.#isTable });
        this.#rows.set(rung, row);
        this.space.append(row);
      }
      row.style.top = `${at * ROW}px`;
      row.id = `${this.#id}-${at}`;
      row.setAttribute("aria-posinset", String(at + 1));
      row.setAttribute("aria-setsize", String(this.#shown.length));
      row.setAttribute("aria-selected", String(rung === this.#current));
      row.classList.toggle("is-marked", rung === this.#marked);
    }
    const at = this.#current === null ? undefined : wanted.get(this.#current);
    if (at === undefined) this.view.removeAttribute("aria-activedescendant");
    else this.view.setAttribute("aria-activedescendant", `${this.#id}-${at}`);
  }

  /** Goes to a row, and shows it. */
  go(at) {
    if (this.#shown.length === 0) return;
    const to = Math.max(0, Math.min(at, this.#shown.length - 1));
    this.#current = this.#shown[to];
    this.follows = false;
    const room = this.view.clientHeight - this.head.offsetHeight;
    const top = this.view.scrollTop;
    if (to * ROW < top) this.view.scrollTop = to * ROW;
    else if ((to + 1) * ROW > top + room) this.view.scrollTop = (to + 1) * ROW - room;
    this.#later();
  }

  /** Goes to the rung of an event; false when it is not shown. */
  find(seq) {
    const at = this.#shown.findIndex((rung) => rung.seq === seq);
    if (at >= 0) this.go(at);
    return at >= 0;
  }

  #inspect() {
    if (this.#current !== null) this.dispatchEvent(new CustomEvent("inspect", { detail: this.#current }));
  }

  #mark() {
    const [first, second] = [this.#marked, this.#current];
    if (first === null || first === second) {
      this.#marked = first === null ? second : null;
      return this.#later();
    }
    this.#marked = null;
    this.#later();
    return this.dispatchEvent(new CustomEvent("compare", { detail: [first, second] }));
  }

  #click(event) {
    const row = event.target.closest(".row");
    if (row === null) return;
    this.go(this.#shown.indexOf(row.rung));
    this.#inspect();
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const at = this.#current === null ? -1 : this.#shown.indexOf(this.#current);
    const page = Math.max(1, Math.floor(this.view.clientHeight / ROW) - 2);
    const keys = {
      j: () => this.go(at + 1),
      ArrowDown: () => this.go(at + 1),
      k: () => this.go(at - 1),
      ArrowUp: () => this.go(at - 1),
      PageDown: () => this.go(at + page),
      PageUp: () => this.go(at - page),
      Home: () => this.go(0),
      End: () => this.go(this.#shown.length - 1),
      Enter: () => this.#inspect(),
      " ": () => this.#mark(),
      t: () => (this.isTable = !this.isTable),
    };
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }
}

customElements.define("sg-ladder", Ladder);
