// The lanes of a ladder: one a party, in the order PI, PPG, SMSC, devices as they appear.

const FIRST = ["PI", "PPG", "SMSC"];

export class Lanes {
  /** @type {string[]} */
  names = [];
  #place = new Map();

  /** True when the party is new. */
  add(name) {
    if (name === "*" || this.#place.has(name)) return false;
    const rank = FIRST.indexOf(name);
    const at = rank < 0 ? this.names.length : this.names.filter((it) => FIRST.indexOf(it) >= 0 && FIRST.indexOf(it) < rank).length;
    this.names.splice(at, 0, name);
    this.#place = new Map(this.names.map((it, place) => [it, place]));
    return true;
  }

  /** Where a party stands; `*` is every device, so the last lane. */
  of(name) {
    return this.#place.get(name) ?? this.names.length - 1;
  }

  get count() {
    return this.names.length;
  }
}
