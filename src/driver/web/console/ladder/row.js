// One row of a ladder, as a drawing or as cells. The bearer shows in the line's pattern and in a word beside it, never in
// its colour alone.

import { h, svg, write } from "../dom.js";

export const ROW = 26;
export const LANE = 132;
/** The column of times, then half a lane. */
export const MARGIN = 96;
const NOTE = 34;

/** Where a lane stands. */
export const x = (lane) => MARGIN + lane * LANE;
/** Where the words to the right of the lanes begin. */
export const notesAt = (lanes) => x(lanes - 1) + NOTE;

/** Time since the first row, in seconds to a tenth of a millisecond. */
export function since(rung, start) {
  return ((rung.t - start) / 1e6).toFixed(4);
}

/** The row in words, for those who do not see it. */
export function spoken(rung, start) {
  const when = `${since(rung, start)} s`;
  const note = rung.note ? `, ${rung.note}` : "";
  return rung.to === null ? `${when}, ${rung.from}: ${rung.word}${note}` : `${when}, ${rung.from} to ${rung.to === "*" ? "all devices" : rung.to}, ${rung.line} ${rung.word}${note}`;
}

const MIDDLE = ROW / 2;
const HEAD = 7;

function head(at, isRight) {
  const back = isRight ? at - HEAD : at + HEAD;
  return svg("path", { class: "head", d: `M${at} ${MIDDLE}L${back} ${MIDDLE - 4}V${MIDDLE + 4}Z` });
}

function text(words, properties) {
  const element = svg("text", { y: MIDDLE + 4, ...properties });
  element.textContent = words;
  return element;
}

/** As many characters as there is room for. */
const fit = (words, room) => (words.length * 7.3 > room ? `${words.slice(0, Math.max(1, Math.floor(room / 7.3) - 1))}…` : words);

function arrow(rung, from, to) {
  if (from === to) {
    // A message to oneself leaves its lane and comes back.
    const left = x(from);
    return [
      svg("path", { class: "wire", d: `M${left} 5H${left + 26}V${ROW - 5}H${left + HEAD}` }),
      svg("path", { class: "head", d: `M${left} ${ROW - 5}L${left + HEAD} ${ROW - 9}V${ROW - 1}Z` }),
      text(rung.word, { x: left + 34, class: "word" }),
    ];
  }
  const [start, end] = [x(from), x(to)];
  const isRight = start < end;
  const [left, right] = [Math.min(start, end), Math.max(start, end)];
  const room = right - left - 3 * HEAD;
  const words = fit(rung.word, room);
  const width = words.length * 7.3 + 8;
  const middle = (left + right) / 2 + (isRight ? -3 : 3);
  const wire = (y) => svg("path", { class: "wire", d: `M${start} ${y}H${end + (isRight ? -HEAD : HEAD)}` });
  return [
    ...(rung.line === "msrp" ? [wire(MIDDLE - 2), wire(MIDDLE + 2)] : [wire(MIDDLE)]),
    head(end, isRight),
    svg("rect", { class: "plate", x: middle - width / 2, y: 4, width, height: ROW - 8 }),
    text(words, { x: middle, class: "word", "text-anchor": "middle" }),
  ];
}

function drawn(rung, lanes) {
  const from = lanes.of(rung.from);
  const picture = svg("svg", { "aria-hidden": "true", height: ROW, width: x(lanes.count - 1) + LANE });
  if (rung.to === null) {
    const left = x(from);
    picture.append(svg("path", { class: "mark", d: `M${left} ${MIDDLE}h9` }), svg("circle", { class: "dot", cx: left, cy: MIDDLE, r: 3.5 }), text(rung.word, { x: left + 14, class: "word alone" }));
  } else {
    picture.append(...arrow(rung, from, lanes.of(rung.to)));
  }
  return picture;
}

/** Fills an element with the row. */
export function fill(element, { rung, start, lanes, isTable }) {
  element.dataset.seq = rung.seq ?? "";
  element.dataset.line = rung.line;
  element.setAttribute("aria-label", spoken(rung, start));
  const time = h("span", { class: "time" }, since(rung, start));
  if (isTable) {
    const cell = (kind, words) => h("span", { class: kind }, words);
    element.replaceChildren(time, cell("from", rung.from), cell("to", rung.to ?? ""), cell("line", rung.line), cell("what", rung.word), cell("note", rung.note));
    return;
  }
  const parts = [time, drawn(rung, lanes)];
  if (rung.to !== null) {
    const note = h("span", { class: "note" }, h("b", { class: "line" }, rung.line), ` ${rung.note}`);
    note.style.left = `${notesAt(lanes.count)}px`;
    parts.push(note);
  }
  element.replaceChildren(...parts);
}

/** The names above the lanes. */
export function heads(lanes, labels, isTable) {
  if (isTable) return ["time, s", "from", "to", "line", "what", "note"].map((name) => h("span", { class: "column" }, name));
  return lanes.names.map((name, at) => {
    const label = h("span", { class: "lane", title: labels.get(name) ?? name });
    label.style.left = `${x(at)}px`;
    write(label, labels.get(name) ?? name);
    return label;
  });
}
