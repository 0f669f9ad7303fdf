/** The message at the top of the page, and what can be done about it. */

import { describe } from "./messages.js";

export class Banner {
  #box;

  /** @param {HTMLElement} box has role "alert" */
  constructor(box) {
    this.#box = box;
  }

  /**
   * @param {unknown} error
   * @param {Record<string, () => void>} [actions] buttons: their text, and what they do; the message goes when pressed
   */
  show(error, actions = {}) {
    const { title, text } = describe(error);
    const words = document.createElement("p");
    words.className = "message-text";
    const strong = document.createElement("strong");
    strong.textContent = title;
    words.append(strong, text);
    const buttons = document.createElement("p");
    buttons.className = "message-actions";
    for (const [label, act] of Object.entries({ ...actions, Close: () => {} })) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button small";
      button.textContent = label;
      button.addEventListener("click", () => {
        this.hide();
        act();
      });
      buttons.append(button);
    }
    this.#box.dataset.code = error?.code ?? "error";
    this.#box.replaceChildren(words, buttons);
    this.#box.hidden = false;
    this.#box.scrollIntoView({ block: "nearest" });
  }

  /**
   * Takes a message away.
   *
   * @param {Set<string>} [codes] only if it is about one of these; by default whatever it is about
   */
  hide(codes) {
    if (codes && !codes.has(this.#box.dataset.code)) return;
    this.#box.hidden = true;
    this.#box.replaceChildren();
    delete this.#box.dataset.code;
  }
}
