/** The list of sentences: as many elements as are read just now, however long the transcript. All text is in text nodes. */

import { markLanguage } from "../shared/caption_view.js";
import { clock } from "./transcript.js";

/** Most sentences that have an element. */
const MOST = 300;
/** Sentences that are added at once at an end of the list where the reader gets to. */
const STEP = 100;
/** So near to an end of the list counts as being there, pixels. */
const NEAR = 60;

export class HistoryView {
  #box;
  #list;
  #transcript;
  #onUnseen;
  /** The sentences that have an element: from the first of them to before the last. */
  #from = 0;
  #to = 0;
  #following = true;
  #unseen = 0;
  /** @type {RegExp|null} */
  #pattern = null;
  #current = -1;

  /**
   * @param {HTMLElement} box scrolls; has a list in it
   * @param {import("./transcript.js").Transcript} transcript
   * @param {(count: number, following: boolean) => void} onUnseen how many sentences came since the reader left the end
   */
  constructor(box, transcript, onUnseen) {
    this.#box = box;
    this.#list = box.querySelector("ol");
    this.#transcript = transcript;
    this.#onUnseen = onUnseen;
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** A sentence has come. Someone who reads further up is not pulled away. */
  added() {
    const touches = this.#to === this.#transcript.length - 1;
    if (this.#following) {
      this.#append(this.#transcript.length);
      this.#dropFirst();
      this.#toEnd();
    } else {
      if (touches && this.#to - this.#from < MOST) this.#append(this.#transcript.length);
      this.#unseen += 1;
    }
    this.#tell();
  }

  /** It can be seen again, or has another size. */
  refresh() {
    if (this.#following) this.#toEnd();
  }

  /** Who spoke, or how a sentence ends, is known better: what is shown is shown anew, at its place. */
  rename() {
    const { scrollTop } = this.#box;
    this.#render(this.#from, this.#to);
    if (this.#following) this.#toEnd();
    else this.#box.scrollTop = scrollTop;
  }

  /** A sentence has another text, so it and what follows are shown anew, each at its place; those before stay as they are. */
  changed(index) {
    const { scrollTop } = this.#box;
    for (let at = Math.max(index, this.#from); at < this.#to; at += 1) {
      this.#list.children[at - this.#from].replaceWith(this.#item(at));
    }
    if (this.#following) this.#toEnd();
    else this.#box.scrollTop = scrollTop;
  }

  toNewest() {
    this.#following = true;
    this.#unseen = 0;
    this.#render(Math.max(0, this.#transcript.length - STEP), this.#transcript.length);
    this.#toEnd();
    this.#tell();
  }

  /** The transcript begins anew. */
  clear() {
    this.#pattern = null;
    this.#current = -1;
    this.toNewest();
  }

  /**
   * Marks what is searched for.
   *
   * @param {RegExp|null} pattern null for nothing
   * @param {number} current the sentence to bring into view, or -1
   */
  find(pattern, current) {
    this.#pattern = pattern;
    this.#current = current;
    const outside = current >= 0 && (current < this.#from || current >= this.#to);
    const [from, to] = outside ? around(current, this.#transcript.length) : [this.#from, this.#to];
    const { scrollTop } = this.#box;
    this.#render(from, to);
    if (current < 0) this.#box.scrollTop = scrollTop;
    else this.#center(this.#list.children[current - this.#from]);
    this.#scrolled();
  }

  /** Not `scrollIntoView`, which would move the page as well, and with it the captions. */
  #center(item) {
    this.#box.scrollTop = item.offsetTop - this.#list.offsetTop - (this.#box.clientHeight - item.offsetHeight) / 2;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    // Not in view: it has no size, and nobody scrolls it.
    if (!clientHeight) return;
    const below = scrollHeight - scrollTop - clientHeight;
    const atEnd = below < NEAR && this.#to === this.#transcript.length;
    if (scrollTop < NEAR && this.#from > 0) this.#extendUp();
    else if (below < NEAR && !atEnd) this.#extendDown();
    this.#following = atEnd;
    if (atEnd) this.#unseen = 0;
    this.#tell();
  }

  #extendUp() {
    const before = this.#box.scrollHeight;
    const from = Math.max(0, this.#from - STEP);
    const items = [];
    for (let index = from; index < this.#from; index += 1) items.push(this.#item(index));
    this.#list.prepend(...items);
    this.#from = from;
    this.#box.scrollTop += this.#box.scrollHeight - before;
    while (this.#to - this.#from > MOST) {
      this.#list.lastElementChild.remove();
      this.#to -= 1;
    }
  }

  #extendDown() {
    this.#append(Math.min(this.#transcript.length, this.#to + STEP));
    const before = this.#box.scrollHeight;
    this.#dropFirst();
    this.#box.scrollTop -= before - this.#box.scrollHeight;
  }

  #append(to) {
    const items = [];
    for (let index = this.#to; index < to; index += 1) items.push(this.#item(index));
    this.#list.append(...items);
    this.#to = to;
  }

  #dropFirst() {
    while (this.#to - this.#from > MOST) {
      this.#list.firstElementChild.remove();
      this.#from += 1;
    }
  }

  #render(from, to) {
    this.#list.replaceChildren();
    this.#from = this.#to = from;
    this.#append(to);
  }

  #item(index) {
    const { text, time, language } = this.#transcript.at(index);
    const speaker = this.#transcript.speakerFrom(index);
    const item = document.createElement("li");
    item.dataset.current = String(index === this.#current);
    const stamp = document.createElement("time");
    stamp.dateTime = time.toISOString();
    stamp.textContent = clock(time);
    const words = document.createElement("p");
    if (speaker) {
      const who = document.createElement("strong");
      who.className = "speaker";
      who.append(...this.#marked(speaker));
      words.append(who, ": ");
    }
    words.append(...this.#marked(text));
    markLanguage(words, language);
    item.append(stamp, words);
    return item;
  }

  /** Text with what is searched for marked. */
  #marked(text) {
    if (!this.#pattern) return [document.createTextNode(text)];
    const parts = [];
    let end = 0;
    for (const match of text.matchAll(this.#pattern)) {
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      parts.push(text.slice(end, match.index), mark);
      end = match.index + match[0].length;
    }
    return [...parts, text.slice(end)];
  }

  #toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #tell() {
    this.#onUnseen(this.#unseen, this.#following);
  }
}

/** The sentences to show so that one of them is in their middle. */
function around(index, length) {
  return [Math.max(0, index - STEP / 2), Math.min(length, index + STEP / 2)];
}
