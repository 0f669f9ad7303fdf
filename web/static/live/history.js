/** The transcript so far: shown, copied, saved. */

import { markLanguage } from "../shared/caption_view.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

export class History {
  #box;
  #list;
  #entries = [];

  /** @param {HTMLElement} box scrolls; has a list in it */
  constructor(box) {
    this.#box = box;
    this.#list = box.querySelector("ol");
  }

  get isEmpty() {
    return this.#entries.length === 0;
  }

  /**
   * @param {string} text
   * @param {Date} time when it was said
   * @param {string|null} [language] code of the language of the text, where it is known
   */
  add(text, time, language) {
    this.#entries.push({ text, time });
    const atEnd = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 40;
    const item = document.createElement("li");
    const stamp = document.createElement("time");
    stamp.dateTime = time.toISOString();
    stamp.textContent = CLOCK.format(time);
    const words = document.createElement("p");
    words.textContent = text;
    markLanguage(words, language);
    item.append(stamp, words);
    this.#list.append(item);
    // Someone who reads further up is not pulled away.
    if (atEnd) this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** One line for each sentence, with its time. */
  text() {
    return this.#entries.map(({ text, time }) => `[${CLOCK.format(time)}] ${text}\n`).join("");
  }

  async copy() {
    await navigator.clipboard.writeText(this.text());
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.text()], { type: "text/plain;charset=utf-8" }));
    link.download = `captions-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}
