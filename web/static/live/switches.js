/** The buttons that switch parts of a run off and on, and the state they ask the server for. */

import { call } from "../shared/api.js";

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

  /** Everything on again, for another start. */
  reset() {
    this.#session = null;
    for (const name of ["mute", "pause"]) this.#buttons[name].setAttribute("aria-pressed", "false");
    for (const name of ["lips", "emotion"]) this.#buttons[name].setAttribute("aria-pressed", "true");
  }

  async #press(button) {
    button.setAttribute("aria-pressed", String(!pressed(button)));
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

function pressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}
