/** Who speaks, in words for readers. */

/** What the speakers of a session are called, as far as events have told. */
export class Names {
  /** @type {Map<number, string>} */
  #names = new Map();
  /** @type {Set<number>} those that somebody gave a name, or took one from: what was on its way then knows nothing of it */
  #told = new Set();

  /** @param {any} event */
  learn({ event, speaker, name, speaker_name: called }) {
    if (event === "SpeakerNamed") {
      this.#told.add(speaker);
      if (name) this.#names.set(speaker, name);
      else this.#names.delete(speaker);
    } else if (typeof speaker === "number" && called && !this.#told.has(speaker)) this.#names.set(speaker, called);
  }

  /**
   * @param {any} event
   * @returns {string|null} the name that goes with its speaker
   */
  of({ speaker = null, speaker_name: called = null }) {
    return this.#names.get(speaker) ?? (this.#told.has(speaker) ? null : called);
  }

  clear() {
    this.#names.clear();
    this.#told.clear();
  }
}

/**
 * What an event that comes later says of who spoke.
 *
 * @param {any} event
 * @param {Names} names
 * @returns {{of: (line: {segment: number|null, face: number|null, number: number|null}) => boolean, speaker: string, number: number|null}|null}
 *   of which lines it tells, and what; null for any other event
 */
export function correction(event, names) {
  if (event.event === "SpeakerNamed") {
    const { speaker: number, name } = event;
    return { of: (line) => line.number === number, number, speaker: speakerOf({ speaker: number, speaker_name: name }) };
  }
  if (event.event === "SpeakerChanged") {
    return { of: isOf(event), number: event.speaker, speaker: speakerOf({ ...event, speaker_name: names.of(event) }) };
  }
  return null;
}

/**
 * Which line an event is told of that comes after the final of a segment.
 *
 * @param {any} event
 * @returns {(line: {segment: number|null, face: number|null}) => boolean}
 */
export function isOf({ segment, face = null }) {
  // Of two who speak at once in a segment it is told of one.
  return (line) => line.segment === segment && (line.face === null || face === null || line.face === face);
}

/**
 * Who says a corrected text: what is known of that by now stands, unless the correction tells of another than the final.
 *
 * @param {{told: number|null, number: number|null, speaker: string}} line
 * @param {any} event
 * @param {Names} names
 * @returns {{number: number|null, speaker: string}}
 */
export function speakerNow({ told, number, speaker }, event, names) {
  const now = event.speaker ?? null;
  if (now === told || now === number) return { number, speaker };
  return { number: now, speaker: speakerOf({ ...event, speaker_name: names.of(event) }) };
}

/**
 * @param {any} event a partial or a final
 * @returns {string} empty where it is not known
 */
export function speakerOf(event) {
  const { speaker_name: name = null, speaker = null } = event ?? {};
  if (typeof name === "string" && name.trim()) return name.trim();
  if (typeof speaker === "number") return `Speaker ${speaker}`;
  return typeof speaker === "string" ? speaker.trim() : "";
}

/**
 * Who seems to speak in each of some lines. A line of nobody known looks as if whoever spoke before went on, or, where
 * nobody did, as that of who speaks first.
 *
 * @param {string[]} speakers of the lines, empty where it is not known
 * @param {string} [before] who spoke before them
 */
export function seeming(speakers, before = "") {
  let last = before || (speakers.find((speaker) => speaker) ?? "");
  return speakers.map((speaker) => (last = speaker || last));
}
