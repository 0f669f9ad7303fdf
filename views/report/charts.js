"use strict";

/** One track: it draws itself for a scale, and tells what it shows of a moment. */
class Chart {
  /** Height in pixels. */
  height = 20;

  /** What stands beside the heading: what is drawn how, and its value at the moment. */
  key = html("ul", { class: "chips" });

  constructor(title) {
    this.title = title;
  }

  /** The drawing, as SVG elements. */
  draw(_scale) {
    return [];
  }

  /** Show the values of a moment beside the heading. */
  read(_time) {}

  /** The values of a moment in words. */
  describe(_time) {
    return "";
  }

  /** Add an entry to the key and return the place for its value. */
  entry(sample, name, wide = false) {
    const value = html("span", { class: wide ? "value wide" : "value" });
    this.key.append(html("li", {}, sample, `${name} `, value));
    return value;
  }

  frame(scale) {
    return svg("rect", { class: "frame", x: LEFT, y: 0.5, width: scale.plot, height: this.height - 1 });
  }
}

function swatch(attributes) {
  return svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, svg("rect", { width: 12, height: 12, rx: 2, ...attributes }));
}

function text(x, y, content, attributes = {}) {
  return svg("text", { x, y, ...attributes }, content);
}

/** The words where they were said; as text where there is room for it. */
class WordsChart extends Chart {
  height = 24;

  constructor(words) {
    super("Words");
    this.words = words;
    this.starts = words.map((word) => word.start);
    this.value = html("span", { class: "value" });
    this.key.append(html("li", {}, this.value));
  }

  draw(scale) {
    const shapes = [this.frame(scale)];
    let edge = -1;
    for (const word of this.words) {
      if (!scale.overlaps(word.start, word.end)) continue;
      const left = scale.inside(word.start);
      const width = Math.max(1, scale.inside(word.end) - left - 0.5);
      // Of words that lie on one pixel one is enough.
      if (left + width < edge + 1) continue;
      edge = left + width;
      const doubt = doubtOf(word.confidence);
      shapes.push(svg("rect", { class: `word-box doubt-${doubt}`, x: left, y: 2, width, height: this.height - 4, rx: 3 }));
      if (width >= 6.9 * word.word.length + 4) {
        shapes.push(text(left + width / 2, this.height / 2 + 4, word.word, { class: "word-text", "text-anchor": "middle" }));
      }
    }
    return shapes;
  }

  at(time) {
    const word = this.words[lastUpTo(this.starts, time)];
    return word && time <= word.end ? word : null;
  }

  read(time) {
    const word = this.at(time);
    this.value.textContent = word ? `“${word.word}” confidence ${percent(word.confidence)}` : "";
  }

  describe(time) {
    const word = this.at(time);
    return word ? `${word.word}, confidence ${percent(word.confidence)}` : "no word";
  }
}

const QUIETEST = -60;

/** The level of the sound as a surface, and the opening of the lips as a line. */
class SoundLipsChart extends Chart {
  height = 110;

  constructor(sound, aperture) {
    super(!aperture.t.length ? "Sound" : !sound.t.length ? "Lips" : "Sound and lips");
    this.sound = sound;
    this.aperture = aperture;
    const highest = aperture.v.reduce((most, value) => Math.max(most, value), 0.1);
    this.open = Math.ceil(highest * 10) / 10;
    if (sound.t.length) this.level = this.entry(swatch({ class: "curve-sound" }), "sound level, dB", true);
    if (aperture.t.length) {
      const line = svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, svg("path", { class: "curve-lips", d: "M0 6H12" }));
      this.lips = this.entry(line, "lip opening, in eye distances");
    }
  }

  draw(scale) {
    const base = this.height - 4;
    const loud = (level) => base - (clamp(level - QUIETEST, 0, -QUIETEST) / -QUIETEST) * (base - 4);
    const wide = (aperture) => base - clamp(aperture / this.open, 0, 1) * (base - 4);
    const shapes = [this.frame(scale)];
    if (this.sound.t.length) {
      for (const level of [0, -20, -40, -60]) {
        shapes.push(svg("path", { class: "grid", d: `M${LEFT} ${loud(level)}H${scale.right}` }));
        shapes.push(text(LEFT - 5, loud(level) + 4, `${String(level).replace("-", "−")} dB`, { "text-anchor": "end" }));
      }
      for (const run of curveRuns(this.sound, scale)) {
        const line = run.map(([x, value]) => `${x} ${loud(value)}`).join("L");
        shapes.push(svg("path", { class: "curve-sound", d: `M${run[0][0]} ${base}L${line}L${run[run.length - 1][0]} ${base}Z` }));
      }
    }
    if (this.aperture.t.length) {
      for (const value of [0, this.open / 2, this.open]) {
        shapes.push(text(scale.right + 5, wide(value) + 4, String(Math.round(value * 100) / 100)));
      }
      for (const run of curveRuns(this.aperture, scale)) {
        shapes.push(svg("path", { class: "curve-lips", d: `M${run.map(([x, value]) => `${x} ${wide(value)}`).join("L")}` }));
      }
    }
    return shapes;
  }

  read(time) {
    const [level, aperture] = [valueAt(this.sound, time), valueAt(this.aperture, time)];
    if (this.level) this.level.textContent = level === null ? "–" : `${Math.round(level)}`.replace("-", "−");
    if (this.lips) this.lips.textContent = aperture === null ? "–" : aperture.toFixed(2);
  }

  describe(time) {
    const [level, aperture] = [valueAt(this.sound, time), valueAt(this.aperture, time)];
    const parts = [];
    if (level !== null) parts.push(`sound ${Math.round(level)} decibels`);
    if (aperture !== null) parts.push(`lips open ${aperture.toFixed(2)}`);
    return parts.join(", ") || "nothing measured";
  }
}

function valueAt(curve, time) {
  const at = lastUpTo(curve.t, time * 1000 + 0.5);
  return at >= 0 && time * 1000 - curve.t[at] <= curve.gap ? curve.v[at] : null;
}

/** The part of a curve in view as runs of [x, value]; of the points on one pixel the largest. */
function curveRuns(curve, scale) {
  const runs = [];
  let run = null;
  let before = -Infinity;
  const first = Math.max(0, lastUpTo(curve.t, scale.from * 1000));
  for (let at = first; at < curve.t.length; at += 1) {
    const time = curve.t[at];
    if (time / 1000 > scale.to) break;
    if (time / 1000 < scale.from) continue;
    if (!run || time - before > curve.gap) runs.push((run = []));
    before = time;
    const x = Math.round(scale.x(time / 1000) * 2) / 2;
    const last = run[run.length - 1];
    if (last && last[0] === x) last[1] = Math.max(last[1], curve.v[at]);
    else run.push([x, curve.v[at]]);
  }
  return runs;
}
