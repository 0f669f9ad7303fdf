/** Cameras and microphones: which there are, and opening them. */

import { PageError } from "./errors.js";

/** Value of a picker that leaves the device out. */
export const NONE = "none";

/**
 * @typedef {object} Choice
 * @property {string} camera device id, "" for the default one, or NONE
 * @property {string} microphone likewise
 * @property {Record<string, boolean>} processing echoCancellation, noiseSuppression, autoGainControl
 */

/** @throws {PageError} this page may not or cannot use devices */
export function requireDevices() {
  if (!globalThis.isSecureContext) throw new PageError("insecure");
  if (!navigator.mediaDevices?.getUserMedia || !globalThis.RTCPeerConnection) throw new PageError("unsupported");
}

/**
 * The devices there are. Names and ids are empty until the user has allowed their use.
 *
 * @returns {Promise<{cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[]}>}
 */
export async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return {
    cameras: devices.filter(({ kind }) => kind === "videoinput"),
    microphones: devices.filter(({ kind }) => kind === "audioinput"),
  };
}

/** Whether the user has allowed both kinds already, so that opening them asks nothing. */
export async function alreadyAllowed() {
  const states = await Promise.all([permission("camera"), permission("microphone")]);
  return states.every((state) => state === "granted");
}

/**
 * Opens what was chosen. If one of two devices cannot be opened, the other is.
 *
 * @param {Choice} choice
 * @returns {Promise<{stream: MediaStream, problem: PageError|null}>} problem says why one was left out
 * @throws {PageError} nothing could be opened
 */
export async function openDevices(choice) {
  requireDevices();
  const wanted = constraints(choice);
  if (!wanted.audio && !wanted.video) throw new PageError("nothing");
  try {
    return { stream: await open(wanted), problem: null };
  } catch (error) {
    if (!wanted.audio || !wanted.video) throw explain(error);
    return openOne(wanted, error);
  }
}

/** Without the camera if that can be, else without the microphone. */
async function openOne(wanted, error) {
  for (const [missing, other] of [["camera", "microphone"], ["microphone", "camera"]]) {
    // A refusal of both is not to be followed by another question.
    if (error.name === "NotAllowedError" && (await permission(missing)) !== "denied") continue;
    if (error.name === "NotAllowedError" && (await permission(other)) === "denied") break;
    const rest = missing === "camera" ? { audio: wanted.audio } : { video: wanted.video };
    try {
      const stream = await open(rest);
      return { stream, problem: new PageError(codeOf(error, missing), error.message) };
    } catch {
      // The other one is tried next; if neither opens, the first error tells why.
    }
  }
  throw explain(error);
}

async function open(wanted) {
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    if (error.name !== "OverconstrainedError") throw error;
    // The chosen device has gone since the list was made.
    return navigator.mediaDevices.getUserMedia(withoutIds(wanted));
  }
}

function constraints({ camera, microphone, processing }) {
  const wanted = {};
  if (microphone !== NONE) {
    wanted.audio = { channelCount: { ideal: 1 }, ...processing, ...device(microphone) };
  }
  if (camera !== NONE) {
    wanted.video = {
      width: { ideal: 640 },
      height: { ideal: 480 },
      frameRate: { ideal: 30, max: 30 },
      ...(camera ? device(camera) : { facingMode: "user" }),
    };
  }
  return wanted;
}

function device(id) {
  return id ? { deviceId: { exact: id } } : {};
}

function withoutIds(wanted) {
  const without = ({ deviceId: _, ...rest }) => rest;
  return Object.fromEntries(Object.entries(wanted).map(([kind, value]) => [kind, without(value)]));
}

async function permission(name) {
  try {
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return "unknown";
  }
}

function explain(error) {
  return new PageError(codeOf(error, null), error.message);
}

function codeOf(error, missing) {
  const kind = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "none" }[error.name] ?? "in-use";
  if (kind === "refused" && !missing) return /system/i.test(error.message) ? "refused-by-system" : "refused";
  if (kind === "none") return `no-${missing ?? "device"}`;
  return missing ? `${missing}-${kind}` : kind;
}
