// The API, asked from a page of the same origin. What goes wrong is an Error with the words of the problem document.

export const BASE = "/api/v1";

export class Problem extends Error {
  /** @param {number} status @param {{title?: string, detail?: string, code?: number}} body */
  constructor(status, body) {
    super([body.title, body.detail].filter(Boolean).join(": ") || `the gateway answers ${status}`);
    this.status = status;
    this.code = body.code;
  }
}

async function ask(path, { method = "GET", body, signal } = {}) {
  const answer = await fetch(path, {
    method,
    signal,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get("content-type") ?? "");
  const read = isJson ? JSON.parse(text) : text;
  if (!answer.ok) throw new Problem(answer.status, isJson ? read : { detail: text.trim() });
  return read;
}

const name = encodeURIComponent;

export const api = {
  pushes: () => ask(`${BASE}/pushes`),
  push: (id) => ask(`${BASE}/pushes/${name(id)}`),
  submit: (push) => ask(`${BASE}/pushes`, { method: "POST", body: push }),
  cancel: (id) => ask(`${BASE}/pushes/${name(id)}`, { method: "DELETE" }),
  plan: (push, signal) => ask(`${BASE}/plan`, { method: "POST", body: push, signal }),
  ladder: (id, signal) => ask(`${BASE}/pushes/${name(id)}/ladder?format=json&all=true`, { signal }),
  ladderPath: (id, format) => `${BASE}/pushes/${name(id)}/ladder?format=${format}&all=true`,
  message: (seq, signal) => ask(`${BASE}/messages/${seq}`, { signal }),
  identities: () => ask(`${BASE}/identities`),
  identity: (pui) => ask(`${BASE}/identities/${name(pui)}`),
  change: (pui, identity) => ask(`${BASE}/identities/${name(pui)}`, { method: "PUT", body: identity }),
  faults: () => ask(`${BASE}/faults`),
  presets: () => ask(`${BASE}/faults/presets`),
  addFault: (rule) => ask(`${BASE}/faults`, { method: "POST", body: rule }),
  removeFault: (rule) => ask(`${BASE}/faults/${name(rule)}`, { method: "DELETE" }),
  resetFaults: () => ask(`${BASE}/faults/reset`, { method: "POST" }),
  ready: () => ask("/readyz"),
  metrics: () => ask("/metrics"),
};

/** A word of a shell line, in quotes where it needs them. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The same request as a line of curl. */
export function asCurl(method, path, body) {
  const words = ["curl", "-sS"];
  if (method !== "GET") words.push("-X", method);
  if (body !== undefined) words.push("-H", quoted("content-type: application/json"), "-d", quoted(JSON.stringify(body)));
  return [...words, quoted(`${location.origin}${path}`)].join(" ");
}

/** A line of sirgate; the address of the gateway is named where it is not the usual one. */
export function asCommand(...words) {
  const at = location.origin === "http://127.0.0.1:8642" ? [] : ["--api", location.origin];
  return ["sirgate", ...words, ...at].map(quoted).join(" ");
}
