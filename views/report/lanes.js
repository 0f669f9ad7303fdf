"use strict";

const LANE = 22;

/** When there was speech, who spoke, and which faces were in view, talked and were taken for the speaker's. */
class LanesChart extends Chart {
  constructor(speech, speakers, faces, more) {
    super(speakers.length ? "Speech, speakers and faces" : "Speech and faces");
    this.lanes = [{ name: "speech", talking: speech, seen: [], speaker: [] }];
    for (const { name, turns } of speakers) this.lanes.push({ name: short(name), person: name, talking: turns, seen: [], speaker: [] });
    for (const face of faces) this.lanes.push({ ...face, name: `face ${face.face}` });
    this.height = LANE * this.lanes.length + 2;
    const thin = { y: 4, height: 4 };
    if (faces.length) this.key.append(html("li", {}, swatch({ class: "seen", ...thin }), "in view"));
    this.key.append(html("li", {}, swatch({ class: "talking" }), faces.length ? "speech, talking" : "speech"));
    if (faces.length) this.key.append(html("li", {}, swatch({ class: "chosen", y: 9, height: 3 }), "taken for the speaker"));
    if (more) this.key.append(html("li", {}, `and ${more} more, briefly in view`));
  }

  draw(scale) {
    const shapes = [];
    this.lanes.forEach((lane, at) => {
      const top = at * LANE;
      shapes.push(text(LEFT - 5, top + 15, lane.name, { class: "label", "text-anchor": "end" }));
      shapes.push(svg("path", { class: "grid", d: `M${LEFT} ${top + LANE}H${scale.right}` }));
      shapes.push(...bars(lane.seen, scale, { class: "seen", y: top + 8, height: 5 }));
      shapes.push(...bars(lane.talking, scale, { class: "talking", y: top + 4, height: 12 }));
      shapes.push(...bars(lane.speaker, scale, { class: "chosen", y: top + 18, height: 2.5 }));
    });
    return shapes;
  }

  describe(time) {
    const told = this.lanes.map((lane, at) => {
      if (at === 0) return holds(lane.talking, time) ? "speech" : "no speech";
      if (lane.person) return holds(lane.talking, time) ? `${lane.person} speaks` : null;
      if (!holds(lane.seen, time)) return null;
      const speaker = holds(lane.speaker, time) ? ", the speaker" : "";
      return `${lane.name} ${holds(lane.talking, time) ? "talking" : "in view"}${speaker}`;
    });
    return told.filter(Boolean).join("; ");
  }
}

/** A name that fits beside a lane. */
function short(name) {
  const plain = name.replace(/^Speaker /, "spk. ");
  return plain.length > 8 ? `${plain.slice(0, 7)}…` : plain;
}

/** When something was missing or bad. */
class TroubleChart extends Chart {
  height = 14;

  constructor(troubles) {
    super("Quality");
    this.troubles = troubles.filter((trouble) => trouble.span);
    this.value = html("span", { class: "value" });
    this.key.append(html("li", {}, swatch({ class: "trouble" }), this.value));
  }

  draw(scale) {
    const spans = this.troubles.map((trouble) => trouble.span);
    return [this.frame(scale), ...bars(spans, scale, { class: "trouble", y: 2, height: 10 }, 3)];
  }

  read(time) {
    this.value.textContent = this.describe(time);
  }

  describe(time) {
    const now = this.troubles.filter(({ span: [start, end] }) => start <= time && time <= end);
    return now.map((trouble) => trouble.text).join("; ") || "nothing amiss";
  }
}

function bars(spans, scale, attributes, least = 1) {
  return spans
    .filter(([start, end]) => scale.overlaps(start - 1e-3, end + 1e-3))
    .map(([start, end]) => {
      const left = scale.inside(start);
      const width = Math.max(least, scale.inside(end) - left);
      return svg("rect", { ...attributes, x: Math.min(left, scale.right - width), width, rx: 1.5 });
    });
}
