/** The field of names and words to be expected, and what the server is told of it. */

import { call } from "../shared/api.js";
import { describe } from "../shared/messages.js";

export class Terms {
  #field;
  #note;
  #session = null;
  /** @type {string[]} those in use, which a new session is told too */
  #used = [];

  /** @param {{form: HTMLFormElement, field: HTMLTextAreaElement, note: HTMLElement}} elements */
  constructor({ form, field, note }) {
    this.#field = field;
    this.#note = note;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#use(linesOf(this.#field.value));
    });
  }

  /**
   * Another session, which expects nothing yet, or none.
   *
   * @param {string|null} session
   */
  async follow(session) {
    this.#session = session;
    if (session && this.#used.length) await this.#use(this.#used);
  }

  async #use(terms) {
    const session = this.#session;
    const before = this.#used;
    this.#used = terms;
    if (!session) {
      this.#note.textContent = "They will be used when captions go on.";
      return;
    }
    try {
      await call(`/api/sessions/${encodeURIComponent(session)}/terms`, { method: "POST", json: { terms } });
      this.#note.textContent = terms.length ? "They are expected from now on." : "Nothing is expected any more.";
    } catch (error) {
      // A session that is lost meanwhile is followed by one that is told again.
      if (session !== this.#session) return;
      if (error.code === "server") this.#used = before;
      const { title, text } = describe(error);
      this.#note.textContent = `${title}. ${text}`;
    }
  }
}

function linesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}
