// Status: is the gateway ready, what does it lack, how much does it do, what is it.

import { asCurl, api } from "../client.js";
import { commands } from "../commands.js";
import { h, table, write } from "../dom.js";
import { KEPT } from "../model.js";

/** How often figures are asked for, in milliseconds. */
const PERIOD = 2_000;

/** Samples of the text that Prometheus reads. */
export function samples(text) {
  const all = [];
  for (const line of text.split("\n")) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (found) all.push({ name: found[1], labels: found[2] ?? "", value: found[3] });
  }
  return all;
}

const number = (text) => (Number.isFinite(Number(text)) ? Number(text).toLocaleString("en", { maximumFractionDigits: 6 }) : text);

export async function show({ main, model, signal }) {
  const state = h("p", { role: "status", class: "outcome" });
  const lacks = h("ul", {});
  const facts = h("dl", { class: "facts" });
  const figures = h("div", {});
  main.append(h("h1", {}, "Status"), state, lacks, facts, h("h2", {}, "Figures"), figures, commands({ curl: asCurl("GET", "/metrics") }).element);
  const fact = (term, words) => h("div", {}, h("dt", {}, term), h("dd", {}, words));
  let drawn = "";
  const look = async () => {
    // A gateway that is not ready says so with 503, and that is an answer.
    const [ready, text] = await Promise.all([fetch("/readyz", { signal }).then((answer) => answer.json()), api.metrics()]);
    if (signal.aborted) return;
    const all = samples(text);
    const of = (name) => all.find((sample) => sample.name === name);
    write(state, ready.ready ? "✓ ready" : `✗ not ready: ${ready.faults.join(", ")}`);
    state.className = `outcome ${ready.ready ? "good" : "bad"}`;
    lacks.replaceChildren(...ready.lacks.map((words) => h("li", { class: "warn" }, `△ ${words}`)));
    facts.replaceChildren(
      fact("version", /version="([^"]*)"/.exec(of("sirgate_build_info")?.labels ?? "")?.[1] ?? "?"),
      fact("event cursor", String(ready.cursor)),
      fact("events kept here", `${model.events.length} of ${KEPT}`),
      fact("licences", h("span", {}, "the console is of sirgate itself and loads nothing of others")),
    );
    const rows = all.filter(({ name }) => name !== "sirgate_build_info");
    const face = rows.map(({ name, labels }) => name + labels).join();
    if (face === drawn) {
      // The same figures: only their values change, so that nothing is scrolled or selected away.
      const cells = figures.querySelectorAll("tbody td:last-child");
      rows.forEach(({ value }, at) => write(cells[at], number(value)));
      return;
    }
    drawn = face;
    const mono = (words) => h("span", { class: "mono" }, words);
    figures.replaceChildren(table("Figures for Prometheus", ["figure", "labels", "value"], rows.map(({ name, labels, value }) => [mono(name), mono(labels), number(value)])));
  };
  await look();
  const timer = setInterval(() => document.hidden || look().catch((error) => signal.aborted || write(state, `✗ ${error.message}`)), PERIOD);
  signal.addEventListener("abort", () => clearInterval(timer));
}
