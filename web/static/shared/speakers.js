/** Who speaks, in words for readers. */

/**
 * What an event that comes later says of who spoke.
 *
 * @param {any} event
 * @returns {{of: (line: {segment: number|null, face: number|null, number: number|null}) => boolean, speaker: string, number: number|null}|null}
 *   of which lines it tells, and what; null for any other event
 */
export function correction(event) {
  if (event.event === "SpeakerNamed") {
    const { speaker: number, name } = event;
    return { of: (line) => line.number === number, number, speaker: speakerOf({ speaker: number, speaker_name: name }) };
  }
  if (event.event === "SpeakerChanged") {
    const { face = null } = event;
    // Of two who speak at once in a segment it is told of one.
    const isOf = (line) => line.segment === event.segment && (line.face === null || face === null || line.face === face);
    return { of: isOf, number: event.speaker, speaker: speakerOf(event) };
  }
  return null;
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
