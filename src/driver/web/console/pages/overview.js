// Overview: one line a push, live; how many by bearer and by end.

import { clock, h, table, write } from "../dom.js";
import { sign } from "../model.js";

/** Lines shown. */
const MOST = 200;

const outcomes = (push) =>
  [...push.devices].map(([name, { outcome }]) => {
    const { sign: mark, kind } = sign(outcome);
    return h("span", { class: `chip ${kind}` }, `${mark} ${name} ${outcome ?? "open"}`);
  });

export function stateOf(push) {
  const { sign: mark, kind } = sign(push.state);
  const took = push.ended === null || push.ended < push.t ? "" : ` ${((push.ended - push.t) / 1000).toFixed(1)} ms`;
  return h("span", { class: kind }, `${mark} ${push.state}${took}`);
}

function row(push) {
  const cells = [
    h("th", { scope: "row" }, h("a", { href: `/p/${encodeURIComponent(push.id)}` }, push.id)),
    h("td", {}, clock(push.t)),
    h("td", {}, push.pui ? h("a", { href: `/i/${encodeURIComponent(push.pui)}` }, push.pui) : "–"),
    h("td", {}, push.mode ?? "–"),
    h("td", {}, outcomes(push)),
    h("td", {}, stateOf(push), push.code && push.state !== "delivered" ? h("span", { class: "quiet" }, ` ${push.code} ${push.desc}`) : null),
  ];
  return h("tr", { "data-push": push.id }, cells);
}

export async function show({ main, model, signal }) {
  const heads = ["push", "accepted", "identity", "plan", "devices", "state"];
  const wrapped = table("Pushes, latest first", heads, [], { class: "pushes" });
  const body = wrapped.querySelector("tbody");
  const none = h("p", { class: "none" }, "No push yet. ", h("a", { href: "/compose" }, "Compose one"), ", or: sirgate push alice \"hello\"");
  const counters = h("dl", { class: "counters" });
  const told = h("p", { role: "status", class: "quiet" });
  main.append(h("h1", {}, "Overview"), counters, told, wrapped, none);

  const drawn = new Map();
  let known = 0;
  const draw = () => {
    const latest = [...model.pushes.values()].slice(-MOST).reverse();
    none.hidden = latest.length > 0;
    wrapped.hidden = latest.length === 0;
    const wanted = new Set(latest.map((push) => push.id));
    for (const [id, { element }] of drawn) {
      if (wanted.has(id)) continue;
      element.remove();
      drawn.delete(id);
    }
    let before = null;
    for (const push of latest) {
      const face = JSON.stringify([push, [...push.devices]]);
      const old = drawn.get(push.id);
      let element = old?.element;
      if (old?.face !== face) {
        const isFocused = element?.contains(document.activeElement);
        element = row(push);
        old?.element.replaceWith(element);
        drawn.set(push.id, { face, element });
        if (isFocused) element.querySelector("a").focus();
      }
      const after = before === null ? body.firstElementChild : before.nextElementSibling;
      if (after !== element) body.insertBefore(element, after);
      before = element;
    }
    count();
  };
  const count = () => {
    const sums = {};
    const add = (name) => (sums[name] = (sums[name] ?? 0) + 1);
    for (const push of model.pushes.values()) {
      add(push.state);
      for (const { bearer } of push.devices.values()) if (bearer) add(`SIR by ${bearer}`);
    }
    const face = JSON.stringify([model.pushes.size, sums]);
    if (counters.dataset.face !== face) {
      counters.dataset.face = face;
      const entry = ([name, number]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(number)));
      counters.replaceChildren(...[["pushes", model.pushes.size], ...Object.entries(sums)].map(entry));
    }
  };
  let due = 0;
  const later = () => {
    if (due !== 0) return;
    // With many pushes the sums take longer, and nobody reads as fast as they come.
    due = setTimeout(
      () =>
        requestAnimationFrame(() => {
          due = 0;
          if (!signal.aborted) draw();
        }),
      model.pushes.size > 1_000 ? 250 : 0,
    );
  };
  const hear = ({ detail }) => {
    later();
    const end = detail.findLast(({ ev }) => ev === "push.end");
    // What is old when the page comes up is not announced.
    if (end !== undefined && known > 0) write(told, `push ${end.push}: ${end.state}`);
    known += 1;
  };
  model.addEventListener("events", hear, { signal });
  draw();
}
