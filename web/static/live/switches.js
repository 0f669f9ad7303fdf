/** The buttons that switch parts of a run off and on, and the state they ask the server for. */

import { call } from "../shared/api.js";

/** Where this browser keeps that emotion is switched off: for good, until it is switched on again. */
const NO_EMOTION = "lipstream.no-emotion";

/** The same for as long as the page is open, where the browser keeps nothing. */
let off = false;

/** Buttons that stand for "off" when pressed, and what they switch. */
const HOLDS = { mute: ["sound"], pause: ["sound", "picture"] };

export class Switches {
  #buttons;
  #session = null;
  #told = {};
  #onChange;
  #onError;

  /**
   * @param {{mute: HTMLElement, pause: HTMLElement, lips: HTMLElement, emotion: HTMLElement}} buttons
   * @param {{onChange: (on: Record<string, boolean>) => void, onError: (error: Error) => void}} listeners
   */
  constructor(buttons, { onChange, onError }) {
    this.#buttons = buttons;
    this.#onChange = onChange;
    this.#onError = onError;
    buttons.emotion.setAttribute("aria-pressed", String(!keptOff()));
    for (const button of Object.values(buttons)) button.addEventListener("click", () => this.#press(button));
  }

  /** What is on: sound, picture, lips, emotion. */
  get on() {
    const on = { sound: true, picture: true };
    for (const [button, names] of Object.entries(HOLDS)) {
      for (const name of names) on[name] &&= !pressed(this.#buttons[button]);
    }
    return { ...on, lips: pressed(this.#buttons.lips), emotion: pressed(this.#buttons.emotion) };
  }

  get paused() {
    return pressed(this.#buttons.pause);
  }

  /** A new session has everything on; what the user has switched off is switched off in it too. */
  async follow(session) {
    this.#session = session;
    this.#told = { sound: true, picture: true, lips: true, emotion: true };
    await this.#tell();
  }

  /** Everything on again, for another start; emotion as it is kept. */
  reset() {
    this.#session = null;
    for (const name of ["mute", "pause"]) this.#buttons[name].setAttribute("aria-pressed", "false");
    this.#buttons.lips.setAttribute("aria-pressed", "true");
    this.#buttons.emotion.setAttribute("aria-pressed", String(!keptOff()));
  }

  async #press(button) {
    button.setAttribute("aria-pressed", String(!pressed(button)));
    if (button === this.#buttons.emotion) keepOff(!pressed(button));
    this.#onChange(this.on);
    await this.#tell();
  }

  async #tell() {
    const session = this.#session;
    const on = this.on;
    const changed = Object.fromEntries(Object.entries(on).filter(([name, value]) => this.#told[name] !== value));
    if (!session || !Object.keys(changed).length) return;
    this.#told = on;
    try {
      await call(`/api/sessions/${encodeURIComponent(session)}/switches`, { method: "POST", json: changed });
    } catch (error) {
      // A session that is lost meanwhile is followed by one that is told again.
      if (session === this.#session && error.code === "server") this.#onError(error);
    }
  }
}

/** Whether emotion has been switched off here: in live sessions, and in recordings that are sent. */
export function keptOff() {
  try {
    return localStorage.getItem(NO_EMOTION) === "1";
  } catch {
    return off;
  }
}

function keepOff(wanted) {
  off = wanted;
  try {
    if (off) localStorage.setItem(NO_EMOTION, "1");
    else localStorage.removeItem(NO_EMOTION);
  } catch {
    // It holds for as long as the page is open.
  }
}

function pressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}
