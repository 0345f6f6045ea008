// The console: the frame around all pages, what they share, and which page an address means.

import "./live.js";
import "./strip.js";
import { Model } from "./model.js";
import { Router } from "./router.js";

const model = new Model();
const router = new Router(document.querySelector("main"), model);
const help = document.querySelector("dialog.help");

document.querySelector("sg-live").model = model;
document.querySelector("sg-strip").model = model;
document.querySelector("button.keys").addEventListener("click", () => help.showModal());

const isTyping = ({ target }) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event) || help.open) return;
  const keys = {
    "?": () => help.showModal(),
    f: () => router.go("/faults"),
    "/": () => document.querySelector("[data-filter]")?.focus(),
  };
  const act = keys[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

// For people at the console of the browser, and for tests.
globalThis.sirgate = { model, router };
model.addEventListener("events", () => (document.documentElement.dataset.seq = String(model.stream.cursor)));
void model.start();
await router.show();
document.documentElement.dataset.ready = "true";
