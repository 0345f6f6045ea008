// Unread messages ride on the responses that a page asks for anyway.
//
//   import { piggyback } from "/web/piggyback.js";
//   piggyback({ show: "notes" });
//
// It asks for nothing itself, but for the fallback of a page that stays silent.

import { Board } from "./unread/board.js";
import { ASKS, UNREAD, fromHeader, stampOf, unwrapped } from "./unread/stamp.js";

export { Board, fromHeader, stampOf, unwrapped };

/**
 * Reads what rides along on every answer to `fetch` and XMLHttpRequest of this page.
 * @param {object} options
 * @param {"notes"|"list"|"note-only"} [options.show]
 * @param {"note"|"silent"} [options.none]
 * @param {number} [options.fallback] seconds of silence after which one request is made; 0: never
 * @param {string} [options.ask] where that request goes
 * @param {(stamp: import("./unread/stamp.js").Stamp) => void} [options.on] is told of every stamp that is taken
 * @param {Window & typeof globalThis} [options.scope]
 * @param {{setTimeout: Function, clearTimeout: Function}} [options.clock]
 * @returns {{stop: () => void, last: () => import("./unread/stamp.js").Stamp|null}}
 */
export function piggyback({ show, none, fallback = 0, ask = ".", on = () => {}, scope = globalThis, clock = scope } = {}) {
  const board = new Board({ document: scope.document, show, none });
  const channel = new scope.BroadcastChannel("sirgate-unread");
  const plain = scope.fetch;
  /** @type {import("./unread/stamp.js").Stamp|null} */
  let last = null;
  let timer;

  const isOurs = (url) => new URL(url, scope.location.href).origin === scope.location.origin;
  const question = () => `1;seen=${last?.seq ?? 0}`;

  const accept = (stamp) => {
    if (last !== null && stamp.rev <= last.rev) return false;
    last = stamp;
    board.post(stamp);
    on(stamp);
    return true;
  };
  const take = (stamp) => {
    rearm();
    if (stamp === null) return board.nothing();
    if (accept(stamp)) channel.postMessage(stamp);
  };
  // What one tab learns all of them show.
  channel.onmessage = ({ data }) => accept(data);

  const rearm = () => {
    clock.clearTimeout(timer);
    if (fallback > 0) timer = clock.setTimeout(() => void scope.fetch(ask, { method: "HEAD" }).catch(rearm), fallback * 1000);
  };

  scope.fetch = async function (input, init) {
    const request = new scope.Request(input, init);
    if (!isOurs(request.url)) return plain.call(scope, request);
    request.headers.set(ASKS, question());
    const answer = await plain.call(scope, request);
    const stamp = fromHeader(answer.headers.get(UNREAD));
    if (stamp !== null) {
      take(stamp);
      return answer;
    }
    const opened = await unwrapped(answer);
    take(opened.stamp);
    return opened.response;
  };

  const { open, send } = scope.XMLHttpRequest.prototype;
  scope.XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.isOfOurs = isOurs(url);
    return open.call(this, method, url, ...rest);
  };
  scope.XMLHttpRequest.prototype.send = function (body) {
    if (this.isOfOurs) {
      this.setRequestHeader(ASKS, question());
      this.addEventListener("load", () => take(fromHeader(this.getResponseHeader(UNREAD))), { once: true });
    }
    return send.call(this, body);
  };

  // Pages of htmx: its own event of that name, from the HX-Trigger header.
  const triggered = ({ detail }) => take(stampOf(detail));
  scope.document.addEventListener("sirgate:unread", triggered);

  rearm();
  return {
    last: () => last,
    stop() {
      clock.clearTimeout(timer);
      channel.close();
      scope.fetch = plain;
      Object.assign(scope.XMLHttpRequest.prototype, { open, send });
      scope.document.removeEventListener("sirgate:unread", triggered);
    },
  };
}
