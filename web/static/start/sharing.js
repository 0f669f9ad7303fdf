/** A tab or the screen with its sound, alone or with the microphone. */

import { NONE, openDevices } from "../shared/devices.js";
import { PageError } from "../shared/errors.js";

/**
 * @typedef {object} Shared
 * @property {MediaStream} stream what is sent
 * @property {(act: () => void) => void} whenEnded calls something once the user has ended the sharing
 * @property {() => void} close ends it
 */

export function canShare() {
  return Boolean(navigator.mediaDevices?.getDisplayMedia);
}

/**
 * Asks what to share and opens it.
 *
 * @param {import("../shared/devices.js").Choice|null} choice whose microphone is mixed in, or null
 * @returns {Promise<Shared>}
 * @throws {PageError}
 */
export async function openShared(choice) {
  const display = await ask();
  if (!display.getAudioTracks().length) {
    stop(display);
    throw new PageError("share-silent");
  }
  try {
    return choice ? await mixed(display, choice) : shared(display, display, () => stop(display));
  } catch (error) {
    stop(display);
    throw error;
  }
}

async function ask() {
  // Speech is better without what browsers do to a microphone's sound.
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const video = { width: { max: 1280 }, frameRate: { max: 30 } };
  try {
    return await navigator.mediaDevices.getDisplayMedia({ audio, video, systemAudio: "include", surfaceSwitching: "include" });
  } catch (error) {
    throw new PageError("share-refused", error.message);
  }
}

/** Both sounds as one track: a session has one. */
async function mixed(display, choice) {
  const { stream: microphone } = await openDevices({ ...choice, camera: NONE });
  const context = new AudioContext();
  const sum = context.createMediaStreamDestination();
  for (const stream of [display, microphone]) context.createMediaStreamSource(stream).connect(sum);
  await context.resume();
  const stream = new MediaStream([...sum.stream.getAudioTracks(), ...display.getVideoTracks()]);
  return shared(stream, display, () => {
    for (const each of [display, microphone, stream]) stop(each);
    context.close().catch(() => {});
  });
}

function shared(stream, display, close) {
  return {
    stream,
    whenEnded(act) {
      const [sound] = display.getAudioTracks();
      sound.addEventListener("ended", act, { once: true });
    },
    close,
  };
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}
