/** The card of the transcript: history, search, and keeping it. It stays when captions are stopped. */

import { markLanguage } from "../shared/caption_view.js";
import { PageError } from "../shared/errors.js";
import { copyText, saveAs, saveText } from "./downloads.js";
import { HistoryView } from "./history_view.js";
import { Search } from "./search.js";
import { Transcript } from "./transcript.js";

/** Finished sentences kept for screen readers. */
const ANNOUNCED = 20;

const $ = (id) => document.getElementById(id);

export class TranscriptCard {
  #banner;
  #transcript = new Transcript();
  #view = new HistoryView($("history"), this.#transcript, (count, following) => showUnseen(count, following));
  #search = new Search(
    {
      form: $("search"),
      field: $("search-field"),
      note: $("search-note"),
      previous: $("search-previous"),
      next: $("search-next"),
    },
    this.#transcript,
    this.#view,
  );

  /** @param {import("../shared/banner.js").Banner} banner */
  constructor(banner) {
    this.#banner = banner;
    $("newest").addEventListener("click", () => this.#view.toNewest());
    $("copy").addEventListener("click", () => this.#copy());
    $("save").addEventListener("click", () => {
      saveText(this.#transcript);
      this.#showState();
    });
    $("save-subtitles").addEventListener("click", () => this.#download($("subtitle-format").value));
    $("clear").addEventListener("click", () => this.#askToClear());
    new ResizeObserver(() => this.#view.refresh()).observe($("history"));
    // The browser asks in words of its own.
    addEventListener("beforeunload", (event) => {
      if (this.#transcript.unsaved) event.preventDefault();
    });
    this.offer([]);
    this.#showState();
  }

  /** @param {string[]} formats those that the server makes of a transcript */
  offer(formats) {
    $("subtitle-format").replaceChildren(...[...formats, "json"].map((format) => new Option(format, format)));
  }

  /** Captions have begun: it is shown, empty or not. */
  begin() {
    document.body.dataset.text = String(this.#transcript.length > 0);
    $("transcript").hidden = false;
    this.#view.refresh();
  }

  /** Captions have ended: what there is of it stays. */
  end() {
    $("transcript").hidden = !this.#transcript.length;
    document.body.dataset.text = String(this.#transcript.length > 0);
    this.#view.refresh();
    if (this.#transcript.length) $("history-title").focus();
  }

  /**
   * @param {string} text
   * @param {Date} time when it was said
   * @param {any} event the final it is of, if there is one
   */
  add(text, time, event) {
    if (this.#transcript.add(text, time, event)) this.#view.rename();
    this.#view.added();
    this.#search.added();
    announce(text, event);
    this.#showState();
  }

  /**
   * @param {any} event a sound that begins, or is over
   * @param {Date} start when it began
   */
  hear(event, start) {
    this.#transcript.hear(event, start);
  }

  /** Learns what is told later of who spoke, and of what was said. */
  learn(event) {
    if (this.#transcript.learn(event)) this.#view.rename();
    const index = this.#transcript.correct(event);
    if (index < 0) return;
    this.#view.changed(index);
    this.#search.changed();
    this.#showState();
  }

  newSession() {
    this.#transcript.newSession();
  }

  search() {
    if (!$("transcript").hidden && this.#transcript.length) this.#search.focus();
  }

  #showState() {
    const empty = !this.#transcript.length;
    $("history-empty").hidden = !empty;
    $("search").hidden = empty;
    document.querySelector(".history-frame").hidden = empty;
    for (const id of ["copy", "save", "save-subtitles", "clear", "subtitle-format"]) $(id).disabled = empty;
    const note = empty ? "" : this.#transcript.unsaved ? "not saved" : "saved";
    if ($("saved-note").textContent !== note) $("saved-note").textContent = note;
  }

  async #copy() {
    try {
      await copyText(this.#transcript);
      $("copy").textContent = "Copied";
    } catch (error) {
      this.#banner.show(error);
    }
    setTimeout(() => ($("copy").textContent = "Copy"), 2_000);
  }

  async #download(format) {
    try {
      await saveAs(this.#transcript, format);
      this.#showState();
    } catch (error) {
      this.#banner.show(error);
    }
  }

  #askToClear() {
    if (!this.#transcript.unsaved) this.#clear();
    else this.#banner.show(new PageError("unsaved"), { "Clear it": () => this.#clear() });
  }

  #clear() {
    this.#transcript.clear();
    // First of all the list, which would look for sentences that are not there any more.
    this.#view.clear();
    this.#search.end();
    this.#showState();
    $("spoken").replaceChildren();
    if (document.body.dataset.state === "start") this.end();
  }
}

function showUnseen(count, following) {
  $("newest").hidden = following;
  $("newest").textContent = count ? `To the newest, ${count} more` : "To the newest";
}

/** For screen readers: whole sentences as they are in the end, each once. */
function announce(text, event) {
  const line = document.createElement("p");
  line.textContent = text;
  markLanguage(line, event?.language);
  $("spoken").append(line);
  if ($("spoken").childElementCount > ANNOUNCED) $("spoken").firstElementChild.remove();
}
