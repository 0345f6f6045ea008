// The local database: messages that are not cleared, which applications registered, and how far the client came.

const NAME = "sirgate-mc";
const VERSION = 1;

/** @param {IDBRequest} request */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {IDBTransaction} transaction */
const committed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });

const open = (name) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      const db = request.result;
      db.createObjectStore("msg", { keyPath: ["appid", "seq"] }).createIndex("appid", "appid");
      db.createObjectStore("app", { keyPath: "appid" });
      db.createObjectStore("meta");
    };
    request.onsuccess = () => {
      // Another tab may want to upgrade, or a page to delete it.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("the message database is held open by an older page"));
  });

/** Messages kept in IndexedDB. What it says is stored survives the end of the browser. */
export class Store {
  #name;
  /** @type {Promise<IDBDatabase>|undefined} */
  #db;

  /** @param {string} name of the database */
  constructor(name = NAME) {
    this.#name = name;
  }

  async #transaction(stores, mode) {
    this.#db ??= open(this.#name);
    const db = await this.#db;
    try {
      return db.transaction(stores, mode, { durability: "strict" });
    } catch (error) {
      if (error.name !== "InvalidStateError") throw error;
      // It was closed for an upgrade or a deletion that is over.
      this.#db = open(this.#name);
      return (await this.#db).transaction(stores, mode, { durability: "strict" });
    }
  }

  /**
   * Another client than before, or none: what counted in the earlier one's sequence goes, the applications stay.
   * @param {import("./client.js").Own|undefined} own
   */
  async begin(own) {
    const transaction = await this.#transaction(["msg", "meta"], "readwrite");
    transaction.objectStore("msg").clear();
    const meta = transaction.objectStore("meta");
    meta.clear();
    if (own !== undefined) meta.put(own, "client");
    await committed(transaction);
  }

  /**
   * Stores messages together with the cursor that says they are here: both or none. A message of a topic replaces the
   * earlier ones of its application and topic.
   * @param {import("./message.js").Message[]} messages
   * @param {number|null} cursor null when what brought them has no cursor
   * @returns {Promise<import("./message.js").Message[]>} those that were not here yet
   */
  async put(messages, cursor = null) {
    const transaction = await this.#transaction(["msg", "meta"], "readwrite");
    const rows = transaction.objectStore("msg");
    const meta = transaction.objectStore("meta");
    const known = (await done(meta.get("cursor"))) ?? 0;
    const fresh = [];
    for (const message of messages) {
      const cleared = (await done(meta.get(`cleared ${message.appid}`))) ?? -1;
      const isOld = message.seq <= cleared || (cursor !== null && message.seq <= known);
      if (isOld || (await done(rows.getKey([message.appid, message.seq]))) !== undefined) continue;
      if (message.topic !== null) {
        const older = await done(rows.index("appid").getAll(message.appid));
        for (const row of older) if (row.topic === message.topic) rows.delete([row.appid, row.seq]);
      }
      rows.add(message);
      fresh.push(message);
    }
    if (cursor !== null && cursor > known) meta.put(cursor, "cursor");
    await committed(transaction);
    return fresh;
  }

  /**
   * Deletes the messages of an application, and remembers that they were here: whatever brings one of them again by
   * another way finds it known.
   * @param {string} appid
   * @param {number} upto those with later numbers stay
   * @param {boolean} isOwed the gateway is to hear of it: see `owed`
   * @returns {Promise<{count: number, upto: number}>} how many, and the last of them (-1: none)
   */
  async clear(appid, upto = Number.MAX_SAFE_INTEGER, isOwed = false) {
    const transaction = await this.#transaction(["msg", "meta"], "readwrite");
    const rows = transaction.objectStore("msg");
    const range = IDBKeyRange.bound([appid, 0], [appid, upto]);
    const keys = await done(rows.getAllKeys(range));
    const last = keys.length === 0 ? -1 : keys[keys.length - 1][1];
    const meta = transaction.objectStore("meta");
    if (last >= 0) meta.put(last, `cleared ${appid}`);
    if (last >= 0 && isOwed) meta.put({ ...(await done(meta.get("owed"))), [appid]: last }, "owed");
    rows.delete(range);
    await committed(transaction);
    return { count: keys.length, upto: last };
  }

  /**
   * Clearings that the gateway has not heard of: the last number by application.
   * @returns {Promise<Record<string, number>>}
   */
  async owed() {
    return (await this.meta("owed")) ?? {};
  }

  /**
   * The gateway has heard of a clearing; of a later one of the same application it has not.
   * @param {string} appid
   * @param {number} upto
   */
  async paid(appid, upto) {
    const transaction = await this.#transaction(["meta"], "readwrite");
    const meta = transaction.objectStore("meta");
    const { [appid]: owed, ...rest } = (await done(meta.get("owed"))) ?? {};
    if (owed === upto) meta.put(rest, "owed");
    await committed(transaction);
  }

