/** All that was said, from the first session of the page on. Knows nothing of the page. */

import { leftOpen } from "../shared/signs.js";
import { Names, correction, isOf, seeming, speakerNow, speakerOf } from "../shared/speakers.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/**
 * @typedef {object} Entry
 * @property {string} text
 * @property {Date} time when it was said
 * @property {string} speaker empty where it is not known
 * @property {number|null} number of who speaks in its session, where that is known; null once the session is over
 * @property {number|null} told that of the final, whatever has been told of it since
 * @property {boolean} corrected the text has been read once more, with what was said after it
 * @property {number|null} segment of which segment of its session it is; null once the session is over
 * @property {number|null} face whose it is of two who speak at once in the segment
 * @property {string|null} language code of the language of the text, where it is known
 * @property {object|null} event the final it is of, for the times of its words
 */

/**
 * @typedef {object} Sound what was heard besides words
 * @property {string} label
 * @property {Date} start
 * @property {Date} end
 * @property {number} confidence
 * @property {number|null} began when it began in its session, by which the event that it is over is known; null then
 */

export class Transcript {
  /** @type {Entry[]} */
  #entries = [];
  /** @type {Sound[]} in order */
  #sounds = [];
  #saved = 0;
  #names = new Names();

  get length() {
    return this.#entries.length;
  }

  /** Whether there is text that has not been saved. */
  get unsaved() {
    return this.#entries.length > this.#saved;
  }

  /**
   * @param {number} index
   * @returns {Entry}
   */
  at(index) {
    return this.#entries[index];
  }

  /**
   * @param {string} text
   * @param {Date} time
   * @param {any} [event]
   * @returns {boolean} whether sentences before it look otherwise now
   */
  add(text, time, event = null) {
    const closed = this.#close(event?.joint);
    const { speaker: number = null, segment = null, language = null } = event ?? {};
    const face = event?.overlaps ? event.face : null;
    const entry = { text, time, speaker: speakerOf(event), number, told: number, segment, face, language, event };
    // Those before the first who is known look as if they were that one's.
    const first = entry.speaker && this.length && !this.#entries.some(({ speaker }) => speaker);
    this.#entries.push({ ...entry, corrected: false });
    return closed || Boolean(first);
  }

