"use strict";

/** Room for labels beside every chart, in pixels. */
const LEFT = 58;
const RIGHT = 40;
const SHORTEST_VIEW = 1;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** The stretch of time that all charts show, and where it lies on them. */
class Scale {
  constructor(duration) {
    this.duration = duration;
    this.from = 0;
    this.to = duration;
    this.width = 600;
  }

  get span() {
    return this.to - this.from;
  }

  get plot() {
    return Math.max(40, this.width - LEFT - RIGHT);
  }

  get right() {
    return LEFT + this.plot;
  }

  get whole() {
    return this.span >= this.duration - 1e-6;
  }

  x(time) {
    return LEFT + ((time - this.from) / this.span) * this.plot;
  }

  /** The same, kept inside the chart. */
  inside(time) {
    return clamp(this.x(time), LEFT, this.right);
  }

  time(x) {
    return clamp(this.from + ((x - LEFT) / this.plot) * this.span, 0, this.duration);
  }

  shows(time) {
    return this.from <= time && time <= this.to;
  }

  overlaps(start, end) {
    return end > this.from && start < this.to;
  }

  zoom(factor, around) {
    const span = clamp(this.span * factor, Math.min(SHORTEST_VIEW, this.duration), this.duration);
    const share = this.shows(around) ? (around - this.from) / this.span : 0.5;
    this.move((this.shows(around) ? around : (this.from + this.to) / 2) - share * span, span);
  }

  move(from, span = this.span) {
    this.from = clamp(from, 0, this.duration - span);
    this.to = this.from + span;
  }

  /** Round moments, not too many for the width. */
  ticks() {
    const least = (this.span / this.plot) * 64;
    const step = STEPS.find((each) => each >= least) || STEPS[STEPS.length - 1];
    const digits = step < 1 ? 1 : 0;
    const moments = [];
    for (let at = Math.ceil(this.from / step - 1e-9); at * step <= this.to + 1e-9; at += 1) moments.push(at * step);
    return moments.map((time) => ({ time, text: clock(time, digits) }));
  }
}
