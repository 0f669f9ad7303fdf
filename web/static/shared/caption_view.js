/** Shows lines of captions. All text goes into text nodes. */

import { seeming } from "./speakers.js";

/** Keeps the elements of a box the same as the lines, touching only what has changed. */
export class CaptionView {
  #box;
  /** @type {Map<string, {element: HTMLElement, speaker: HTMLElement, stable: Text, unstable: Text}>} */
  #shown = new Map();

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /**
   * @param {import("./captions.js").Line[]} lines
   * @param {string} [before] who spoke before the first of them
   */
  show(lines, before = "") {
    const keys = new Set(lines.map(({ key }) => key));
    for (const [key, { element }] of this.#shown) {
      if (keys.has(key)) continue;
      element.remove();
      this.#shown.delete(key);
    }
    const spoken = lines.filter(({ mark }) => !mark);
    const speakers = seeming(spoken.map(({ speaker }) => speaker), before);
    const named = new Map(spoken.map((line, index) => [line, speakers[index]]));
    let last = before;
    for (const line of lines) {
      const speaker = named.get(line) ?? line.speaker;
      this.#update(line, speaker === last ? "" : speaker);
      last = named.get(line) ?? last;
    }
  }

  #update({ key, stable, unstable, final, language, mark }, speaker) {
    const parts = this.#shown.get(key) ?? this.#add(key);
    // The space before the changing words is not theirs: it takes no dotted line.
    const [space] = unstable.match(/^\s*/);
    if (parts.speaker.textContent !== speaker) parts.speaker.textContent = speaker;
    parts.speaker.hidden = !speaker;
    put(parts.stable, stable + space);
    put(parts.unstable, unstable.slice(space.length));
    parts.element.dataset.final = String(final);
    parts.element.dataset.mark = String(mark);
    markLanguage(parts.element, language);
  }

  #add(key) {
    const element = document.createElement("p");
    element.className = "caption";
    const text = document.createElement("span");
    text.className = "caption-text";
    const stable = document.createTextNode("");
    const unstable = document.createTextNode("");
    const changing = document.createElement("span");
    changing.className = "unstable";
    changing.append(unstable);
    text.append(stable, changing);
    const speaker = document.createElement("span");
    speaker.className = "speaker";
    speaker.hidden = true;
    element.append(speaker, text);
    this.#box.append(element);
    const parts = { element, speaker, stable, unstable };
    this.#shown.set(key, parts);
    return parts;
  }
}

/**
 * Says which language an element's text is in, where that is known: for voices, Braille and hyphens.
 *
 * @param {HTMLElement} element
 * @param {string|null|undefined} language
 */
export function markLanguage(element, language) {
  if (!language) element.removeAttribute("lang");
  else if (element.lang !== language) element.lang = language;
}

function put(node, text) {
  if (node.data !== text) node.data = text;
}
