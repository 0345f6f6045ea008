// One pull process and one message centre for all web applications of a browser.
//
//   import { messageCentre } from "/web/message-centre.js";
//   const centre = messageCentre({ transport: ["sse", "long", "poll"] });
//   await centre.register("mail", (message) => console.log(message.title));
//   centre.icon("mail", document.querySelector("#mail"));
//   await centre.start();

import { MessageCentre } from "./centre/centre.js";
import { Client } from "./centre/client.js";
import { Facts } from "./centre/event.js";
import { Puller } from "./centre/puller.js";
import { Registration } from "./centre/registration.js";
import { Memory, Store } from "./centre/store.js";
import { ServerSent, Socket } from "./centre/stream.js";
import { Tabs } from "./centre/tabs.js";
import { WebPush } from "./centre/web-push.js";

export { Client, Facts, Memory, MessageCentre, Puller, Registration, ServerSent, Socket, Store, Tabs, WebPush };

/** Seconds that the gateway may take to answer a long poll. */
const LONG = 25;

/**
 * What carries packets, by its name.
 * @type {Record<string, (parts: object) => {start: () => void, stop: () => void}>}
 */
const TRANSPORTS = {
  poll: (parts) => new Puller(parts),
  long: (parts) => new Puller({ ...parts, wait: LONG }),
  sse: (parts) => new ServerSent(parts),
  ws: (parts) => new Socket(parts),
  webpush: (parts) => new WebPush(parts),
};

/**
 * A message centre with all its parts, or those that are asked for.
 * @param {object} options
 * @param {string} [options.base] of the gateway's interface
 * @param {string} [options.account] who uses this browser, where the gateway takes our word for it; what another user,
 *   or nobody, had stored in it goes
 * @param {string[]} [options.transport] what carries messages, best first; the first that this browser has is taken
 * @param {"drop"|"keep"} [options.unknown] what becomes of messages for applications without a routine
 * @param {boolean} [options.clear] a click clears
 * @param {boolean} [options.restore] what is not cleared is shown again after the start
 * @param {boolean} [options.storage] messages outlive the page
 * @param {boolean} [options.registration] applications are registered at the gateway
 * @param {number} [options.interval] seconds
 * @param {number} [options.jitter] hundredths
 * @param {import("./centre/puller.js").Clock} [options.clock]
 * @param {() => number} [options.random]
 */
export function messageCentre({
  base = "/api/v1",
  account,
  transport = ["sse", "long", "poll"],
  unknown = "drop",
  clear = true,
  restore = true,
  storage = true,
  registration = true,
  interval = 60,
  jitter = 10,
  clock,
  random,
} = {}) {
  const facts = new Facts();
  const store = storage ? new Store() : new Memory();
  const client = new Client({ base, store, account, begun: () => void centre.refresh() });
  const tabs = new Tabs();
  const centre = new MessageCentre(
    {
      store,
      registration: registration ? new Registration({ client, store }) : undefined,
      tabs,
      settle: () => client.settle(),
      report: async (appid, upto) => {
        await client.send(`apps/${encodeURIComponent(appid)}/clear`, "POST", { upto });
      },
      facts,
    },
    { unknown, clear, restore },
  );
  const parts = {
    client,
    async fetch(path, init) {
      const response = await client.fetch(path, init);
      void centre.pay();
      return response;
    },
    after: () => store.cursor(),
    take: async (packet) => {
      await centre.take(packet);
      void centre.pay();
    },
    async restart() {
      await store.begin(await client.own());
      await centre.refresh();
    },
    attention: tabs,
    facts,
    interval,
    jitter,
    clock,
    random,
  };
  const name = transport.find((it) => it in TRANSPORTS && (it !== "webpush" || WebPush.isHere()));
  if (name === undefined) throw new TypeError(`none of the transports ${transport.join(", ")} is known`);
  const carrier = TRANSPORTS[name](parts);
  return Object.assign(centre, {
    client,
    store,
    carrier,
    /** Shows what waits, then contacts the gateway: in one tab of all. */
    async start() {
      await centre.restore();
      await client.own();
      await store.sweep();
      tabs.elect(() => {
        facts.tell("mc.lead");
        carrier.start();
      });
    },
    stop() {
      carrier.stop();
      tabs.leave();
    },
  });
}
