// All devices of all identities.

import { api, asCommand, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { h, table } from "../dom.js";
import { DEVICE_HEADS, deviceRow } from "./identities.js";

export async function show({ main }) {
  const { identities } = await api.identities();
  const row = (pui) => (device) => [...deviceRow(device), h("a", { href: `/i/${encodeURIComponent(pui)}` }, pui)];
  const rows = identities.flatMap(({ pui, devices }) => devices.map(row(pui)));
  main.append(
    h("h1", {}, "Devices"),
    rows.length > 0 ? table("Devices of all identities", [...DEVICE_HEADS, "identity"], rows) : h("p", { class: "none" }, "No device is known yet."),
    commands({ command: asCommand("device", "ls"), curl: asCurl("GET", "/api/v1/identities") }).element,
  );
}
