/** Waiting times between attempts: doubling, bounded, and spread so that many pages do not come back at once. */

const FIRST_MS = 500;
const LONGEST_MS = 8_000;

export class Backoff {
  #attempts = 0;

  /** How many attempts have failed in a row. */
  get attempts() {
    return this.#attempts;
  }

  /** @returns {number} milliseconds to wait before the next attempt */
  next() {
    const bounded = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return bounded * (0.8 + 0.4 * Math.random());
  }

  reset() {
    this.#attempts = 0;
  }
}

/** A wait that can be cut short. */
export class Pause {
  #wake = () => {};

  /** @param {number} milliseconds */
  wait(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake() {
    this.#wake();
  }
}
