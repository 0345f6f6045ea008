// A ladder with its filters and the inspector beside it: what the page of a push and the live page have in common.

import "./inspector.js";
import "./ladder/ladder.js";
import { h, write } from "./dom.js";
import { isProblem } from "./ladder/rungs.js";

const LINES = ["sip", "msrp", "http", "wsp", "sms", "ussd"];

/** @param {{label: string, signal: AbortSignal}} options */
export function workbench({ label, signal }) {
  const ladder = h("sg-ladder", { label });
  const inspector = h("sg-inspector", { "aria-label": "Inspector", role: "region" });
  const off = new Set();
  const text = h("input", { type: "search", "data-filter": true, placeholder: "party, word, push", "aria-label": "Filter by text" });
  const all = h("input", { type: "checkbox", name: "all" });
  const problems = h("input", { type: "checkbox", name: "problems" });
  const asTable = h("button", { type: "button", "aria-pressed": "false" }, "As table");
  const count = h("span", { class: "quiet count" });

  const filter = () => {
    const words = text.value.trim().toLowerCase();
    ladder.wanted = (rung) =>
      (all.checked || !rung.folded) &&
      !off.has(rung.line) &&
      (!problems.checked || isProblem(rung)) &&
      (words === "" || `${rung.from} ${rung.to ?? ""} ${rung.line} ${rung.word} ${rung.note}`.toLowerCase().includes(words));
  };
  const toggle = (line) => {
    const box = h("input", {
      type: "checkbox",
      name: line,
      checked: true,
      onchange: () => {
        if (box.checked) off.delete(line);
        else off.add(line);
        filter();
      },
    });
    return h("label", { class: "box", "data-line": line }, box, h("span", { class: "key", "aria-hidden": "true" }), line);
  };
  all.addEventListener("change", filter);
  problems.addEventListener("change", filter);
  text.addEventListener("input", filter);
  asTable.addEventListener("click", () => (ladder.isTable = !ladder.isTable));
  const faces = new MutationObserver(() => {
    asTable.setAttribute("aria-pressed", String(ladder.isTable));
    write(count, `${ladder.dataset.count ?? 0} rows`);
  });
  faces.observe(ladder, { attributes: true, attributeFilter: ["class", "data-count"] });
  signal.addEventListener("abort", () => faces.disconnect());
  ladder.addEventListener("inspect", ({ detail }) => void inspector.show(detail));
  ladder.addEventListener("compare", ({ detail }) => void inspector.compare(...detail));
  filter();

  const bar = h(
    "div",
    { class: "bar", role: "group", "aria-label": "What the ladder shows" },
    LINES.map(toggle),
    h("label", { class: "box" }, all, "answers and routine"),
    h("label", { class: "box" }, problems, "problems only"),
    text,
    asTable,
    count,
  );
  const element = h("section", { class: "workbench", "aria-label": label }, bar, h("div", { class: "halves" }, ladder, inspector));
  return { element, ladder, inspector };
}
