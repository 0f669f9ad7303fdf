/** The lists to choose camera and microphone from. */

import { NONE } from "../shared/devices.js";

/**
 * Fills a list, and keeps what was chosen if it is still there.
 *
 * @param {HTMLSelectElement} select
 * @param {MediaDeviceInfo[]} devices
 * @param {{noun: string, without: string}} words "Camera", and what leaving it out means
 */
export function fillPicker(select, devices, { noun, without }) {
  const chosen = select.value;
  const known = devices.filter(({ deviceId }) => deviceId);
  const options = known.map(({ deviceId, label }, index) => new Option(label || `${noun} ${index + 1}`, deviceId));
  if (!known.length) options.push(new Option(devices.length ? `Default ${noun.toLowerCase()}` : `None found`, ""));
  options.push(new Option(without, NONE));
  select.replaceChildren(...options);
  if (options.some(({ value }) => value === chosen)) select.value = chosen;
}

/**
 * Shows which device a stream really comes from.
 *
 * @param {HTMLSelectElement} select
 * @param {MediaStreamTrack|undefined} track
 */
export function showOpened(select, track) {
  const id = track?.getSettings().deviceId;
  if (id && [...select.options].some(({ value }) => value === id)) select.value = id;
}
