// The demo home page: applications as icons with badges. Query of its address: `account`, `transport`, `apps` (those
// with a routine), `interval`, `unknown`, `clear=off`, `restore=off`.

import { messageCentre } from "./message-centre.js";

const APPS = [
  ["mail", "Mail", "✉"],
  ["news", "News", "◫"],
  ["game", "Game", "♞"],
  ["tasks", "Tasks", "☑"],
  ["board", "Board", "❝"],
  ["shop", "Shop", "◈"],
];

const query = new URLSearchParams(location.search);
const registered = (query.get("apps") ?? APPS.map(([appid]) => appid).join(",")).split(",");
const state = document.querySelector(".state");
const latest = document.querySelector(".latest");

const centre = messageCentre({
  account: query.get("account") ?? undefined,
  transport: query.get("transport")?.split(",") ?? undefined,
  unknown: query.get("unknown") === "keep" ? "keep" : "drop",
  clear: query.get("clear") !== "off",
  restore: query.get("restore") !== "off",
  interval: Number(query.get("interval") ?? 60),
});
// For people at the console of the browser, and for tests.
globalThis.sirgate = { centre, facts: [] };
centre.facts.addEventListener("sirgate", ({ detail }) => globalThis.sirgate.facts.push(detail));

function icon(appid, title, sign) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon";
  button.dataset.app = appid;
  const picture = Object.assign(document.createElement("span"), { className: "sign", textContent: sign });
  picture.setAttribute("aria-hidden", "true");
  button.append(picture, Object.assign(document.createElement("span"), { textContent: title }));
  const item = document.createElement("li");
  item.append(button);
  document.querySelector(".icons").append(item);
  centre.icon(appid, button);
}

function show({ appid, title, summary }) {
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("strong"), { textContent: `${appid}: ${title}` }), ` ${summary}`);
  latest.prepend(item);
  while (latest.children.length > 20) latest.lastChild.remove();
}

for (const [appid, title, sign] of APPS) icon(appid, title, sign);
try {
  await centre.restore();
  for (const [appid, title] of APPS) if (registered.includes(appid)) await centre.register(appid, show, { title });
  await centre.start();
  state.textContent = "Connected.";
} catch (error) {
  state.textContent = `The gateway cannot be used: ${error.message}`;
}
document.documentElement.dataset.ready = "true";
