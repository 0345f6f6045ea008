// One push: what became of it for each device, its ladder, and each message of it.

import { api, asCommand, asCurl } from "../client.js";
import { commands } from "../commands.js";
import { clock, h, sure, table, write } from "../dom.js";
import { sign } from "../model.js";
import { workbench } from "../workbench.js";

/** Pause between two looks while things happen, in milliseconds. */
const PAUSE = 200;

/** What the events of a push say of each device. */
export function devicesOf(events, shown, kinds) {
  const devices = new Map();
  const of = (name) => {
    if (!devices.has(name)) devices.set(name, { ids: "", bearer: "–", sir: "–", decision: "–", session: "–", content: "–", outcome: null, reason: "" });
    return devices.get(name);
  };
  const start = events[0]?.t ?? 0;
  const after = (t) => `+${((t - start) / 1000).toFixed(1)} ms`;
  const each = (name) => (name === "*" ? [...devices.keys()] : [name]).map(of);
  for (const event of events) {
    switch (event.ev) {
      case "obtain":
        event.devices.forEach(of);
        break;
      case "plan":
        for (const [name, why] of event.excluded) Object.assign(of(name), { outcome: "not-wanted", reason: `excluded: ${why}` });
        break;
      case "sir.tx":
        for (const device of each(event.dev)) Object.assign(device, { bearer: event.bearer, sir: `sent ${after(event.t)}` });
        break;
      case "sir.answer":
        for (const device of each(event.dev)) if (event.failed) device.sir = `failed ${event.status}`;
        break;
      case "sir.decide":
        of(event.dev).decision = `${event.result} ${event.reason}`;
        break;
      case "sess.up":
        of(event.dev).session = `up ${after(event.t)}`;
        break;
      case "push.tx":
        of(event.dev).content = `${event.octets} octets, ${event.via}`;
        break;
      case "push.dev":
        Object.assign(of(event.dev), { outcome: event.outcome, reason: event.reason, at: after(event.t) });
        break;
      default:
    }
  }
  for (const { dev, outcome, reason } of shown?.devices ?? []) {
    const device = of(dev);
    device.outcome ??= outcome;
    device.reason ||= reason ?? "";
  }
  for (const [name, device] of devices) device.ids = kinds.get(name)?.ids?.[0] ?? "";
  return devices;
}

function deviceTable(devices, kinds) {
  const row = ([name, device]) => {
    const { sign: mark, kind } = sign(device.outcome ?? (devices.size > 0 ? "not-wanted" : null));
    const result = device.outcome ?? "not wanted";
    return [
      [`${mark} `, h("a", { href: `/d/${encodeURIComponent(name)}` }, name), ` ${kinds.get(name)?.kind ?? ""}`],
      h("span", { class: "mono" }, device.ids),
      device.bearer,
      device.sir,
      device.decision,
      device.session,
      device.content,
      h("span", { class: kind }, [result, device.at].filter(Boolean).join(" "), device.reason ? h("span", { class: "quiet" }, ` ${device.reason}`) : null),
    ];
  };
  return table("Devices", ["device", "identifier", "bearer", "SIR", "decision", "session", "content", "result"], [...devices].map(row));
}

/** Names of devices to what the registry knows of them. */
async function known() {
  const { identities } = await api.identities().catch(() => ({ identities: [] }));
  return new Map(identities.flatMap((identity) => identity.devices.map((device) => [device.name, device])));
}

