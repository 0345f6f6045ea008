// One device: who it is, where it is reached, and what it does, as it does it.

import { api, asCommand, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { clock, h, table } from "../dom.js";
import { standing } from "./identities.js";

/** Steps shown. */
const MOST = 100;

const STEPS = {
  "sir.rx": (event) => `received a SIR by ${event.bearer}`,
  "sir.decide": (event) => `${event.result}: ${event.reason}${event.detail ? `, ${event.detail}` : ""}`,
  prompt: (event) => `asks its user: ${event.kind}`,
  "sess.req": (event) => `asks ${event.ppg} for a session`,
  "sess.up": (event) => `session up, says ${event.by === "ppg" ? "the gateway" : "the device"}`,
  "sess.down": (event) => `session over: ${event.why}`,
  "push.rx": (event) => `${event.repeated ? "received again" : "received"} ${event.octets} octets, ${event.via}`,
  "push.dev": (event) => `${event.outcome}: ${event.reason}`,
  "app.act": (event) => `activates ${event.app}`,
  "info.tx": (event) => `returns information: ${event.kind}`,
  reg: (event) => `registration ${event.change}`,
  wake: (event) => `is being woken by ${event.by}`,
};

function step(model, event) {
  const push = model.pushOf(event);
  return [clock(event.t), STEPS[event.ev](event), push === null ? "–" : h("a", { href: `/p/${encodeURIComponent(push)}` }, push)];
}

export async function show({ main, model, signal }, name) {
  const { identities } = await api.identities();
  const found = identities.flatMap(({ pui, devices }) => devices.filter((device) => device.name === name).map((device) => ({ pui, device })));
  if (found.length === 0) throw new Error(`no device is called ${name}`);
  main.append(h("h1", {}, `Device ${name}`));
  for (const { pui, device } of found) {
    const fact = (term, words) => h("div", {}, h("dt", {}, term), h("dd", {}, words));
    main.append(
      h(
        "section",
        { class: "card", "aria-label": `${name} of ${pui}` },
        h("h2", {}, h("a", { href: `/i/${encodeURIComponent(pui)}` }, pui)),
        h(
          "dl",
          { class: "facts" },
          fact("kind", device.kind || "–"),
          fact("state", standing(device)),
          fact("identifiers", h("span", { class: "mono" }, device.ids.join(" "))),
          fact("GRUU", h("span", { class: "mono" }, device.gruu ?? "–")),
          fact("bearers", device.bearers.join(", ")),
          fact("reached at", h("span", { class: "mono" }, device.routes.map(({ contact }) => contact).join(" ") || "–")),
          fact("application in front", device.foreground ?? "–"),
          fact("subscriptions", device.subscriptions?.join(", ") ?? "all"),
        ),
        h("p", {}, h("a", { class: "button", href: "/compose", onclick: () => sessionStorage.setItem("sirgate.again", JSON.stringify({ to: pui, devices: [name] })) }, `Push to ${name} alone`)),
        commands({ command: asCommand("device", "ls"), curl: asCurl("GET", `/api/v1/identities/${encodeURIComponent(pui)}`) }).element,
      ),
    );
  }
  const box = h("div", {});
  const none = h("p", { class: "none" }, "Nothing of it is kept.");
  main.append(h("h2", {}, "What it did"), none, box);
  let due = 0;
  const draw = () => {
    due = 0;
    const steps = [];
    for (let at = model.events.length - 1; at >= 0 && steps.length < MOST; at -= 1) {
      const event = model.events[at];
      if (event.dev === name && event.ev in STEPS) steps.push(step(model, event));
    }
    none.hidden = steps.length > 0;
    box.replaceChildren(...(steps.length > 0 ? [table("Steps, latest first", ["when (UTC)", "what", "push"], steps)] : []));
  };
  model.addEventListener("events", ({ detail }) => detail.some(({ dev }) => dev === name) && (due ||= requestAnimationFrame(draw)), { signal });
  draw();
}
