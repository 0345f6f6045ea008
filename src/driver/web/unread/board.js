// Where a page shows what is unread: posted notes, a list, and two numbers.

/** So many notes stand at a time; the oldest go. */
const NOTES = 20;

/** Shows stamps on a page. */
export class Board {
  #document;
  #show;
  #none;
  #place;
  /** True while nothing at all is unread, as far as is known. */
  #isEmpty = true;

  /**
   * @param {object} options
   * @param {Document} [options.document]
   * @param {"notes"|"list"|"note-only"} [options.show] a note for each summary; one list; or one note with all of it
   * @param {"note"|"silent"} [options.none] what is shown when there is nothing new
   */
  constructor({ document = globalThis.document, show = "notes", none = "silent" } = {}) {
    this.#document = document;
    this.#show = show;
    this.#none = none;
  }

  /** @param {import("./stamp.js").Stamp} stamp */
  post(stamp) {
    if (this.#show !== "note-only") {
      if (stamp.old !== null) this.#number("old", stamp.old);
      this.#number("new", stamp.fresh);
    }
    if (this.#show === "list") this.#list(stamp.items);
    this.#isEmpty = stamp.fresh === 0;
    if (this.#isEmpty) return this.nothing();
    const fresh = stamp.items.filter((it) => it.isNew);
    if (this.#show === "notes") for (const it of fresh) this.#note(`${it.title} ${it.summary}`.trim());
    if (this.#show === "note-only") {
      const lines = stamp.items.map((it) => `${it.title} ${it.summary}`.trim());
      const before = stamp.old === null ? "" : `, ${stamp.old} shown before`;
      this.#note([`${stamp.fresh} new${before}`, ...lines].join("\n"));
    }
    if (stamp.more > 0 && this.#show !== "list") this.#note(`and ${stamp.more} more`);
  }

  /** There is no new message, or nothing was said of any. */
  nothing() {
    if (this.#none === "note" && this.#isEmpty) this.#note("no new messages");
  }

  #number(which, count) {
    for (const element of this.#document.querySelectorAll(`[data-sg-${which}]`)) element.textContent = String(count);
  }

  #note(line) {
    const note = this.#document.createElement("p");
    note.className = "note";
    note.textContent = line;
    const notes = this.#notes();
    notes.append(note);
    while (notes.childElementCount > NOTES) notes.firstElementChild.remove();
  }

  #notes() {
    if (this.#place === undefined) {
      this.#place = this.#document.querySelector("[data-sg-notes]") ?? this.#document.createElement("div");
      this.#place.classList.add("notes");
      this.#place.setAttribute("role", "status");
      if (!this.#place.isConnected) this.#document.body.append(this.#place);
    }
    return this.#place;
  }

  #list(items) {
    for (const list of this.#document.querySelectorAll("[data-sg-list]")) {
      const rows = items.map(({ title, summary, isNew }) => {
        const row = this.#document.createElement("li");
        row.textContent = `${title} ${summary}`.trim();
        row.classList.toggle("new", isNew);
        return row;
      });
      list.replaceChildren(...rows);
    }
  }
}
