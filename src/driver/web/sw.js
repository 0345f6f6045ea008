// The part of the message centre that lives without a page: takes pushes, shows them, answers clicks.

import { MessageCentre } from "./centre/centre.js";
import { packet } from "./centre/message.js";
import { Store } from "./centre/store.js";
import { Tabs } from "./centre/tabs.js";

const store = new Store();
const tabs = new Tabs();
const centre = new MessageCentre({ store, tabs });

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** Stores what came; shows it when no page of ours is seen. */
async function take(read) {
  // What comes by push says nothing of what comes by other ways: the cursor stays.
  const fresh = await centre.take({ ...read, cursor: null });
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
  event.waitUntil(take(read));
});

self.addEventListener("notificationclick", (event) => {
  const { appid, url } = event.notification.data ?? {};
  event.notification.close();
  const show = async () => {
    if (appid !== undefined) {
      await store.clear(appid, undefined, true);
      tabs.tell({ cleared: appid, isOwed: true });
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

/** One poll of the service worker, where the browser wakes it by itself. */
async function pull() {
  const own = await store.meta("client");
  if (own === undefined) return;
  const url = `${own.base}/clients/${own.client}/messages?after=${await store.cursor()}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${own.token}` }, cache: "no-store" });
  if (response.status !== 200) return;
  await centre.take(packet(await response.json()));
}
