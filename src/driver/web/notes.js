// The demo site: ordinary requests, and a snippet that sees what rides along. Query of its address: `show`, `none`,
// `fallback`.

import { piggyback } from "./piggyback.js";

const query = new URLSearchParams(location.search);
const stamps = [];
const snippet = piggyback({
  show: query.get("show") ?? "notes",
  none: query.get("none") ?? "silent",
  fallback: Number(query.get("fallback") ?? 0),
  ask: "../livez",
  on: (stamp) => stamps.push(stamp),
});
globalThis.sirgate = { snippet, stamps };

for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", async () => {
    const answer = await fetch(button.dataset.ask);
    document.querySelector(".answer").textContent = await answer.text();
  });
}
document.documentElement.dataset.ready = "true";
