/** Searching the transcript: which sentences have the words, and going from one to the next. */

export class Search {
  #field;
  #note;
  #previous;
  #next;
  #transcript;
  #view;
  /** @type {RegExp|null} */
  #pattern = null;
  /** @type {number[]} sentences that match */
  #found = [];
  #current = -1;

  /**
   * @param {{form: HTMLFormElement, field: HTMLInputElement, note: HTMLElement, previous: HTMLButtonElement,
   *   next: HTMLButtonElement}} elements
   * @param {import("./transcript.js").Transcript} transcript
   * @param {import("./history_view.js").HistoryView} view
   */
  constructor({ form, field, note, previous, next }, transcript, view) {
    this.#field = field;
    this.#note = note;
    this.#previous = previous;
    this.#next = next;
    this.#transcript = transcript;
    this.#view = view;
    field.addEventListener("input", () => this.#search());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go(1);
    });
    previous.addEventListener("click", () => this.#go(-1));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.shiftKey && event.target === field) {
        event.preventDefault();
        this.#go(-1);
      } else if (event.key === "Escape") {
        event.stopPropagation();
        this.end();
      }
    });
  }

  focus() {
    this.#field.focus();
    this.#field.select();
  }

  /** A sentence has come, which may match. */
  added() {
    if (!this.#pattern) return;
    const index = this.#transcript.length - 1;
    const { text, speaker } = this.#transcript.at(index);
    if (text.search(this.#pattern) >= 0 || speaker.search(this.#pattern) >= 0) this.#found.push(index);
    this.#tell();
  }

  /** A sentence has another text, which may match or not; the reader stays where they are. */
  changed() {
    if (!this.#pattern) return;
    const current = this.#found[this.#current];
    this.#found = this.#transcript.matches(this.#pattern);
    const at = this.#found.findLastIndex((index) => index <= current);
    this.#current = Math.max(at, Math.min(0, this.#found.length - 1));
    this.#tell();
  }

  /** Searches no more, and goes back to the newest. */
  end() {
    this.#field.value = "";
    this.#pattern = null;
    this.#found = [];
    this.#current = -1;
    this.#view.find(null, -1);
    this.#view.toNewest();
    this.#tell();
  }

  #search() {
    const words = this.#field.value.trim();
    if (!words) {
      this.end();
      return;
    }
    this.#pattern = new RegExp(words.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/\s+/g, "\\s+"), "giu");
    this.#found = this.#transcript.matches(this.#pattern);
    // The newest first: that is where the reader is.
    this.#current = this.#found.length - 1;
    this.#show();
  }

  #go(step) {
    if (!this.#found.length) return;
    this.#current = (this.#current + step + this.#found.length) % this.#found.length;
    this.#show();
  }

  #show() {
    this.#view.find(this.#pattern, this.#found[this.#current] ?? -1);
    this.#tell();
  }

  #tell() {
    this.#previous.disabled = this.#next.disabled = !this.#found.length;
    const count = this.#found.length;
    const text = count ? `${this.#current + 1} of ${count}` : this.#pattern ? "Not found" : "";
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }
}
