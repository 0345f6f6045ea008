// One message alone, by the number of its event: for a link to somebody else.

import "../inspector.js";
import { api, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { clock, h } from "../dom.js";

export async function show({ main }, seq) {
  const message = await api.message(seq);
  const inspector = h("sg-inspector", { "aria-label": "Inspector", role: "region", class: "wide" });
  main.append(
    h("h1", {}, `Message ${message.seq}`),
    h("p", { class: "quiet" }, `${clock(message.t)} UTC, ${message.from} to ${message.to}, ${message.line}`),
    message.push ? h("p", {}, "of ", h("a", { href: `/p/${encodeURIComponent(message.push)}` }, `push ${message.push}`)) : "",
    inspector,
    commands({ curl: asCurl("GET", `/api/v1/messages/${message.seq}`) }).element,
  );
  await inspector.show(message);
}
