// Elements of a page, made without markup: nothing that a peer sent is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** @param {Element} element @param {Record<string, unknown>} properties @param {unknown[]} children */
function dressed(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of HTML; properties that begin with `on` are listeners, others attributes. */
export function h(name, properties = {}, ...children) {
  return /** @type {HTMLElement} */ (dressed(document.createElement(name), properties, children));
}

/** The same of SVG. */
export function svg(name, properties = {}, ...children) {
  return dressed(document.createElementNS(SVG, name), properties, children);
}

/** Text only where it changes, so that nothing is selected away or read out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A field of a form with its label. */
export function field(label, control) {
  return h("label", { class: "field" }, h("span", {}, label), control);
}

/** A list to choose from; options are texts, or pairs of value and text. */
export function choice(name, options, chosen) {
  const entries = options.map((it) => (Array.isArray(it) ? it : [it, it]));
  const all = entries.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("select", { name }, all);
}

/** Boxes to tick, as one group. */
export function boxes(legend, name, options, chosen = []) {
  const box = (value) =>
    h("label", { class: "box" }, h("input", { type: "checkbox", name, value, checked: chosen.includes(value) }), value);
  return h("fieldset", {}, h("legend", {}, legend), options.map(box));
}

/** A table with a caption for those who do not see it; `rows` are lists of cells, the first of each names the row. */
export function table(caption, heads, rows, properties = {}) {
  const cell = (content, at) => h(at === 0 ? "th" : "td", at === 0 ? { scope: "row" } : {}, content);
  const row = (cells) => h("tr", {}, cells.map(cell));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      properties,
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, rows.map(row)),
    ),
  );
}

/** When something was: time of day in UTC with milliseconds, from microseconds since the epoch. */
export function clock(micros) {
  return new Date(micros / 1000).toISOString().slice(11, 23);
}

/** Asks once before what cannot be taken back. */
export function sure(question) {
  return globalThis.confirm(question);
}
