/** Folds transcript events into lines of captions. Knows nothing of the page. */

/** Lines kept; more than are ever in view, so that taking one away moves nothing that is seen. */
const KEPT = 12;

/**
 * @typedef {object} Line
 * @property {string} key unique
 * @property {string} stable text that stays
 * @property {string} unstable text behind it that may still change
 * @property {boolean} final
 * @property {string|null} language code of the language of the text, once it is known
 */

export class Captions {
  /** @type {Line[]} the oldest first */
  lines = [];

  #session = 0;
  #onFinal;

  /** @param {(text: string, event: any) => void} [onFinal] called for every finished line */
  constructor(onFinal = () => {}) {
    this.#onFinal = onFinal;
  }

  /**
   * @param {any} event
   * @returns {boolean} whether the lines have changed
   */
  apply(event) {
    if (event.event === "TranscriptPartial") return this.#partial(event);
    if (event.event === "TranscriptFinal") return this.#final(event);
    return false;
  }

  /** Another session begins, or this one is lost: what is shown stays, and its segments get no more text. */
  newSession() {
    for (const line of this.lines) {
      if (line.final) continue;
      const text = (line.stable + line.unstable).trim();
      Object.assign(line, { stable: text && `${text} …`, unstable: "", final: true });
      if (text) this.#onFinal(line.stable, null);
    }
    this.lines = this.lines.filter(({ stable }) => stable);
    this.#session += 1;
  }

  #partial({ segment, stable, unstable }) {
    const line = this.#line(segment);
    if (line.final || (line.stable === stable && line.unstable === unstable)) return false;
    Object.assign(line, { stable, unstable });
    // An empty one takes back what was shown of the segment.
    if (!stable && !unstable) this.lines = this.lines.filter((other) => other !== line);
    return true;
  }

  #final(event) {
    const line = this.#line(event.segment);
    if (line.final) return false;
    const text = event.text.trim();
    Object.assign(line, { stable: text, unstable: "", final: true, language: event.language ?? null });
    if (text) this.#onFinal(text, event);
    else this.lines = this.lines.filter((other) => other !== line);
    return true;
  }

  #line(segment) {
    const key = `${this.#session}:${segment}`;
    let line = this.lines.find((candidate) => candidate.key === key);
    if (!line) {
      line = { key, stable: "", unstable: "", final: false, language: null };
      this.lines = [...this.lines, line].slice(-KEPT);
    }
    return line;
  }
}
