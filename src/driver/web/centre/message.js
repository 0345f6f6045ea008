// A message in its normalised form: the same row whatever carried it.

/**
 * @typedef {object} Message
 * @property {string} appid the web application it is for
 * @property {number} seq its number in the account's sequence
 * @property {string} id
 * @property {string} title
 * @property {string} summary
 * @property {string|null} url where a click leads
 * @property {string|null} kind post, task, game, ad ...
 * @property {string|null} topic a later message of the same topic replaces this one
 * @property {string} urgency very-low, low, normal, high
 * @property {number} ts when it was made, milliseconds since 1970
 * @property {number|null} exp when it is no longer of use
 * @property {object} data what only its application understands
 */

const text = (value, otherwise) => (typeof value === "string" ? value : otherwise);
const number = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);

/**
 * The normalised form of what came in.
 * @param {any} raw
 * @returns {Message}
 * @throws {TypeError} when it names no application or has no number
 */
export function normalised(raw) {
  if (typeof raw !== "object" || raw === null) throw new TypeError("a message is an object");
  if (typeof raw.appid !== "string" || raw.appid === "") throw new TypeError("a message names its application in appid");
  if (!Number.isSafeInteger(raw.seq) || raw.seq < 0) throw new TypeError("a message has its number in seq");
  return {
    appid: raw.appid,
    seq: raw.seq,
    id: text(raw.id, String(raw.seq)),
    title: text(raw.title, ""),
    summary: text(raw.summary, ""),
    url: text(raw.url, null),
    kind: text(raw.kind, null),
    topic: text(raw.topic, null),
    urgency: text(raw.urgency, "normal"),
    ts: number(raw.ts, 0),
    exp: number(raw.exp, null),
    data: typeof raw.data === "object" && raw.data !== null ? raw.data : {},
  };
}

/**
 * A packet: what one answer of the gateway brings. All of it is good, or none of it is taken.
 * @param {any} raw
 * @returns {{cursor: number, messages: Message[], cleared: {appid: string, upto: number}[], more: boolean}} `more`: there is
 *   more to ask for
 * @throws {TypeError} when it is no packet
 */
export function packet(raw) {
  if (typeof raw !== "object" || raw === null || !Number.isSafeInteger(raw.cursor) || raw.cursor < 0) {
    throw new TypeError("a packet has a number in cursor");
  }
  const messages = raw.messages ?? [];
  const cleared = raw.cleared ?? [];
  if (!Array.isArray(messages) || !Array.isArray(cleared)) throw new TypeError("messages and cleared are lists");
  return {
    cursor: raw.cursor,
    messages: messages.map(normalised),
    cleared: cleared.filter((it) => typeof it?.appid === "string" && Number.isSafeInteger(it.upto)),
    more: raw.more === true,
  };
}
