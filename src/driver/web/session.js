// The session of a user: begun with a password, ended by its user; and what pages of ours show that others cannot.

const SESSIONS = new URL("../api/v1/sessions", import.meta.url);
/** The cookies that a page may read, in TLS and without. */
const PROOFS = ["__Host-sirgate-csrf", "sirgate-csrf"];

/**
 * The header that every request shows which changes something in a session; nothing without one.
 * @returns {Record<string, string>}
 */
export function proof() {
  const cookies = new Map((globalThis.document?.cookie ?? "").split("; ").map((pair) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1)]));
  const own = PROOFS.map((name) => cookies.get(name)).find((value) => value);
  return own === undefined ? {} : { "sirgate-csrf": own };
}

/** Whether a session was begun in this browser; only the gateway knows whether it is over. */
export const isOpen = () => Object.keys(proof()).length > 0;

/**
 * @param {string} account
 * @param {string} password
 * @returns {Promise<{account: string, expires_in: number}>}
 */
export async function login(account, password) {
  const response = await fetch(SESSIONS, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ account, password }),
    credentials: "same-origin",
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? `${response.status}`);
  return answer;
}

/** Ends the session, here and at the gateway. */
export async function logout() {
  await fetch(SESSIONS, { method: "DELETE", headers: proof(), credentials: "same-origin" });
}

/**
 * Writes to another user of the site.
 * @param {string} to
 * @param {string} title
 * @param {string} [summary]
 */
export async function write(to, title, summary = "") {
  const response = await fetch(new URL("../api/v1/apps/site/messages", import.meta.url), {
    method: "POST",
    headers: { "content-type": "application/json", ...proof() },
    body: JSON.stringify({ to, title, summary }),
    credentials: "same-origin",
  });
  if (!response.ok) throw new Error((await response.json()).detail ?? `${response.status}`);
  return response.json();
}
