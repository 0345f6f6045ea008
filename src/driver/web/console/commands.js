// The same as a command: what a page does can be done from a shell, and is shown so.

import { h, write } from "./dom.js";

function line(label) {
  const code = h("code", {});
  const said = h("span", { role: "status", class: "quiet" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      write(said, "copied");
    } catch {
      // Without permission it is at least selected.
      getSelection()?.selectAllChildren(code);
      write(said, "selected");
    }
  };
  const row = h("p", { class: "command" }, h("span", { class: "label" }, label), h("span", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, code), h("button", { type: "button", "aria-label": `Copy ${label}`, onclick: copy }, "Copy"), said);
  return { row, code };
}

/** A box with lines for the shell; `set` gives them other words. */
export function commands(words) {
  const command = line("as command");
  const curl = line("as curl");
  const element = h("section", { class: "commands", "aria-label": "For the shell" }, command.row, curl.row);
  const set = (next) => {
    command.row.hidden = next.command === undefined;
    curl.row.hidden = next.curl === undefined;
    write(command.code, next.command ?? "");
    write(curl.code, next.curl ?? "");
  };
  set(words);
  return { element, set };
}
