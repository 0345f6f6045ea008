// Compose: a push, who would get what of it, and the octets of its SIRs, before it is sent.

import "../inspector.js";
import { api, asCommand, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { boxes, choice, field, h, table, write } from "../dom.js";

const PLANS = ["auto", "targeted", "fanout", "fanout+id", "legacy"];
const PLACES = ["header", "value", "body"];
const ASKS = ["capability", "preference", "security", "subscription", "refusal"];
/** Pause after the last key before the plan is asked for, in milliseconds. */
const PAUSE = 300;

const GETS = { content: "the content, on its session", sir: "a SIR", later: "a SIR when it registers", nothing: "nothing" };

/** The submission of a form; members that are as usual are left out. */
export function submission(form) {
  const value = (name) => form.elements.namedItem(name).value.trim();
  const ticked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
  const push = { to: value("to"), content: form.elements.namedItem("content").value };
  const [devices, place, ask] = [ticked("devices"), ticked("place"), ticked("ask")];
  if (devices.length > 0) push.devices = devices;
  if (value("plan") !== "auto") push.plan = value("plan");
  if (place.join() !== "value" && place.length > 0) push.place = place.join(",");
  if (ask.length > 0) push.ask = ask.join(",");
  if (value("application")) push.application = value("application");
  if (value("app")) push.apps = [{ uri: value("app") }];
  if (value("type") && value("type") !== "text/plain") push.content_type = value("type");
  return push;
}

/** The same as a line of sirgate. */
export function command(push) {
  const words = ["push", push.to, push.content];
  if (push.devices) words.push("--only", push.devices.join(","));
  if (push.plan) words.push("--plan", push.plan);
  if (push.place) words.push("--place", push.place);
  if (push.ask) words.push("--ask", push.ask);
  if (push.apps) words.push("--app", push.apps[0].uri);
  if (push.application) words.push("--application-id", push.application);
  if (push.content_type) words.push("--content-type", push.content_type);
  return asCommand(...words);
}

function planned(identity, look) {
  const sirOf = (dev) => identity.sirs.find((sir) => sir.dev === dev) ?? identity.sirs.find((sir) => sir.dev === "*");
  const row = (device) => {
    const sir = device.gets === "sir" ? sirOf(device.dev) : undefined;
    const octets = sir && h("button", { type: "button", onclick: () => look(sir, device.dev) }, `octets for ${device.dev}`);
    return [
      `${device.gets === "nothing" ? "–" : "✓"} ${device.dev} ${device.kind}`,
      GETS[device.gets] + (device.why ? `: ${device.why}` : ""),
      device.bearer ?? "–",
      device.wanted ? "wanted" : "not wanted",
      device.named ? "named in it" : "–",
      octets ?? "–",
    ];
  };
  return table(`${identity.pui}: plan ${identity.mode ?? "without a SIR"}`, ["device", "gets", "by", "wanted", "identifier", "octets"], identity.devices.map(row));
}

function blank(identities, start) {
  const puis = identities.map(({ pui }) => pui);
  const to = choice("to", puis, start.to ?? puis[0]);
  const wanted = h("div", {});
  const names = () => (identities.find(({ pui }) => pui === to.value)?.devices ?? []).map(({ name }) => name);
  const offer = (chosen) => wanted.replaceChildren(boxes("wanted (none ticked: all)", "devices", names(), chosen));
  to.addEventListener("change", () => offer([]));
  offer(start.devices ?? []);
  const list = (text, usual) => (text ? text.split(",") : usual);
  return h(
    "form",
    { class: "form compose", "aria-label": "Push" },
    field("to", to),
    wanted,
    field("plan", choice("plan", PLANS, start.plan ?? "auto")),
    boxes("identifiers stand in", "place", PLACES, list(start.place, ["value"])),
    boxes("ask for", "ask", ASKS, list(start.ask, [])),
    field("application of the content", h("input", { name: "application", value: start.application ?? "", placeholder: "x-wap-application:wml.ua" })),
    field("application to activate", h("input", { name: "app", placeholder: "x-oma-application:dcd.ua" })),
    field("type", h("input", { name: "type", value: start.content_type ?? "text/plain" })),
    field("content", h("textarea", { name: "content", rows: 4 }, "hello")),
    h("button", { class: "main" }, "Send"),
  );
}

export async function show({ main, router, signal }) {
  const { identities } = await api.identities();
  const start = JSON.parse(sessionStorage.getItem("sirgate.again") ?? "{}");
  sessionStorage.removeItem("sirgate.again");
  main.append(h("h1", {}, "Compose"));
  if (identities.length === 0) return void main.append(h("p", { class: "none" }, "No identity is known yet; a device that registers brings one."));
  const form = blank(identities, start);
  const told = h("p", { role: "status" });
  const plans = h("div", { class: "plans" });
  const inspector = h("sg-inspector", { role: "region", "aria-label": "Octets" });
  const shell = commands({});
  main.append(h("div", { class: "halves even" }, form, h("section", { "aria-label": "Who gets what" }, h("h2", {}, "Who gets what"), told, plans, inspector)), shell.element);

  let asked = new AbortController();
  const look = (sir, dev) => inspector.preview(`${sir.bearer === "sip" ? "MESSAGE" : sir.content_type} to ${dev}`, sir.hex, sir.read);
  const preview = async () => {
    asked.abort();
    asked = new AbortController();
    const push = submission(form);
    shell.set({ command: command(push), curl: asCurl("POST", "/api/v1/pushes", push) });
    try {
      const { identities: plan } = await api.plan(push, asked.signal);
      plans.replaceChildren(...plan.map((identity) => planned(identity, look)));
      const first = plan.flatMap(({ sirs }) => sirs)[0];
      if (first === undefined) inspector.replaceChildren(h("p", { class: "quiet" }, "No SIR is sent."));
      else look(first, first.dev === "*" ? "all" : first.dev);
      write(told, "");
    } catch (error) {
      if (asked.signal.aborted) return;
      plans.replaceChildren();
      write(told, `✗ ${error.message}`);
    }
  };
  let due = 0;
  const later = () => {
    clearTimeout(due);
    due = setTimeout(preview, PAUSE);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const { push_id: id } = await api.submit(submission(form));
      await router.go(`/p/${encodeURIComponent(id)}`);
    } catch (error) {
      write(told, `✗ ${error.message}`);
    }
  });
  signal.addEventListener("abort", () => {
    clearTimeout(due);
    asked.abort();
  });
  await preview();
}
