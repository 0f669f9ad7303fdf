/** What the reader sets: size of the text, colours, font, spacing, length of lines, full screen; by buttons and keys. */

import { address } from "../shared/api.js";
import {
  FONTS,
  LARGEST,
  READING,
  SMALLEST,
  applyReading,
  asQuery,
  presets,
  remember,
  remembered,
} from "../shared/reading_settings.js";
import { larger, smaller } from "./text_size.js";

/** Lines of the page of captions alone that a reader opens: all that fits, where a video has two. */
const LINES_ALONE = 6;
const NOTE_MS = 2_000;

const $ = (id) => document.getElementById(id);

export class Reader {
  #settings = remembered();
  #onSearch;
  #note = 0;

  /** @param {() => void} onSearch what the key of the search does */
  constructor(onSearch) {
    this.#onSearch = onSearch;
    $("reading-font").replaceChildren(...Object.entries(FONTS).map(([value, text]) => new Option(text, value)));
    $("smaller").addEventListener("click", () => this.#resize(smaller));
    $("larger").addEventListener("click", () => this.#resize(larger));
    $("reading").addEventListener("click", () => this.#openPanel($("reading-panel").hidden));
    $("reading-panel").addEventListener("change", () => this.#take());
    $("reading-panel").addEventListener("submit", (event) => event.preventDefault());
    $("reading-reset").addEventListener("click", () => this.#set(presets()));
    $("full").addEventListener("click", () => this.#fill(!this.isFull));
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.#showFull(false);
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    // Another tab of this page may change them too.
    addEventListener("storage", () => this.#show(remembered()));
    this.#show(this.#settings);
  }

  get isFull() {
    return document.body.dataset.full === "true";
  }

  /** Back to the whole page, once there is nothing more to read. */
  leave() {
    if (this.isFull) this.#fill(false);
  }

  #set(settings) {
    remember(settings);
    this.#show(settings);
  }

  #show(settings) {
    this.#settings = settings;
    applyReading(document.documentElement, settings);
    const query = asQuery(settings);
    query.set("lines", String(LINES_ALONE));
    $("captions-only").href = address(`/captions?${query}`).href;
    for (const name of ["theme", "font", "spacing", "width"]) choose($(`reading-${name}`), String(settings[name]));
    $("reading-panel").elements.namedItem("keys").checked = settings.keys;
    $("smaller").disabled = settings.size <= SMALLEST;
    $("larger").disabled = settings.size >= LARGEST;
  }

  /** What the form says. */
  #take() {
    const { elements } = $("reading-panel");
    const chosen = { ...this.#settings, keys: elements.namedItem("keys").checked };
    for (const name of ["theme", "font", "spacing", "width"]) {
      chosen[name] = READING[name].read(elements.namedItem(name).value) ?? READING[name].preset;
    }
    this.#set(chosen);
  }

  #resize(step) {
    const size = step(this.#settings.size);
    this.#set({ ...this.#settings, size });
    clearTimeout(this.#note);
    $("size-note").textContent = `${size} pixels`;
    this.#note = setTimeout(() => ($("size-note").textContent = ""), NOTE_MS);
  }

  #openPanel(open) {
    $("reading-panel").hidden = !open;
    $("reading").setAttribute("aria-expanded", String(open));
    if (open) $("reading-theme").focus();
  }

  #fill(full) {
    this.#showFull(full);
    // Where the browser has no full screen, as on some phones, the page alone is filled.
    if (full) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  }

  #showFull(full) {
    document.body.dataset.full = String(full);
    $("full").setAttribute("aria-pressed", String(full));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (!$("reading-panel").hidden) {
        this.#openPanel(false);
        $("reading").focus();
      } else this.leave();
      return;
    }
    if (!this.#settings.keys || isTyping(event.target)) return;
    const live = !$("live").hidden;
    const act = {
      "+": live && (() => this.#resize(larger)),
      "=": live && (() => this.#resize(larger)),
      "-": live && (() => this.#resize(smaller)),
      f: live && (() => this.#fill(!this.isFull)),
      "/": !this.isFull && this.#onSearch,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

function choose(select, value) {
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(value, value));
  select.value = value;
}

function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select") !== null;
}
