// The demo site: ordinary requests, and a snippet that sees what rides along. Query of its address: `show`, `none`,
// `fallback`.

import { piggyback } from "./piggyback.js";
import { isOpen, login, logout, write } from "./session.js";

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

const [entry, letter] = ["login", "write"].map((name) => document.querySelector(`form.${name}`));
const say = (text) => (document.querySelector(".answer").textContent = text);
const show = () => ([entry.hidden, letter.hidden] = [isOpen(), !isOpen()]);
/** Runs what a form or button asks for, and says what came of it. */
const on = (element, kind, deed) =>
  element.addEventListener(kind, async (event) => {
    event.preventDefault();
    try {
      say(await deed());
      if (kind === "submit") element.reset();
    } catch (error) {
      say(error.message);
    }
    show();
  });
on(entry, "submit", async () => `Logged in as ${(await login(entry.account.value, entry.password.value)).account}.`);
on(letter, "submit", async () => `Sent as number ${(await write(letter.to.value, letter.title.value)).seq}.`);
on(document.querySelector(".logout"), "click", async () => (await logout(), "Logged out."));
show();
document.documentElement.dataset.ready = "true";
