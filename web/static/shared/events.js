/** The stream of events of a session over a WebSocket. */

import { address, call } from "./api.js";
import { Backoff, Pause } from "./backoff.js";

/**
 * Opens the stream once.
 *
 * @param {string|null} session id, or null for whichever session is the newest
 * @param {{onEvent: (event: any) => void, onClose: () => void}} listeners onClose is called once, unless `close` was
 * @returns {{close: () => void}}
 */
export function openEvents(session, { onEvent, onClose }) {
  const url = address("/events");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (session) url.searchParams.set("session", session);
  const socket = new WebSocket(url);
  let listening = true;
  socket.addEventListener("message", ({ data }) => {
    if (!listening) return;
    const event = parse(data);
    if (event) onEvent(event);
  });
  socket.addEventListener("close", () => {
    if (listening) onClose();
    listening = false;
  });
  return {
    close() {
      listening = false;
      socket.close();
    },
  };
}

function parse(data) {
  try {
    const event = JSON.parse(data);
    return typeof event?.event === "string" ? event : null;
  } catch {
    return null;
  }
}

/**
 * Keeps the stream open for ever.
 *
 * @param {string|null} session
 * @param {{onEvent: (event: any) => void, onLost: (code: string) => void}} listeners onLost gets the code of the error
 */
export async function followEvents(session, { onEvent, onLost }) {
  const backoff = new Backoff();
  const pause = new Pause();
  addEventListener("online", () => pause.wake());
  for (;;) {
    await new Promise((resolve) => {
      openEvents(session, {
        onEvent(event) {
          backoff.reset();
          onEvent(event);
        },
        onClose: resolve,
      });
    });
    onLost(await whyLost());
    await pause.wait(backoff.next());
  }
}

/** A refused WebSocket does not say why; a plain request does. */
async function whyLost() {
  try {
    await call("/api/status");
    return "lost";
  } catch (error) {
    return error.code;
  }
}
