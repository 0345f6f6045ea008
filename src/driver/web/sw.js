// The part of the message centre that lives without a page: takes pushes, shows them, answers clicks.

import { MessageCentre } from "./centre/centre.js";
import { packet } from "./centre/message.js";
import { Store } from "./centre/store.js";
import { Tabs } from "./centre/tabs.js";
import { subscribe } from "./centre/web-push.js";

const store = new Store();
const tabs = new Tabs();
const report = async (appid, upto) => {
  const answer = await asked(`apps/${encodeURIComponent(appid)}/clear`, { method: "POST", body: JSON.stringify({ upto }) });
  if (!answer?.ok) throw new Error("the gateway did not hear of a click");
};
const centre = new MessageCentre({ store, tabs, report });

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** Stores what came; shows it when no page of ours is seen. */
async function take(read) {
  const fresh = await centre.take(read);
  const pages = await self.clients.matchAll({ type: "window" });
  if (pages.some((page) => page.visibilityState === "visible")) return;
  for (const { appid, title, summary, url, topic, id } of fresh) {
    await self.registration.showNotification(title || appid, { body: summary, tag: topic ?? id, data: { appid, url } });
  }
}

self.addEventListener("push", (event) => {
  let read;
  try {
    read = packet(event.data?.json());
  } catch {
    // No packet of ours; what is no message is not shown.
    return;
  }
  // What comes by push says nothing of what comes by other ways: the cursor stays.
  event.waitUntil(read.more ? pull() : take({ ...read, cursor: null }));
});

self.addEventListener("pushsubscriptionchange", (event) => {
  const ask = async (method, body) => {
    const init = { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    return (await asked("subscription", init)) ?? new Response(null, { status: 401 });
  };
  event.waitUntil(subscribe(self.registration, ask));
});

self.addEventListener("notificationclick", (event) => {
  const { appid, url } = event.notification.data ?? {};
  event.notification.close();
  const show = async () => {
    if (appid !== undefined) {
      await centre.clear(appid);
      // Without a connection now, a page tells the gateway of the click.
      if (Object.keys(await store.owed()).length > 0) tabs.tell({ isOwed: true });
    }
    const pages = await self.clients.matchAll({ type: "window" });
    const open = pages.find((page) => url == null || new URL(url, self.location.href).href === page.url) ?? pages[0];
    if (open !== undefined && url == null) return open.focus();
    return self.clients.openWindow(url ?? new URL("./", self.location.href).href);
  };
  event.waitUntil(show());
});

self.addEventListener("periodicsync", (event) => {
  if (event.tag === "sirgate") event.waitUntil(pull());
});

/** A request about the client of this browser; undefined when it has none. */
async function asked(path, init = {}) {
  const own = await store.meta("client");
  if (own === undefined) return undefined;
  const headers = { ...init.headers, authorization: `Bearer ${own.token}` };
  return fetch(`${own.base}/clients/${own.client}/${path}`, { cache: "no-store", ...init, headers });
}

/** One poll of the service worker: the browser woke it by itself, or a push told it to ask. */
async function pull() {
  const response = await asked(`messages?after=${await store.cursor()}`);
  if (response?.status === 200) await take(packet(await response.json()));
}
