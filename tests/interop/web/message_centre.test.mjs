// The page's own modules against a gateway that knows alice and bob, without a browser: SIRGATE names its interface
// (http://127.0.0.1:PORT/api/v1).

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

const base = process.env.SIRGATE;
const modules = new URL("../../../src/driver/web/", import.meta.url);

// What a browser has and node has not: locks (one page here, so each is free) and the icon of the whole.
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks: { request: async (_, held) => held() } } });
globalThis.reportError = (error) => console.error(error);

const { Memory } = await import(new URL("centre/store.js", modules));
const { Client } = await import(new URL("centre/client.js", modules));
const { Registration } = await import(new URL("centre/registration.js", modules));
const { Puller } = await import(new URL("centre/puller.js", modules));
const { MessageCentre } = await import(new URL("centre/centre.js", modules));
const { Facts } = await import(new URL("centre/event.js", modules));

const running = [];
afterEach(() => running.splice(0).forEach((puller) => puller.stop()));

/** A page in the browser whose database `store` is. */
function page(store, { account, wait = 0, clock, attention, report, interval } = {}) {
  const facts = new Facts();
  const asked = [];
  const refused = [];
  facts.addEventListener("sirgate", ({ detail }) => {
    if (detail.ev === "poll.req") asked.push(detail.since);
    if (detail.ev === "poll.error") refused.push(detail.why);
  });
  const client = new Client({ base, store, account, begun: () => void centre.refresh() });
  const registration = new Registration({ client, store });
  const centre = new MessageCentre({ store, registration, settle: () => client.settle(), report, facts });
  const puller = new Puller({
    fetch: (path, init) => client.fetch(path, init),
    after: () => store.cursor(),
    take: (packet) => centre.take(packet),
    restart: async () => store.begin(await client.own()),
    facts,
    jitter: 0,
    wait,
    clock,
    attention,
    interval,
  });
  running.push(puller);
  const shown = [];
  const register = () => centre.register("mail", ({ title }) => shown.push(title));
  const poll = async () => {
    const read = await puller.receive(await puller.send());
    if (read !== null) await centre.take(read);
  };
  return { client, centre, puller, asked, refused, shown, register, poll };
}

async function publish(to, title) {
  const init = { method: "POST", body: JSON.stringify({ to, title }) };
  const answer = await fetch(`${base}/apps/mail/messages`, init);
  assert.equal(answer.status, 201);
}

async function eventually(what, isSo) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`not within 30 s: ${what}`);
}

test("r0_5 another user of the same browser sees nothing of the one before, and all of his own", async () => {
  const store = new Memory();
  const [alice, bob] = ["alice", "bob"];
  const first = page(store, { account: alice });
  await first.register();
  await publish(alice, "for alice");
  await first.poll();
  assert.deepEqual(first.shown, ["for alice"]);

  const second = page(store, { account: bob });
  await publish(alice, "later, for alice");
  await second.centre.restore();
  assert.equal(second.centre.waiting("mail"), 0);
  await second.register();
  await publish(bob, "for bob");
  await second.poll();
  assert.deepEqual(second.shown, ["for bob"]);
  assert.equal(second.centre.waiting("mail"), 1);

  // And a page that says of nobody is nobody's.
  const third = page(store);
  await third.register();
  await third.poll();
  assert.deepEqual(third.shown, []);
  assert.equal(third.centre.waiting("mail"), 0);
});

test("r0_21 a client that the gateway knows no more is another one that loses nothing and asks in peace", async () => {
  const store = new Memory();
  const before = page(store);
  await before.register();
  const to = async () => `client:${(await store.meta("client")).client}`;
  for (let number = 1; number <= 5; number += 1) await publish(await to(), `old ${number}`);
  await before.poll();
  assert.equal(await store.cursor(), 5);
  const forgotten = await to();
  assert.equal((await before.client.fetch("", { method: "DELETE" })).status, 204);

  // Nobody registers again: the long poll alone finds out.
  const after = page(store, { wait: 25, interval: 1 });
  after.puller.start();
  await eventually("it is another client", async () => (await to()) !== forgotten);
  after.shown.length = 0;
  await after.centre.register("mail", ({ title }) => after.shown.push(title));
  for (const title of ["new 1", "new 2", "new 3"]) await publish(await to(), title);
  await eventually("all are shown", () => after.shown.length === 3);
  assert.deepEqual(after.shown, ["new 1", "new 2", "new 3"]);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.ok(after.asked.length < 12, `asked after ${after.asked}`);
  assert.equal(after.refused.length, 1, String(after.refused));
});

test("a packet that is a part is followed by the next at once", async () => {
  const store = new Memory();
  const all = page(store, { interval: 3_600 });
  await all.register();
  const { client } = await all.client.own();
  for (let number = 0; number < 150; number += 1) await publish(`client:${client}`, `${number}`);
  all.puller.start();
  await eventually("all are here", () => all.shown.length === 150);
  assert.deepEqual(all.shown, Array.from({ length: 150 }, (_, number) => String(number)));
});

test("a clearing that was not heard of is told when the gateway answers again", async () => {
  const store = new Memory();
  const told = [];
  let isThere = false;
  const report = async (appid, upto) => {
    if (!isThere) throw new TypeError("offline");
    told.push([appid, upto]);
  };
  const own = page(store, { report });
  await own.register();
  await publish(`client:${(await own.client.own()).client}`, "one");
  await own.poll();
  await own.centre.clear("mail");
  assert.equal(own.centre.waiting("mail"), 0);
  assert.deepEqual(told, []);
  isThere = true;
  await own.centre.pay();
  await own.centre.pay();
  assert.deepEqual(told, [["mail", 1]]);
  assert.deepEqual(await store.owed(), {});
});

test("where nobody looks four periods make one, and a look asks at once what is overdue", async () => {
  const timers = [];
  const clock = { setTimeout: (what, ms) => timers.push({ what, ms }), clearTimeout: () => {} };
  const attention = Object.assign(new EventTarget(), { isSeen: () => attention.looks, looks: false });
  const own = page(new Memory(), { clock, attention });
  await own.register();
  own.puller.start();
  const tick = async () => {
    const asked = own.asked.length;
    await timers.pop().what();
    return own.asked.length - asked;
  };
  const asked = [];
  for (let period = 0; period < 9; period += 1) asked.push(await tick());
  assert.deepEqual(asked, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  // Just asked: a look changes nothing.
  attention.looks = true;
  attention.dispatchEvent(new Event("seen"));
  assert.equal(own.asked.length, 3);
  attention.looks = false;
  await tick();
  attention.looks = true;
  attention.dispatchEvent(new Event("seen"));
  await eventually("it asks", () => own.asked.length === 4);
});