export async function show({ main, model, signal }, id) {
  const [kinds, first] = await Promise.all([known(), api.push(id).catch((error) => error)]);
  if (first instanceof Error && first.status !== 404) throw first;
  let shown = first instanceof Error ? null : first;
  const bench = workbench({ label: "Ladder of the push", signal });
  const state = h("p", { role: "status", class: "outcome" });
  const facts = h("p", { class: "quiet" });
  const devices = h("div", { class: "devices" });
  const cancel = h("button", { type: "button" }, "Cancel push");

  const shell = commands({ command: asCommand("trace", "show", id), curl: asCurl("GET", api.ladderPath(id, "json")) });
  const link = (format) => h("a", { href: api.ladderPath(id, format), download: `${id}.${format === "text" ? "txt" : format}` }, format);
  main.append(
    h("h1", {}, `Push ${id}`),
    state,
    facts,
    devices,
    bench.element,
    h("p", { class: "actions" }, h("a", { class: "button", href: "/compose", onclick: () => again(shown) }, "Push again"), cancel, " export: ", ["text", "csv", "mermaid", "json"].map((format) => [link(format), " "])),
    shell.element,
  );
  cancel.addEventListener("click", async () => {
    if (!sure(`Cancel push ${id}?`)) return;
    try {
      shown = await api.cancel(id);
      draw();
    } catch (error) {
      write(state, `✗ ${error.message}`);
    }
  });

  let ladder = { events: [], rungs: [] };
  let drawnRungs = 0;
  const draw = () => {
    const push = model.pushes.get(id);
    const now = push?.ended ? push.state : (shown?.state ?? push?.state ?? "pending");
    const { sign: mark, kind } = sign(now);
    const desc = push?.desc || shown?.addresses?.[0]?.desc || "";
    write(state, `${mark} ${now}${desc && desc !== now ? `: ${desc}` : ""}`);
    state.className = `outcome ${kind}`;
    cancel.hidden = now !== "pending";
    const plan = ladder.events.find(({ ev }) => ev === "plan");
    const start = ladder.events[0]?.t;
    const said = [
      push?.pui || shown?.addresses?.[0]?.pui,
      plan && `wanted: ${plan.wanted.join(", ") || "none"}`,
      plan && `plan: ${plan.mode ?? "direct"} (asked: ${shown?.plan ?? "?"})`,
      shown && `${shown.octets} octets ${shown.content_type}`,
      shown?.application,
      start && `accepted ${clock(start)} UTC`,
    ];
    write(facts, said.filter(Boolean).join("   "));
    devices.replaceChildren(deviceTable(devicesOf(ladder.events, shown, kinds), kinds));
    if (ladder.rungs.length !== drawnRungs) {
      drawnRungs = ladder.rungs.length;
      const at = bench.ladder.current?.seq;
      bench.ladder.rungs = ladder.rungs;
      if (at !== undefined) bench.ladder.find(at);
    }
  };
  const labels = new Map([...kinds].map(([name, { kind }]) => [name, `${name} ${kind}`.trim()]));
  bench.ladder.labels = labels;
  const look = async () => {
    try {
      ladder = await api.ladder(id, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status !== 404) throw error;
      if (shown === null) throw new Error("no such push is known, and no event of it is kept");
    }
    // Its end is told by an event, its terms by the interface; both are asked for once.
    if (shown === null || (shown.state === "pending" && model.pushes.get(id)?.ended)) shown = await api.push(id).catch(() => shown);
    if (!signal.aborted) draw();
  };
  let due = 0;
  const concerns = (event) =>
    model.pushOf(event) === id || (event.ev === "wire" && event.line !== "http" && ladder.events.some(({ dev }) => dev !== undefined && (dev === event.from || dev === event.to)));
  model.addEventListener(
    "events",
    ({ detail }) => {
      if (due !== 0 || !detail.some(concerns)) return;
      due = setTimeout(() => {
        due = 0;
        void look().catch((error) => write(state, `✗ ${error.message}`));
      }, PAUSE);
    },
    { signal },
  );
  signal.addEventListener("abort", () => clearTimeout(due));
  await look();
}

/** What the composer begins with. */
function again(shown) {
  if (shown === null) return;
  const { addresses, devices, plan, place, ask, application, content_type: type } = shown;
  const wanted = devices.map(({ dev }) => dev);
  sessionStorage.setItem("sirgate.again", JSON.stringify({ to: addresses[0]?.pui, devices: wanted, plan, place, ask, application, content_type: type }));
}
