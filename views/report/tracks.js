"use strict";

/** Seconds that the arrow keys and the page keys move. */
const SMALL = 0.5;
const LARGE = 5;

/** The charts below each other, one playhead over all of them. */
class Tracks {
  constructor(charts, player, duration) {
    this.box = byId("tracks");
    this.pan = byId("pan");
    this.player = player;
    this.scale = new Scale(duration);
    this.charts = charts;
    this.time = 0;
    this.hover = null;
    this.lines = [];
    this.axis = svg("svg", { height: 20, "aria-hidden": "true" });
    const top = html("div", { class: "chart axis" }, this.axis);
    this.addLines(top);
    this.tags = this.lines[0].map((line) => line.appendChild(html("span", { class: "tag" })));
    this.rows = charts.map((chart) => this.row(chart));
    this.box.append(top, ...this.rows.map((row) => row.track));
    this.buttons();
    new ResizeObserver(() => this.fit()).observe(this.box);
  }

  row(chart) {
    const drawing = svg("svg", { height: chart.height, "aria-hidden": "true" });
    const slider = html(
      "div",
      {
        class: "chart",
        role: "slider",
        tabindex: "0",
        "aria-label": `${chart.title} over time`,
        "aria-valuemin": "0",
        "aria-valuemax": this.scale.duration.toFixed(1),
        "aria-valuenow": "0",
      },
      drawing,
    );
    const head = html("div", { class: "track-head" }, html("h3", {}, chart.title), ...(chart.control ? [chart.control] : []), chart.key);
    slider.addEventListener("keydown", (event) => this.key(event));
    slider.addEventListener("pointermove", (event) => this.move(event));
    slider.addEventListener("pointerleave", () => this.point(null));
    slider.addEventListener("click", (event) => this.player.seek(this.timeOf(event)));
    this.addLines(slider);
    return { chart, drawing, slider, track: html("div", { class: "track" }, head, slider) };
  }

  /** The lines of the pointer and of the moment, over a chart. */
  addLines(box) {
    const pair = ["line hover", "line"].map((name) => html("div", { class: name, "aria-hidden": "true" }));
    box.append(...pair);
    this.lines.push(pair);
  }

  // Drawing.

  fit() {
    const width = this.box.clientWidth;
    if (width === this.scale.width) return;
    this.scale.width = width;
    this.draw();
  }

  draw() {
    for (const { chart, drawing } of this.rows) drawing.replaceChildren(...chart.draw(this.scale));
    this.axis.replaceChildren(
      ...this.scale.ticks().flatMap(({ time, text: label }) => {
        const x = this.scale.x(time);
        return [svg("path", { class: "grid", d: `M${x} 16V20` }), text(x, 12, label, { "text-anchor": "middle" })];
      }),
    );
    const { scale } = this;
    byId("zoom-out").disabled = byId("zoom-all").disabled = byId("pan-label").hidden = scale.whole;
    byId("zoom-in").disabled = scale.span <= Math.min(SHORTEST_VIEW, scale.duration);
    if (!scale.whole) this.pan.value = Math.round((1000 * scale.from) / (scale.duration - scale.span));
    this.mark();
  }

  /** Put the lines where the pointer and the moment are. */
  mark() {
    [this.hover, this.time].forEach((time, kind) => {
      const shown = time !== null && this.scale.shows(time);
      const x = shown ? this.scale.x(time) : 0;
      for (const pair of this.lines) {
        pair[kind].hidden = !shown;
        pair[kind].style.transform = `translateX(${x}px)`;
      }
      if (shown) this.tags[kind].textContent = clock(time, 1);
    });
  }

  /** Show the values under the pointer, or else those of the moment. */
  read() {
    const time = this.hover ?? this.time;
    for (const { chart } of this.rows) chart.read(time);
  }

  // The moment.

  show(time) {
    const before = this.time;
    this.time = time;
    if (!this.scale.shows(time) && time !== before) {
      this.scale.move(time - 0.1 * this.scale.span);
      this.draw();
    }
    this.mark();
    if (this.hover === null) this.read();
    // Only the one that has the focus is listened to.
    const focused = this.rows.find((row) => row.slider === document.activeElement);
    if (focused) this.tell(focused);
  }

  tell({ slider, chart }) {
    slider.setAttribute("aria-valuenow", this.time.toFixed(1));
    slider.setAttribute("aria-valuetext", `${spokenTime(this.time)}: ${chart.describe(this.time)}`);
  }

  /** Draw and tell everything anew. */
  refresh() {
    this.draw();
    this.read();
    for (const row of this.rows) this.tell(row);
  }

  // Pointer and keys.

  timeOf(event) {
    return this.scale.time(event.clientX - this.box.getBoundingClientRect().left);
  }

  move(event) {
    const time = this.timeOf(event);
    if (event.pointerType === "mouse") this.point(time);
    if (event.pointerType === "mouse" && event.buttons === 1) this.player.seek(time);
  }

  point(time) {
    this.hover = time;
    this.mark();
    this.read();
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const by = { ArrowRight: SMALL, ArrowUp: SMALL, ArrowLeft: -SMALL, ArrowDown: -SMALL, PageUp: LARGE, PageDown: -LARGE }[event.key];
    const to = { Home: 0, End: this.scale.duration }[event.key];
    const zoom = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
    if (by !== undefined) this.player.seek(this.time + by);
    else if (to !== undefined) this.player.seek(to);
    else if (zoom !== undefined) this.zoom(zoom);
    else if (event.key === " ") this.player.toggle();
    else return;
    event.preventDefault();
  }

  zoom(factor) {
    this.scale.zoom(factor, this.time);
    this.draw();
  }

  buttons() {
    byId("zoom-in").addEventListener("click", () => this.zoom(0.5));
    byId("zoom-out").addEventListener("click", () => this.zoom(2));
    byId("zoom-all").addEventListener("click", () => this.zoom(Infinity));
    this.pan.addEventListener("input", () => {
      this.scale.move((this.pan.value / 1000) * (this.scale.duration - this.scale.span));
      this.draw();
    });
  }
}
