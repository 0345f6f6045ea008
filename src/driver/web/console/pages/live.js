// The live ladder: every lane, as it happens.

import { asCommand, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { h } from "../dom.js";
import { rungOf } from "../ladder/rungs.js";
import { KEPT } from "../model.js";
import { workbench } from "../workbench.js";

/** Rungs that go at once when there are too many. */
const SLACK = 1_000;

export async function show({ main, model, signal }) {
  const bench = workbench({ label: "Live ladder", signal });
  const shell = commands({ command: asCommand("trace", "ls"), curl: asCurl("GET", "/api/v1/events?since=0&match=wire") });
  const follow = h("input", { type: "checkbox", name: "follow", checked: true });
  main.append(h("h1", {}, "Live ladder"), h("p", {}, h("label", { class: "box" }, follow, "follow the newest")), bench.element, shell.element);
  const { ladder } = bench;
  const drawn = (events) => events.map(rungOf).filter((rung) => rung !== null);
  ladder.parties = ["PI", "PPG"];
  ladder.rungs = drawn(model.events);
  ladder.follows = true;
  follow.addEventListener("change", () => {
    ladder.follows = follow.checked;
    if (follow.checked) ladder.append([]);
  });
  // Whoever looks at a row does not want it to run away.
  ladder.addEventListener("keydown", () => (follow.checked = ladder.follows));
  ladder.addEventListener("click", () => (follow.checked = ladder.follows));
  ladder.addEventListener("wheel", () => (follow.checked = ladder.follows = false), { passive: true });
  let kept = ladder.rungs.length;
  const hear = ({ detail }) => {
    const added = drawn(detail);
    kept += added.length;
    ladder.append(added);
    if (kept > KEPT + SLACK) {
      ladder.trim(KEPT);
      kept = KEPT;
    }
  };
  model.addEventListener("events", hear, { signal });
}
