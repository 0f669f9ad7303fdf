"use strict";

/** Places in a row of an emotion track, which is in milliseconds and parts of 1000. */
const START = 0;
const END = 1;
const SHARES = 2;
const STACK = 148;
const BALANCE = 14;

/** The probabilities of the emotions on top of each other, and below them whether face or voice decided. */
class EmotionChart extends Chart {
  height = STACK + BALANCE + 6;

  constructor(emotions, tracks, redraw) {
    super("Emotion");
    this.emotions = emotions;
    this.tracks = tracks;
    this.track = tracks[0];
    this.starts = [];
    this.label = html("strong", { class: "label-value" });
    this.key.append(html("li", {}, this.label));
    this.values = emotions.map(({ name, colour }) => this.entry(swatch({ fill: colour }), name));
    this.face = this.entry(swatch({ class: "share-face" }), "from the face");
    this.voice = this.entry(swatch({ class: "share-voice" }), "from the voice");
    this.choose(0);
    if (tracks.length > 1) this.control = this.chooser(redraw);
  }

  chooser(redraw) {
    const select = html("select", {}, ...this.tracks.map((track, at) => html("option", { value: at }, whose(track))));
    select.addEventListener("change", () => {
      this.choose(Number(select.value));
      redraw();
    });
    return html("label", {}, "of ", select);
  }

  choose(at) {
    this.track = this.tracks[at];
    this.starts = this.track.rows.map((row) => row[START]);
  }

  get places() {
    const weights = SHARES + this.emotions.length;
    return { face: weights, voice: weights + 1, counts: weights + 2 };
  }

  draw(scale) {
    const shapes = [];
    for (const part of [0, 50, 100]) {
      const y = 4 + (1 - part / 100) * (STACK - 8);
      shapes.push(svg("path", { class: "grid", d: `M${LEFT} ${y}H${scale.right}` }));
      shapes.push(text(LEFT - 5, y + 4, `${part} %`, { "text-anchor": "end" }));
    }
    for (const run of this.runs(scale)) {
      const last = SHARES + this.emotions.length;
      this.layers(run, SHARES, last, 4, STACK - 8).forEach((d, at) => {
        shapes.push(svg("path", { class: "stack", fill: this.emotions[at].colour, d }));
      });
      const [face, voice] = this.layers(run, last, last + 2, STACK + 4, BALANCE);
      shapes.push(svg("path", { class: "share-face", d: face }), svg("path", { class: "share-voice", d: voice }));
    }
    shapes.push(text(LEFT - 5, STACK + BALANCE, "from", { "text-anchor": "end" }));
    return shapes;
  }

  /** Paths of surfaces on top of each other: the first lowest. */
  layers(run, first, last, top, height) {
    const below = run.map(() => 0);
    const paths = [];
    const y = (share) => (top + (1 - share) * height).toFixed(1);
    for (let place = first; place < last; place += 1) {
      const floor = run.map((point, at) => `${point.x} ${y(below[at])}`);
      run.forEach((point, at) => (below[at] += point.row[place] / 1000));
      const roof = run.map((point, at) => `${point.x} ${y(Math.min(1, below[at]))}`);
      paths.push(`M${roof.join("L")}L${floor.reverse().join("L")}Z`);
    }
    return paths;
  }

  /** Points of the rows in view that follow each other without a gap and count. */
  runs(scale) {
    const { counts } = this.places;
    const runs = [];
    let run = null;
    let end = -Infinity;
    const close = () => {
      if (run) run.push({ x: scale.inside(end / 1000), row: run[run.length - 1].row });
    };
    for (const row of thinned(this.track.rows, scale, counts)) {
      if (!row[counts]) continue;
      if (!run || row[START] > end + 1) {
        close();
        runs.push((run = [{ x: scale.inside(row[START] / 1000), row }]));
      }
      run.push({ x: scale.inside((row[START] + row[END]) / 2000), row });
      end = row[END];
    }
    close();
    return runs;
  }

  row(time) {
    const at = lastUpTo(this.starts, time * 1000 + 0.5);
    const row = this.track.rows[at];
    // The last moment belongs to the last row.
    return row && time * 1000 <= row[END] ? { row, label: this.track.labels[at] } : null;
  }

  read(time) {
    const { face, voice, counts } = this.places;
    const found = this.row(time);
    const row = found?.row[counts] ? found.row : null;
    this.label.textContent = row ? `labelled ${found.label}` : "no evidence";
    this.values.forEach((value, at) => (value.textContent = row ? percent(row[SHARES + at] / 1000) : "–"));
    this.face.textContent = row ? percent(row[face] / 1000) : "–";
    this.voice.textContent = row ? percent(row[voice] / 1000) : "–";
  }

  describe(time) {
    const { face, voice, counts } = this.places;
    const found = this.row(time);
    if (!found?.row[counts]) return "no evidence";
    const { row, label } = found;
    const shares = this.emotions.map(({ name }, at) => ({ name, share: row[SHARES + at] / 1000 }));
    const told = shares.sort((one, other) => other.share - one.share).map(({ name, share }) => `${name} ${percent(share)}`);
    return `${label}; ${told.join(", ")}; face ${percent(row[face] / 1000)}, voice ${percent(row[voice] / 1000)}`;
  }
}

function whose(track) {
  if (track.whose === "speaker") return "the speaker";
  return track.whose === null ? "voices without a face" : `face ${track.whose}`;
}

/** The rows in view; where there are more than pixels, their means. */
function thinned(rows, scale, counts) {
  const shown = rows.filter((row) => scale.overlaps(row[START] / 1000, row[END] / 1000));
  const group = Math.ceil(shown.length / scale.plot);
  if (group <= 1) return shown;
  const means = [];
  for (let at = 0; at < shown.length; at += group) {
    const some = shown.slice(at, at + group).filter((row) => row[counts]);
    if (!some.length) continue;
    const mean = some[0].map((_, place) => some.reduce((sum, row) => sum + row[place], 0) / some.length);
    mean[START] = shown[at][START];
    mean[END] = shown[Math.min(at + group, shown.length) - 1][END];
    means.push(mean);
  }
  return means;
}
