/** A set that forgets its oldest member once it is full, so that memory stays bounded. */
export class Seen {
  #keys = new Set();
  #limit;

  /** @param {number} limit the greatest number of members */
  constructor(limit) {
    this.#limit = limit;
  }

  /** @param {string} key */
  has(key) {
    return this.#keys.has(key);
  }

  /** @param {string} key */
  add(key) {
    this.#keys.add(key);
    // A Set iterates in insertion order: the first one is the oldest.
    if (this.#keys.size > this.#limit) this.#keys.delete(this.#keys.values().next().value);
  }

  /** @param {string} key */
  delete(key) {
    this.#keys.delete(key);
  }
}
