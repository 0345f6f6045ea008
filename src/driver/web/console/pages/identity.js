// One identity: devices, their bindings and sessions, and what is known of their users, which may be changed.

import { api, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { choice, field, h, write } from "../dom.js";
import { standing } from "./identities.js";

const list = (text) => text.split(/[\s,]+/).filter(Boolean);

/** What of the form differs from what is known; null where nothing does. */
export function changeOf(form, device) {
  const value = (name) => form.elements.namedItem(name).value.trim();
  const change = { name: device.name };
  if (value("presence") !== device.presence) change.presence = value("presence");
  if (value("deliver") !== device.preference.deliver) change.preference = { ...device.preference, deliver: value("deliver") };
  if (value("foreground") !== (device.foreground ?? "")) change.foreground = value("foreground") || null;
  const accept = list(value("accept"));
  if (accept.join() !== (device.capability.accept ?? []).join()) change.capability = { ...device.capability, accept: accept.length > 0 ? accept : undefined };
  return Object.keys(change).length > 1 ? change : null;
}

function card(pui, device, changed) {
  const told = h("p", { role: "status", class: "quiet" });
  const form = h(
    "form",
    { class: "form", "aria-label": `What is known of ${device.name}` },
    field("presence", choice("presence", ["unknown", "open", "closed"], device.presence)),
    field("wants pushes", choice("deliver", ["always", "never"], device.preference.deliver)),
    field("application in front", h("input", { name: "foreground", value: device.foreground ?? "" })),
    field("accepts types", h("input", { name: "accept", value: (device.capability.accept ?? []).join(", "), placeholder: "all" })),
    h("button", {}, "Change"),
    told,
  );
  const body = () => {
    const change = changeOf(form, device);
    return change === null ? null : { devices: [change] };
  };
  const path = `/api/v1/identities/${encodeURIComponent(pui)}`;
  const shell = commands({ curl: asCurl("GET", path) });
  form.addEventListener("input", () => {
    const change = body();
    shell.set({ curl: change === null ? asCurl("GET", path) : asCurl("PUT", path, change) });
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const change = body();
    if (change === null) return write(told, "Nothing is changed.");
    try {
      const identity = await api.change(pui, change);
      return changed(identity, `✓ ${device.name} is changed`);
    } catch (error) {
      return write(told, `✗ ${error.message}`);
    }
  });
  const binding = ({ contact, reg_id: number, registered }) => h("li", {}, h("span", { class: "mono" }, contact), h("span", { class: "quiet" }, ` since ${registered}${number ? `, reg-id ${number}` : ""}`));
  return h(
    "section",
    { class: "card", "aria-label": `Device ${device.name}` },
    h("h2", {}, h("a", { href: `/d/${encodeURIComponent(device.name)}` }, device.name), ` ${device.kind}`),
    h("p", {}, standing(device), device.sir_failed ? " ✗ its last SIR failed" : ""),
    h("ul", {}, device.ids.map((id) => h("li", { class: "mono" }, id))),
    h("h3", {}, "Bindings"),
    device.routes.length > 0 ? h("ul", {}, device.routes.map(binding)) : h("p", { class: "quiet" }, "none"),
    Object.keys(device.reported).length > 0 ? h("pre", {}, JSON.stringify(device.reported, null, 2)) : "",
    h("h3", {}, "What the planner knows"),
    form,
    shell.element,
  );
}

export async function show({ main, model, signal }, pui) {
  const told = h("p", { role: "status" });
  const box = h("div", {});
  const title = h("h1", {}, pui);
  const pushes = h("p", { class: "quiet" });
  const draw = (identity, words = "") => {
    box.replaceChildren(...identity.devices.map((device) => card(pui, device, draw)));
    write(told, words);
  };
  const identity = await api.identity(pui);
  main.append(title, pushes, h("p", {}, h("a", { class: "button", href: "/compose", onclick: () => sessionStorage.setItem("sirgate.again", JSON.stringify({ to: pui })) }, "Compose a push")), told, box);
  draw(identity);
  const count = () => write(pushes, `${[...model.pushes.values()].filter((push) => push.pui === pui).length} pushes in memory`);
  model.addEventListener("events", count, { signal });
  count();
  // Registrations and sessions change what is shown; what is being typed is not taken away.
  model.addEventListener(
    "events",
    async ({ detail }) => {
      const names = new Set(identity.devices.map(({ name }) => name));
      const concerns = detail.some(({ ev, dev }) => /^(reg|sess\.(up|down))$/.test(ev) && names.has(dev));
      if (!concerns || box.contains(document.activeElement)) return;
      const newer = await api.identity(pui).catch(() => null);
      if (newer !== null && !signal.aborted && !box.contains(document.activeElement)) draw(newer);
    },
    { signal },
  );
}
