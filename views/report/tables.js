"use strict";

/** Add a table that is made when it is opened first. */
function addTable(title, columns, makeRows) {
  const box = html("div", { class: "table", tabindex: "0", role: "region", "aria-label": title });
  const details = html("details", {}, html("summary", {}, title), box);
  details.addEventListener("toggle", () => {
    if (details.open && !box.firstChild) box.append(table(title, columns, makeRows()));
  });
  byId("tables").append(details);
}

/** Columns whose name begins with "=" hold text, the others numbers. */
function table(title, columns, rows) {
  const sides = columns.map((name) => (name.startsWith("=") ? "text" : null));
  const head = columns.map((name, at) => html("th", { scope: "col", class: sides[at] }, name.replace("=", "")));
  const body = rows.map((row) => html("tr", {}, ...row.map((value, at) => html("td", { class: sides[at] }, String(value)))));
  const caption = html("caption", { class: "quiet" }, title);
  return html("table", {}, caption, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...body));
}

function addTables(data) {
  if (data.intervals.length) {
    const names = data.emotions.map(({ name }) => name);
    const columns = ["start", "end", "=who", "=label", ...names.map((name) => `${name} %`), "valence", "arousal", "face %", "voice %"];
    addTable("Emotion, in stretches of one label", columns, () => data.intervals.map((each) => emotionRow(each, names)));
  }
  if (data.sound.t.length || data.aperture.t.length) {
    const columns = ["from", "to", "loudest, dB", "widest lips", "speech %"];
    addTable("Sound and lips", columns, () => stretches(data));
  }
  if (data.speakers.length) {
    const columns = ["=speaker", "turns", "words", "talking, s", "share %", "at once, s", "interruptions"];
    addTable("Speakers", columns, () => data.speakers.map((each) => speakerRow(each, data.speakers)));
  }
  if (data.faces.length) {
    addTable("Faces", ["=face", "from", "to", "talking, s", "speaker, s"], () => data.faces.flatMap(faceRows));
  }
  byId("tables").hidden = !byId("tables").querySelector("details");
}

function emotionRow(each, names) {
  const whole = (share) => Math.round(100 * share);
  return [
    clock(each.start, 1),
    clock(each.end, 1),
    each.face === null ? "voice" : `face ${each.face}`,
    each.label,
    ...names.map((name) => whole(each.probabilities[name] ?? 0)),
    each.valence.toFixed(2),
    each.arousal.toFixed(2),
    whole(each.weights.face),
    whole(each.weights.voice),
  ];
}

/** At most 60 stretches of equal, round length. */
function stretches(data) {
  const step = STEPS.find((each) => each >= 0.5 && data.duration / each <= 60) ?? data.duration / 60;
  const rows = [];
  for (let at = 0; at * step < data.duration; at += 1) {
    const [start, end] = [at * step, Math.min(data.duration, (at + 1) * step)];
    const [level, aperture] = [largest(data.sound, start, end), largest(data.aperture, start, end)];
    const speech = within(data.speech, start, end) / (end - start);
    const shown = (value, digits) => (value === null ? "–" : value.toFixed(digits));
    rows.push([clock(start, 1), clock(end, 1), shown(level, 0), shown(aperture, 2), Math.round(100 * speech)]);
  }
  return rows;
}

function largest(curve, start, end) {
  let most = null;
  for (let at = lastUpTo(curve.t, start * 1000 - 1) + 1; at < curve.t.length && curve.t[at] < end * 1000; at += 1) {
    if (most === null || curve.v[at] > most) most = curve.v[at];
  }
  return most;
}

/** Seconds of the spans that lie between two moments. */
function within(spans, from, to) {
  return spans.reduce((sum, [start, end]) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0);
}

function speakerRow(each, all) {
  const total = all.reduce((sum, { seconds }) => sum + seconds, 0);
  const share = total ? Math.round((100 * each.seconds) / total) : 0;
  return [each.name, each.turns.length, each.words, each.seconds.toFixed(1), share, each.overlap.toFixed(1), each.interruptions];
}

function faceRows(lane) {
  return lane.seen.map(([start, end]) => [
    `face ${lane.face}`,
    clock(start, 1),
    clock(end, 1),
    within(lane.talking, start, end).toFixed(1),
    within(lane.speaker, start, end).toFixed(1),
  ]);
}
