// What rides along on a response: its forms (header, JSON envelope, multipart, HX-Trigger) and what is read of them.

/**
 * @typedef {object} Stamp
 * @property {number} fresh messages the user was not told of
 * @property {number|null} old messages the user was told of and has not opened; null where these are not told apart
 * @property {number} seq the latest message
 * @property {number} rev grows with every change of what is unread: an older stamp, as from a cache, has a smaller one
 * @property {{seq: number, appid: string, title: string, summary: string, isNew: boolean}[]} items the latest first
 * @property {number} more how many further ones there are
 */

/** The name of the header on responses. */
export const UNREAD = "sirgate-unread";
/** The name of the header on requests. */
export const ASKS = "sirgate-piggyback";

const natural = (value) => (Number.isSafeInteger(value) && value >= 0 ? value : 0);
const text = (value) => (typeof value === "string" ? value : "");

/**
 * @param {any} raw the members as JSON has them
 * @returns {Stamp|null}
 */
export function stampOf(raw) {
  if (typeof raw !== "object" || raw === null || !Number.isSafeInteger(raw.rev)) return null;
  const items = Array.isArray(raw.items) ? raw.items : [];
  return {
    fresh: natural(raw.new),
    old: raw.old === undefined || raw.old === null ? null : natural(raw.old),
    seq: natural(raw.seq),
    rev: raw.rev,
    items: items.map((it) => ({
      seq: natural(it?.seq),
      appid: text(it?.appid),
      title: text(it?.title),
      summary: text(it?.summary),
      isNew: it?.new === true,
    })),
    more: natural(raw.more),
  };
}

/** The octets of Base64 as text in UTF-8. */
const unpacked = (base64) => new TextDecoder().decode(Uint8Array.from(atob(base64), (it) => it.charCodeAt(0)));

/**
 * The header: a dictionary of RFC 9651 with integers and one byte sequence, `items`, of JSON.
 * @param {string|null} value
 * @returns {Stamp|null} null when there is none, or it cannot be read
 */
export function fromHeader(value) {
  if (value === null) return null;
  const raw = {};
  for (const [, key, integer, octets] of value.matchAll(/([a-z*][a-z0-9_.*-]*)=(?:(-?\d{1,15})|:([A-Za-z0-9+/=]*):)/g)) {
    try {
      raw[key] = integer === undefined ? JSON.parse(unpacked(octets)) : Number(integer);
    } catch {
      return null;
    }
  }
  return stampOf(raw);
}

/**
 * The response without what rides along in its body.
 * @param {Response} response
 * @returns {Promise<{response: Response, stamp: Stamp|null}>}
 */
export async function unwrapped(response) {
  const type = response.headers.get("content-type") ?? "";
  if (/^application\/json\b/i.test(type) && response.headers.get("sirgate-form") === "json") {
    const text = await response.text();
    const [begin, rides] = ['{"data":', ',"_unread":'];
    // Quotes within texts are escaped, so this is the member; what is the site's own stays as the site wrote it.
    const end = text.lastIndexOf(rides);
    if (!text.startsWith(begin) || end < 0) return { response: rebuilt(response, text, type), stamp: null };
    const { _unread } = JSON.parse(`{"data":null${text.slice(end)}`);
    return { response: rebuilt(response, text.slice(begin.length, end), type), stamp: stampOf(_unread) };
  }
  const boundary = /^multipart\/mixed\b.*;\s*boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary !== undefined && response.headers.get("sirgate-form") === "multipart") {
    const [own, rides] = parts(new Uint8Array(await response.arrayBuffer()), boundary);
    if (own === undefined || rides === undefined) return { response, stamp: null };
    return {
      response: rebuilt(response, own.body, own.type),
      stamp: stampOf(JSON.parse(new TextDecoder().decode(rides.body))),
    };
  }
  return { response, stamp: null };
}

function rebuilt(response, body, type) {
  const headers = new Headers(response.headers);
  for (const name of ["content-length", "content-encoding", "sirgate-form"]) headers.delete(name);
  headers.set("content-type", type);
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

/** The parts of a multipart body, as octets. */
function parts(octets, boundary) {
  // One octet one letter, so that places in the text are places in the octets.
  const all = new TextDecoder("latin1").decode(octets);
  const found = [];
  let at = all.indexOf(`--${boundary}\r\n`);
  while (at >= 0) {
    const start = at + boundary.length + 4;
    const end = all.indexOf(`\r\n--${boundary}`, start - 2);
    const blank = all.indexOf("\r\n\r\n", start);
    if (end < 0 || blank < 0 || blank > end) break;
    const type = /^content-type:[ \t]*(.*)$/im.exec(all.slice(start, blank))?.[1].trim() ?? "";
    found.push({ type, body: octets.subarray(blank + 4, end) });
    at = all.startsWith("--", end + 4 + boundary.length) ? -1 : end + 2;
  }
  return found;
}
