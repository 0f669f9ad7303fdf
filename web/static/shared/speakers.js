/** Who speaks, in words for readers. */

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