  /** The sign at the end of the newest sentence, which was left open until its next words came. */
  #close(sign) {
    const last = this.#entries.at(-1);
    if (!sign || !last || last.segment === null || last.corrected || !leftOpen(last.text)) return false;
    last.text += sign;
    const words = (last.event?.words ?? []).map((word) => ({ ...word }));
    if (words.length) words.at(-1).word += sign;
    last.event = { ...last.event, text: last.text, words };
    return true;
  }

  /**
   * Takes a sound that begins, or is over.
   *
   * @param {any} event
   * @param {Date} start when it began
   */
  hear({ label, start: began, end, confidence }, start) {
    const known = this.#sounds.find((sound) => sound.label === label && sound.began === began);
    const sound = known ?? { label, start, end: start, confidence, began };
    if (!known) this.#sounds.push(sound);
    if (end === null) return;
    Object.assign(sound, { end: new Date(sound.start.getTime() + 1000 * (end - began)), confidence, began: null });
  }

  /**
   * Learns what is told later of who spoke.
   *
   * @param {any} event
   * @returns {boolean} whether sentences have another speaker now
   */
  learn(event) {
    this.#names.learn(event);
    const told = correction(event, this.#names);
    const entries = told ? this.#entries.filter(told.of) : [];
    for (const entry of entries) {
      const name = event.event === "SpeakerNamed" ? event.name : this.#names.of(event);
      Object.assign(entry, { speaker: told.speaker, number: told.number });
      entry.event = { ...entry.event, speaker: told.number, speaker_name: name ?? null };
    }
    return entries.length > 0;
  }

  /**
   * Takes the corrected text of a sentence.
   *
   * @param {any} event
   * @returns {number} which sentence has another text now; -1 for none
   */
  correct(event) {
    if (event.event !== "TranscriptCorrected") return -1;
    const index = this.#entries.findLastIndex(isOf(event));
    const entry = this.#entries[index];
    if (!entry?.event) return -1;
    const { start, end, words, language = null } = event;
    const text = event.text.trim();
    const now = speakerNow(entry, event, this.#names);
    const name = now.number === entry.number ? entry.event.speaker_name : this.#names.of(event);
    const time = new Date(entry.time.getTime() + 1000 * (start - entry.event.start));
    const told = { text, start, end, words, language, speaker: now.number, speaker_name: name ?? null };
    Object.assign(entry, { ...now, text, time, language, corrected: true, event: { ...entry.event, ...told } });
    // What was saved of it is not what it is.
    this.#saved = Math.min(this.#saved, index);
    return index;
  }

  /** Segments and speakers of what comes have nothing to do with those before. */
  newSession() {
    for (const entry of this.#entries) entry.number = entry.segment = null;
    for (const sound of this.#sounds) sound.began = null;
    this.#names.clear();
  }

  /** Who speaks, where somebody else does than in the sentence before; empty where that is not to be said. */
  speakerFrom(index) {
    const now = this.#seems(index);
    return index > 0 && now === this.#seems(index - 1) ? "" : now;
  }

  /** See `seeming`. */
  #seems(index) {
    const known = ({ speaker }) => speaker;
    for (let at = index; at >= 0; at -= 1) if (known(this.#entries[at])) return known(this.#entries[at]);
    return this.#entries.find(known)?.speaker ?? "";
  }

  /** @param {number} [length] how much of it has been saved; all of it by default */
  markSaved(length = this.#entries.length) {
    this.#saved = Math.max(this.#saved, length);
  }

  clear() {
    this.#entries = [];
    this.#sounds = [];
    this.#saved = 0;
  }

  /**
   * @param {RegExp} pattern
   * @returns {number[]} indexes of the sentences that have it
   */
  matches(pattern) {
    const found = [];
    for (const [index, { text, speaker }] of this.#entries.entries()) {
      if (text.search(pattern) >= 0 || speaker.search(pattern) >= 0) found.push(index);
    }
    return found;
  }

  /** One line for each sentence and each sound, with its time, and who speaks where that changes. */
  text() {
    const waiting = this.#sounds.map(({ label, start }) => ({ start, line: `[${clock(start)}] [${label}]\n` }));
    const speakers = seeming(this.#entries.map(({ speaker }) => speaker));
    const lines = this.#entries.flatMap(({ text, time }, index) => {
      const before = waiting.findIndex(({ start }) => start >= time);
      const sounds = waiting.splice(0, before < 0 ? waiting.length : before);
      const who = speakers[index] && speakers[index] !== speakers[index - 1] ? `${speakers[index]}: ` : "";
      return [...sounds.map(({ line }) => line), `[${clock(time)}] ${who}${text}\n`];
    });
    return [...lines, ...waiting.map(({ line }) => line)].join("");
  }

  /** All of it in the form of `-f json`; time begins with the first sentence. */
  record() {
    const zero = this.#entries[0]?.time ?? 0;
    const seconds = (time) => Math.max(0, (time - zero) / 1000);
    return {
      segments: this.#entries.map(({ text, time, event }) => segment(text, seconds(time), event)),
      sounds: this.#sounds
        .filter(({ end }) => end >= zero)
        .map(({ label, start, end, confidence }) => ({ label, start: seconds(start), end: seconds(end), confidence })),
    };
  }
}

/** @param {Date} time */
export function clock(time) {
  return CLOCK.format(time);
}

/** One sentence, from a moment on in seconds. */
function segment(text, start, event) {
  const { words = [], face = null, off_camera = false, language = null } = event ?? {};
  const moved = (time) => Math.max(0, start + time - event.start);
  return {
    text,
    start,
    end: event ? moved(event.end) : start + Math.max(1, text.length / 15),
    face,
    off_camera,
    language,
    ...known(event, ["speaker", "speaker_name"]),
    words: words.map(({ word, start, end, confidence }) => ({ word, start: moved(start), end: moved(end), confidence })),
  };
}

function known(event, names) {
  return Object.fromEntries(names.filter((name) => event?.[name] != null).map((name) => [name, event[name]]));
}
