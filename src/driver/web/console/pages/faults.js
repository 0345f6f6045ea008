// Faults on purpose: rules with their hits, new ones, bundles.

import { api, asCommand, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { choice, field, h, sure, table, write } from "../dom.js";

const KINDS = ["drop", "delay", "duplicate", "reorder", "corrupt", "truncate", "rate", "hold", "disconnect", "answer", "receipt", "slow-read"];
const ANY = ["", "any"];
/** Numbers of a rule and the words beside them; `ms` is for delay, `rate` for rate and slow-read, and so on. */
const NUMBERS = [
  ["ms", "by, ms (delay)"],
  ["jitter_ms", "jitter, ms (delay)"],
  ["octets", "octets (truncate)"],
  ["rate", "octets a second (rate, slow-read)"],
  ["bits", "bits (corrupt)"],
  ["window", "window (reorder)"],
  ["first", "first"],
  ["after", "after"],
  ["every", "every"],
  ["p", "chance, 0 to 1"],
  ["hits", "ends after hits"],
  ["ttl_ms", "ends after, ms"],
];
const WORDS = [
  ["code", "code (answer): sip:503"],
  ["receipt", "receipt: failed, late, missing, double"],
  ["device", "device"],
  ["match", "match: sip.method=MESSAGE"],
];

/** The rule of a form; what is left empty is not in it. */
export function ruleOf(form) {
  const rule = {};
  for (const { name, value } of form.elements) {
    if (!name || value.trim() === "") continue;
    rule[name] = NUMBERS.some(([number]) => number === name) ? Number(value) : value.trim();
  }
  return rule;
}

/** The same as a line of sirgate. */
export function command(rule) {
  const words = ["fault", "add", rule.fault ?? "drop"];
  for (const [name, value] of Object.entries(rule)) {
    if (name === "fault") continue;
    if (name === "ms") words.push("--by", `${value}ms`);
    else if (name.endsWith("_ms")) words.push(`--${name.slice(0, -3)}`, `${value}ms`);
    else words.push(`--${name.replaceAll("_", "-")}`, String(value));
  }
  return asCommand(...words);
}

function editor() {
  const number = ([name, label]) => field(label, h("input", { name, type: "number", min: "0", step: "any" }));
  return h(
    "form",
    { class: "form wide", "aria-label": "New fault" },
    field("fault", choice("fault", KINDS, "drop")),
    field("bearer", choice("bearer", [ANY, "sip", "http", "wsp", "sms", "ussd", "cs", "ps", "signalling", "service", "pap"], "")),
    field("direction", choice("dir", [ANY, "in", "out"], "")),
    field("kind", choice("kind", [ANY, "sir", "content", "reply", "receipt"], "")),
    WORDS.map(([name, label]) => field(label, h("input", { name }))),
    NUMBERS.map(number),
    field("counted by", choice("per", [["", "push"], "device", "rule"], "")),
    h("button", { class: "main" }, "Add fault"),
  );
}

export async function show({ main, signal }) {
  const told = h("p", { role: "status" });
  const rules = h("div", {});
  const form = editor();
  const shell = commands({});
  const presets = h("div", { class: "actions" });
  const clear = h("button", { type: "button" }, "Clear all");
  main.append(h("h1", {}, "Faults"), told, rules, h("p", { class: "actions" }, clear), h("h2", {}, "Bundles"), presets, h("h2", {}, "New fault"), form, shell.element);

  const act = async (what, words) => {
    try {
      await what();
      write(told, `✓ ${words}`);
    } catch (error) {
      write(told, `✗ ${error.message}`);
    }
    await look();
    dispatchEvent(new Event("sirgate:faults"));
  };
  const remove = (name) => sure(`Take out fault ${name}?`) && act(() => api.removeFault(name), `${name} is out`);
  const row = (rule) => [
    rule.name,
    rule.words,
    String(rule.seen),
    String(rule.hit),
    rule.over ? "– over" : rule.until ? `until ${rule.until}` : "● active",
    h("button", { type: "button", onclick: () => remove(rule.name) }, `Remove ${rule.name}`),
  ];
  let drawn = "";
  const look = async () => {
    const { rules: all } = await api.faults();
    const face = JSON.stringify(all);
    if (signal.aborted || face === drawn) return;
    drawn = face;
    clear.hidden = all.length === 0;
    rules.replaceChildren(all.length > 0 ? table("Rules", ["name", "rule", "seen", "hits", "state", "remove"], all.map(row)) : h("p", { class: "none" }, "No fault is set: messages pass as they are."));
  };
  clear.addEventListener("click", () => sure("Clear all faults?") && act(api.resetFaults, "all faults are out"));
  const say = () => shell.set({ command: command(ruleOf(form)), curl: asCurl("POST", "/api/v1/faults", ruleOf(form)) });
  form.addEventListener("input", say);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void act(() => api.addFault(ruleOf(form)), "the fault is set");
  });
  say();
  await look();
  const { presets: known } = await api.presets();
  presets.append(...known.map(({ name, what }) => h("p", {}, h("button", { type: "button", onclick: () => act(() => api.addFault({ preset: name }), `${name} is set`) }, `Set ${name}`), ` ${what}`)));
  const timer = setInterval(() => document.hidden || look().catch((error) => write(told, `✗ ${error.message}`)), 2_000);
  signal.addEventListener("abort", () => clearInterval(timer));
}
