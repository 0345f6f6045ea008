// Identities: each with its devices.

import { api, asCommand, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { h, table } from "../dom.js";

/** What is the matter with a device, in words. */
export function standing(device) {
  if (device.connected) return "● session";
  if (device.registered) return "○ registered";
  return "– not registered";
}

export function deviceRow(device) {
  return [
    h("a", { href: `/d/${encodeURIComponent(device.name)}` }, device.name),
    device.kind || "–",
    h("span", { class: "mono" }, device.ids.join(" ")),
    device.bearers.join(", "),
    standing(device),
    device.presence,
    device.preference.deliver,
  ];
}

export const DEVICE_HEADS = ["device", "kind", "identifiers", "bearers", "state", "presence", "wants pushes"];

export async function show({ main }) {
  const { identities } = await api.identities();
  main.append(h("h1", {}, "Identities"));
  if (identities.length === 0) main.append(h("p", { class: "none" }, "No identity is known yet; a device that registers brings one."));
  for (const { pui, aliases, devices } of identities) {
    const connected = devices.filter((device) => device.connected).length;
    main.append(
      h(
        "section",
        { class: "card", "aria-label": pui },
        h("h2", {}, h("a", { href: `/i/${encodeURIComponent(pui)}` }, pui)),
        h("p", { class: "quiet" }, `${devices.length} devices, ${connected} with a session${aliases.length > 0 ? `, also ${aliases.join(", ")}` : ""}`),
        table(`Devices of ${pui}`, DEVICE_HEADS, devices.map(deviceRow)),
      ),
    );
  }
  main.append(commands({ command: asCommand("device", "ls"), curl: asCurl("GET", "/api/v1/identities") }).element);
}
