/** Folds transcript events into lines of captions. Knows nothing of the page. */

import { leftOpen } from "./signs.js";
import { Names, correction, isOf, speakerNow, speakerOf } from "./speakers.js";

/** Lines kept; more than are ever in view, so that taking one away moves nothing that is seen. */
const KEPT = 24;

/** What stands where somebody speaks and nothing could be read. */
const UNCLEAR = "[unclear]";

/**
 * @typedef {object} Line
 * @property {string} key unique
 * @property {string} stable text that stays
 * @property {string} unstable text behind it that may still change
 * @property {boolean} final
 * @property {boolean} cut final only because no more came; more may come yet
 * @property {string|null} language code of the language of the text, once it is known
 * @property {string} speaker who speaks; empty where it is not known
 * @property {number|null} number of who speaks, where that is known
 * @property {number|null} told that of the final, whatever has been told of it since
 * @property {number|null} segment of which segment it is, for what is told of it later; null once its session is over
 * @property {number|null} face whose line it is of two who speak at once in the segment
 * @property {boolean} mark no words, but what is heard instead
 * @property {boolean} corrected the text has been read once more, with what was said after it
 */

export class Captions {
  /** @type {Line[]} the oldest first */
  lines = [];
  /** Who spoke in the line before the first one. */
  before = "";

  #session = 0;
  #sounds = 0;
  /** @type {Set<number|string>} segments whose final text came; a stream that is opened again tells them once more */
  #finished = new Set();
  #names = new Names();
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
    this.#names.learn(event);
    if (event.event === "TranscriptPartial") return this.#partial(event);
    if (event.event === "TranscriptFinal") return this.#final(event);
    if (event.event === "TranscriptCorrected") return this.#replace(event);
    if (event.event === "SpeechUnclear") return this.#mark(event.segment, UNCLEAR);
    if (event.event === "SoundEvent") return this.#sound(event);
    return this.#correct(correction(event, this.#names));
  }

  /** Another session begins: what is shown stays, and its segments get no more text. */
  newSession() {
    this.breakOff();
    this.#session += 1;
    this.#finished.clear();
    this.#names.clear();
    for (const line of this.lines) line.segment = line.number = null;
  }

  /** No more comes, or not for now: what is shown stays. If the same session goes on, so do its segments. */
  breakOff() {
    for (const line of this.lines) {
      if (line.final) continue;
      const text = (line.stable + line.unstable).trim();
      Object.assign(line, { stable: text && `${text} …`, unstable: "", final: true, cut: true });
      if (text) this.#onFinal(line.stable, null);
    }
    this.lines = this.lines.filter(({ stable }) => stable);
  }

  #partial(event) {
    const { segment, stable, unstable } = event;
    if (this.#finished.has(segment)) return false;
    const line = this.#line(segment);
    const speaker = speakerOf(event) || line.speaker;
    if (line.stable === stable && line.unstable === unstable && line.speaker === speaker) return false;
    Object.assign(line, { stable, unstable, speaker, number: event.speaker ?? line.number, final: false, cut: false, mark: false });
    // An empty one takes back what was shown of the segment.
    if (!stable && !unstable) this.lines = this.lines.filter((other) => other !== line);
    return true;
  }

  #final(event) {
    // Of two who speak at once each has a line: the first one's is that of the segment so far.
    const own = event.overlaps ? `${event.segment} face ${event.face}` : event.segment;
    if (this.#finished.has(own)) return false;
    const line = this.#line(event.segment, this.#finished.has(event.segment) ? own : event.segment);
    this.#finished.add(own).add(event.segment);
    line.face = event.overlaps ? event.face : null;
    const text = event.text.trim();
    const speaker = speakerOf(event);
    const language = event.language ?? null;
    Object.assign(line, { stable: text, unstable: "", final: true, cut: false, mark: false, language, speaker });
    line.number = line.told = event.speaker ?? null;
    if (event.joint) this.#closeBefore(line, event.joint);
    if (text) this.#onFinal(text, event);
    else this.lines = this.lines.filter((other) => other !== line);
    return true;
  }

  /** The sign behind the sentence before a line: it was left open until its next words came. */
  #closeBefore(line, sign) {
    const before = this.lines.slice(0, this.lines.indexOf(line));
    const last = before.findLast(({ final, mark, segment }) => final && !mark && segment !== null);
    if (last && !last.corrected && leftOpen(last.stable)) last.stable += sign;
  }

  /** The corrected text of a finished line, in its place. Who reads by ear is not told: the sentence has been heard. */
  #replace(event) {
    const line = this.lines.filter(({ final, cut, mark }) => final && !cut && !mark).find(isOf(event));
    if (!line) return false;
    const { number, speaker } = speakerNow(line, event, this.#names);
    const language = event.language ?? null;
    Object.assign(line, { stable: event.text.trim(), language, number, speaker, corrected: true });
    return true;
  }

  #correct(told) {
    const lines = told ? this.lines.filter(told.of) : [];
    for (const line of lines) Object.assign(line, { speaker: told.speaker, number: told.number });
    return lines.length > 0;
  }

  /** A mark in place of words, until those come after all. */
  #mark(segment, text) {
    if (this.#finished.has(segment)) return false;
    Object.assign(this.#line(segment), { stable: text, unstable: "", final: true, cut: true, mark: true });
    return true;
  }

  #sound({ label, end }) {
    // It was shown when it began.
    if (end !== null) return false;
    this.#sounds += 1;
    return this.#mark(`sound ${this.#sounds}`, `[${label}]`);
  }

  #line(segment, name = segment) {
    const key = `${this.#session}:${name}`;
    let line = this.lines.find((candidate) => candidate.key === key);
    if (!line) {
      line = { key, stable: "", unstable: "", final: false, cut: false, language: null, mark: false };
      Object.assign(line, { speaker: "", number: null, told: null, segment, face: null, corrected: false });
      const lines = [...this.lines, line];
      this.before = lines.slice(0, -KEPT).findLast(({ mark, speaker }) => !mark && speaker)?.speaker ?? this.before;
      this.lines = lines.slice(-KEPT);
    }
    return line;
  }
}
