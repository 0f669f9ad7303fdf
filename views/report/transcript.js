"use strict";

/** From which confidence on a word is not marked, marked a little, and more; what is below is marked most. */
const SURE = [0.8, 0.6, 0.4];

function doubtOf(confidence) {
  const level = SURE.findIndex((limit) => confidence >= limit);
  return level < 0 ? SURE.length : level;
}

function lipLevel(share) {
  return share <= 0 ? 0 : share < 0.2 ? 1 : share < 0.5 ? 2 : 3;
}

/** Seconds a word stays marked after its end, if no other follows. */
const LINGER = 0.15;

/** The words as buttons, of which the Tab key reaches one and the arrow keys the others. */
class Transcript {
  constructor(segments, player) {
    this.box = byId("words");
    this.info = byId("word-info");
    this.line = byId("now");
    this.player = player;
    this.segments = segments;
    this.words = [];
    this.current = -1;
    this.tabStop = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    for (const segment of segments) this.box.append(this.segment(segment));
    if (!this.words.length) this.box.append(html("p", {}, "No speech was understood."));
    else this.words[0].button.tabIndex = 0;
    byId("transcript-help").hidden = !this.words.length;
    this.starts = this.words.map((word) => word.start);
    this.segmentStarts = segments.map((segment) => segment.start);
    this.box.addEventListener("click", (event) => this.act(event, (word) => player.seek(word.start)));
    this.box.addEventListener("focusin", (event) => this.act(event, (word) => this.focused(word)));
    this.box.addEventListener("mouseover", (event) => this.act(event, (word) => this.explain(word)));
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.addKey();
  }

  segment(segment) {
    const level = lipLevel(segment.lips);
    const time = html("span", { class: "time" }, clock(segment.start));
    if (level) time.append(html("span", { class: "lips" }, `lips ${percent(segment.lips)}`));
    const text = html("p");
    for (const [word, start, end, confidence] of segment.words) {
      const level = doubtOf(confidence);
      const name = level ? `word doubt-${level}` : "word";
      const button = html("button", { type: "button", class: name, tabindex: "-1", "data-word": this.words.length }, word);
      this.words.push({ word, start, end, confidence, lips: segment.lips, button });
      text.append(button, " ");
    }
    return html("div", { class: level ? `segment lips-${level}` : "segment" }, time, text);
  }

  act(event, action) {
    const button = event.target.closest(".word");
    if (button) action(this.words[Number(button.dataset.word)]);
  }

  focused(word) {
    this.words[this.tabStop].button.tabIndex = -1;
    this.tabStop = this.words.indexOf(word);
    word.button.tabIndex = 0;
    this.explain(word);
  }

  explain(word) {
    const lips = word.lips > 0 ? `, lips ${percent(word.lips)}` : "";
    const times = `${clock(word.start, 1)} to ${clock(word.end, 1)}`;
    this.info.textContent = `“${word.word}” ${times}, confidence ${percent(word.confidence)}${lips}`;
  }

  key(event) {
    const last = this.words.length - 1;
    const to = {
      ArrowRight: this.tabStop + 1,
      ArrowDown: this.below(1),
      ArrowLeft: this.tabStop - 1,
      ArrowUp: this.below(-1),
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey || last < 0) return;
    event.preventDefault();
    this.words[clamp(to, 0, last)].button.focus();
  }

  /** The first word of the segment after, or before, the one that has the focus. */
  below(direction) {
    const parent = this.words[this.tabStop]?.button.parentNode;
    let at = this.tabStop;
    while (this.words[at]?.button.parentNode === parent) at += direction;
    const other = this.words[at]?.button.parentNode;
    while (direction < 0 && at > 0 && this.words[at - 1].button.parentNode === other) at -= 1;
    return at;
  }

  /** Mark the word of a moment. */
  show(time) {
    const segment = this.segments[lastUpTo(this.segmentStarts, time + 0.05)];
    const text = segment && time < segment.end + 2 ? segment.words.map(([word]) => word).join(" ") : "";
    if (this.line.textContent !== text) this.line.textContent = text;
    let at = lastUpTo(this.starts, time + 1e-3);
    if (at >= 0 && time > this.words[at].end + LINGER) at = -1;
    if (at === this.current) return;
    this.words[this.current]?.button.removeAttribute("aria-current");
    this.current = at;
    if (at < 0) return;
    this.words[at].button.setAttribute("aria-current", "true");
    this.reveal(this.words[at].button);
  }

  /** Scroll the box, and never the page, until a word is in view. */
  reveal(button) {
    const box = this.box.getBoundingClientRect();
    const word = button.getBoundingClientRect();
    if (word.top >= box.top && word.bottom <= box.bottom) return;
    const by = word.top - box.top - box.height / 3;
    // A long way would take long, and what flies past cannot be read.
    const jumps = this.still.matches || Math.abs(by) > 2 * box.height;
    this.box.scrollBy({ top: by, behavior: jumps ? "auto" : "smooth" });
  }

  /** What the shading means. */
  addKey() {
    if (!this.words.length) return;
    const limits = SURE.map((limit) => percent(limit));
    const names = [`sure (${limits[0]} and more)`, `${limits[1]} to ${limits[0]}`, `${limits[2]} to ${limits[1]}`, `below ${limits[2]}`];
    const key = byId("transcript-key");
    names.forEach((name, level) => {
      key.append(html("li", {}, html("span", { class: `sample doubt-${level}` }, "word"), ` ${name}`));
    });
    if (this.segments.some((segment) => segment.lips > 0)) {
      key.append(html("li", { class: "bar-sample" }, "how much the lips decided"));
    }
  }
}
