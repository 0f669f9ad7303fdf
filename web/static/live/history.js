/** The transcript so far: shown, copied, saved. */

import { callForText } from "../shared/api.js";
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
   * @param {object} [event] the final it is of, for the times of its words
   */
  add(text, time, language, event) {
    this.#entries.push({ text, time, event });
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

  /** All of it in the form of `-f json`; time begins with the first sentence. */
  transcript() {
    const zero = this.#entries[0]?.time ?? 0;
    return { segments: this.#entries.map(({ text, time, event }) => segment(text, (time - zero) / 1000, event)) };
  }

  async copy() {
    await navigator.clipboard.writeText(this.text());
  }

  save() {
    keep(this.text(), "txt");
  }

  /** @param {string} format one that the server makes of a transcript */
  async saveAs(format) {
    const path = `/api/convert/${encodeURIComponent(format)}`;
    keep(await callForText(path, { method: "POST", json: this.transcript() }), format);
  }
}

/** One sentence, from a moment on in seconds. */
function segment(text, start, event) {
  const { words = [], face = null, off_camera = false, language = null } = event ?? {};
  const moved = (time) => Math.max(0, start + time - event.start);
  return {
    text,
    start,
    end: event ? moved(event.end) : start + Math.max(1, text.length / 15),
    face,
    off_camera,
    language,
    words: words.map(({ word, start, end, confidence }) => ({ word, start: moved(start), end: moved(end), confidence })),
  };
}

function keep(text, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = `captions-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
