/** Plain words for what can go wrong, and what to do about it. */

const TEXTS = {
  insecure: {
    title: "This address may not use camera and microphone",
    text:
      "Browsers allow them only on https:// and on localhost. Open http://localhost with the server's port on the " +
      "computer it runs on, or start the server with --certfile and --keyfile and use https://.",
  },
  unsupported: {
    title: "This browser cannot send picture and sound",
    text: "It has no WebRTC, or it is switched off. A current Chromium, Firefox or Safari works.",
  },
  refused: {
    title: "Camera or microphone is not allowed",
    text:
      "Click the camera or lock sign beside the address, allow both for this page, and try again. Or choose " +
      "“No camera” or “No microphone” and go on with the other.",
  },
  "refused-by-system": {
    title: "The operating system does not let the browser use camera or microphone",
    text:
      "Allow the browser in the system's privacy settings (Windows: Settings, Privacy; macOS: System Settings, " +
      "Privacy & Security), then try again.",
  },
  "camera-refused": {
    title: "The camera is not allowed, going on with sound only",
    text: "To use it, click the camera or lock sign beside the address and allow the camera.",
  },
  "microphone-refused": {
    title: "The microphone is not allowed, going on with the picture only",
    text: "Nothing can be captioned without sound: click the lock sign beside the address and allow the microphone.",
  },
  "no-device": {
    title: "No camera or microphone was found",
    text: "Plug one in and try again, or caption a recording below.",
  },
  "no-camera": {
    title: "No camera was found, going on with sound only",
    text: "Plug one in and choose it from the list to have the lips watched.",
  },
  "no-microphone": {
    title: "No microphone was found, going on with the picture only",
    text: "Nothing can be captioned without sound: plug a microphone in and choose it from the list.",
  },
  "in-use": {
    title: "Camera or microphone cannot be opened",
    text: "Another program may be using it. Close that program, or choose another device, and try again.",
  },
  "camera-in-use": {
    title: "The camera cannot be opened, going on with sound only",
    text: "Another program may be using it. Close that program and choose the camera again.",
  },
  "microphone-in-use": {
    title: "The microphone cannot be opened, going on with the picture only",
    text: "Another program may be using it. Close that program and choose the microphone again.",
  },
  "device-gone": {
    title: "A device was unplugged",
    text: "Captions go on with what is left. Plug it in again, or stop and choose another one.",
  },
  "share-refused": {
    title: "Nothing was shared",
    text: "Choose a tab or the screen in the browser's question, with its sound, and press Share.",
  },
  "share-silent": {
    title: "The sound was not shared, so there would be no captions",
    text:
      "Try again and switch “Also share audio” on in the browser's question. Chromium and Edge give the sound of a " +
      "tab everywhere, and of the whole screen on Windows; Firefox and Safari give no sound. Elsewhere use " +
      "“lipstream live --system-sound”.",
  },
  "share-ended": {
    title: "Sharing has ended, and with it the captions",
    text: "The transcript is kept. “Go on” asks what to share again.",
  },
  unsaved: {
    title: "The transcript has not been saved",
    text: "Clearing it cannot be undone. Save or copy it first if you want to keep it.",
  },
  nothing: {
    title: "Nothing to send",
    text: "Choose a camera, a microphone or both.",
  },
  busy: {
    title: "The server is busy",
    text: "It captions as many people as it can. Stop another tab or wait a little, then try again.",
  },
  token: {
    title: "The server asks for its token",
    text: "Open the address that the server printed when it started: it ends with ?token= and the token.",
  },
  network: {
    title: "The server does not answer",
    text: "It may have been stopped. Start it again with “lipstream serve”.",
  },
  gone: {
    title: "The server does not answer",
    text: "It may have been stopped: start it again with “lipstream serve”. This page keeps trying and goes on by itself.",
  },
  "no-network": {
    title: "The browser found no network to send over",
    text: "WebRTC needs a network connection even to this computer, though not the internet: connect to any network.",
  },
  peer: {
    title: "Picture and sound do not reach the server",
    text: "Its page opens, but WebRTC (UDP) does not get through. A firewall or a VPN may block it.",
  },
  ended: {
    title: "The server ended the captions",
    text: "Start again. If it happens again, the server's output says why.",
  },
  server: {
    title: "The server could not do that",
    text: "",
  },
};

/**
 * @param {unknown} error a PageError, or anything else that was thrown
 * @returns {{title: string, text: string}}
 */
export function describe(error) {
  const known = TEXTS[error?.code] ?? TEXTS.server;
  const detail = error?.detail ?? (error instanceof Error ? error.message : "");
  // The server's own words are the better ones where it has any; those of the browser are not for readers.
  if (detail && (known === TEXTS.server || error.code === "busy" || error.code === "ended")) {
    return { title: known.title, text: detail };
  }
  return known;
}

const EFFECT = {
  audio: "Going on with the picture only until the sound is back.",
  video: "Going on with sound only until the picture is back.",
};

/**
 * A `Degraded` event as one or two sentences.
 *
 * @param {any} event
 * @param {{audio: boolean, video: boolean}} sent what the session has: nothing goes on with what was never there
 */
export function describeDegraded(event, sent) {
  const reason = sentence(event.reason);
  const other = event.modality === "audio" ? sent.video : sent.audio;
  // What says itself how it goes on, and what is over already, needs no more words.
  if (!other || /going on|left out|\blost\b/i.test(reason)) return reason;
  return `${reason} ${EFFECT[event.modality] ?? ""}`.trim();
}

const KEEP_UP = "the processor cannot keep up, so ";

/**
 * All that is left out under load as one sentence.
 *
 * @param {string[]} reasons of the `Degraded` events
 */
export function describeLoad(reasons) {
  const alike = reasons.every((reason) => reason.startsWith(KEEP_UP));
  if (!alike) return reasons.map(sentence).join(" ");
  return sentence(KEEP_UP + reasons.map((reason) => reason.slice(KEEP_UP.length)).join("; "));
}

/** A `Recovered` event as one sentence. */
export function describeRecovered(event) {
  if (event.reason) return sentence(event.reason);
  return event.modality === "audio" ? "The sound is back." : "The picture is back.";
}

function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return "";
  const upper = trimmed[0].toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
