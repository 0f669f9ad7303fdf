/** The question whether a profile may grow from use: asked once, answered on the server's machine, taken back here. */

import { call } from "../shared/api.js";

/**
 * @typedef {object} Parts
 * @property {HTMLElement} card all of it
 * @property {HTMLElement} question what is asked
 * @property {HTMLElement} state what was answered
 * @property {HTMLElement} text of the state
 * @property {Record<"yes"|"no"|"start"|"stop"|"remove", HTMLButtonElement>} buttons
 */

export class Growing {
  #parts;
  #banner;

  /**
   * @param {Parts} parts
   * @param {import("../shared/banner.js").Banner} banner
   */
  constructor(parts, banner) {
    this.#parts = parts;
    this.#banner = banner;
    const { yes, no, start, stop, remove } = parts.buttons;
    for (const button of [yes, start]) button.addEventListener("click", () => this.#do("PUT", { grow: true }));
    for (const button of [no, stop]) button.addEventListener("click", () => this.#do("PUT", { grow: false }));
    remove.addEventListener("click", () => this.#do("DELETE"));
  }

  /** Shows the question, or what was answered; nothing where no profile may grow. */
  async show() {
    await this.#do("GET");
  }

  async #do(method, json) {
    const { card, buttons } = this.#parts;
    const had = card.contains(document.activeElement);
    for (const button of Object.values(buttons)) button.disabled = true;
    try {
      this.#draw(await call("/api/growing", { method, json }));
    } catch (error) {
      this.#banner.show(error);
    } finally {
      for (const button of Object.values(buttons)) button.disabled = false;
    }
    // The button that was pressed may be gone: whoever uses the keyboard stays where he is.
    if (had && card.contains(document.activeElement) === false) this.#parts.text.focus();
  }

  #draw({ answer, minutes, made, paused, kept }) {
    const { card, question, state, text, buttons } = this.#parts;
    card.hidden = false;
    question.hidden = answer !== null;
    state.hidden = answer === null;
    buttons.start.hidden = answer === true;
    buttons.stop.hidden = answer !== true;
    buttons.remove.hidden = !kept;
    if (answer === null) return;
    const there = kept ? ` ${minutes} minutes of clear speech are kept${made ? ", and help to read you" : ""}.` : "";
    const rests = answer && paused ? " It is paused: lipstream profile resume me goes on." : "";
    text.textContent = `Lipstream ${answer ? "learns" : "does not learn"} your lips.${rests}${there}`;
  }
}

/** The card of the start screen. */
export function growingCard(banner) {
  const $ = (id) => document.getElementById(id);
  const buttons = Object.fromEntries(
    ["yes", "no", "start", "stop", "remove"].map((name) => [name, $(`growing-${name}`)]),
  );
  const parts = {
    card: $("growing"),
    question: $("growing-question"),
    state: $("growing-state"),
    text: $("growing-text"),
    buttons,
  };
  return new Growing(parts, banner);
}