  /**
   * The messages that are not cleared and not past their time, in order.
   * @param {number} now milliseconds since 1970
   * @returns {Promise<import("./message.js").Message[]>}
   */
  async load(now = Date.now()) {
    const transaction = await this.#transaction(["msg"], "readonly");
    const all = await done(transaction.objectStore("msg").getAll());
    return all.filter((row) => row.exp === null || row.exp > now);
  }

  /**
   * Deletes what is past its time.
   * @param {number} now milliseconds since 1970
   */
  async sweep(now = Date.now()) {
    const transaction = await this.#transaction(["msg"], "readwrite");
    const rows = transaction.objectStore("msg");
    for (const row of await done(rows.getAll())) if (row.exp !== null && row.exp <= now) rows.delete([row.appid, row.seq]);
    await committed(transaction);
  }

  /** How far the client came: the number of the last message that is stored. */
  async cursor() {
    return (await this.meta("cursor")) ?? 0;
  }

  /** @param {string} key */
  async meta(key) {
    const transaction = await this.#transaction(["meta"], "readonly");
    return done(transaction.objectStore("meta").get(key));
  }

  /**
   * @param {string} key
   * @param {any} value
   */
  async keep(key, value) {
    const transaction = await this.#transaction(["meta"], "readwrite");
    transaction.objectStore("meta").put(value, key);
    await committed(transaction);
  }

  /** The applications that registered in this browser. */
  async apps() {
    const transaction = await this.#transaction(["app"], "readonly");
    return done(transaction.objectStore("app").getAll());
  }

  /** @param {{appid: string}} app */
  async keepApp(app) {
    const transaction = await this.#transaction(["app"], "readwrite");
    transaction.objectStore("app").put(app);
    await committed(transaction);
  }

  /** @param {string} appid */
  async dropApp(appid) {
    const transaction = await this.#transaction(["app", "msg"], "readwrite");
    transaction.objectStore("app").delete(appid);
    transaction.objectStore("msg").delete(IDBKeyRange.bound([appid, 0], [appid, Number.MAX_SAFE_INTEGER]));
    await committed(transaction);
  }
}

/** Messages kept as long as the page lives: for pages that do without a database. */
export class Memory {
  #rows = new Map();
  #apps = new Map();
  #meta = new Map();

  async begin(own) {
    this.#rows.clear();
    this.#meta.clear();
    if (own !== undefined) this.#meta.set("client", own);
  }

  async put(messages, cursor = null) {
    const known = cursor === null ? -1 : await this.cursor();
    const isNew = (it) =>
      it.seq > known && it.seq > (this.#meta.get(`cleared ${it.appid}`) ?? -1) && !this.#rows.has(`${it.appid} ${it.seq}`);
    const fresh = messages.filter(isNew);
    for (const message of fresh) {
      for (const [key, row] of this.#rows) {
        if (message.topic !== null && row.appid === message.appid && row.topic === message.topic) this.#rows.delete(key);
      }
      this.#rows.set(`${message.appid} ${message.seq}`, message);
    }
    if (cursor !== null && cursor > known) this.#meta.set("cursor", cursor);
    return fresh;
  }

  async clear(appid, upto = Number.MAX_SAFE_INTEGER, isOwed = false) {
    const gone = [...this.#rows].filter(([, row]) => row.appid === appid && row.seq <= upto);
    for (const [key] of gone) this.#rows.delete(key);
    const last = gone.reduce((most, [, row]) => Math.max(most, row.seq), -1);
    if (last >= 0) this.#meta.set(`cleared ${appid}`, last);
    if (last >= 0 && isOwed) this.#meta.set("owed", { ...this.#meta.get("owed"), [appid]: last });
    return { count: gone.length, upto: last };
  }

  async owed() {
    return this.#meta.get("owed") ?? {};
  }

  async paid(appid, upto) {
    const { [appid]: owed, ...rest } = await this.owed();
    if (owed === upto) this.#meta.set("owed", rest);
  }

  async sweep(now = Date.now()) {
    for (const [key, row] of this.#rows) if (row.exp !== null && row.exp <= now) this.#rows.delete(key);
  }

  async load(now = Date.now()) {
    return [...this.#rows.values()].filter((row) => row.exp === null || row.exp > now);
  }

  async cursor() {
    return this.#meta.get("cursor") ?? 0;
  }

  async meta(key) {
    return this.#meta.get(key);
  }

  async keep(key, value) {
    this.#meta.set(key, value);
  }

  async apps() {
    return [...this.#apps.values()];
  }

  async keepApp(app) {
    this.#apps.set(app.appid, app);
  }

  async dropApp(appid) {
    this.#apps.delete(appid);
    await this.clear(appid);
  }
}
