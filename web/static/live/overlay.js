/** Draws faces and lips over the picture, mirrored where that is. */

/** A face that was not reported for this long is no longer drawn, milliseconds. */
const STALE_MS = 700;
const SPEAKER = "#5fd4c8";
const OTHER = "#d3dae1";

export class Overlay {
  #canvas;
  #video;
  /** @type {Map<number, {event: any, seen: number}>} */
  #faces = new Map();
  #lipsOn = true;
  #frame = 0;
  /** Whether the picture is shown as in a mirror. */
  mirrored = true;

  /**
   * @param {HTMLCanvasElement} canvas lies exactly over the video's element
   * @param {HTMLVideoElement} video shown whole
   */
  constructor(canvas, video) {
    this.#canvas = canvas;
    this.#video = video;
    new ResizeObserver(() => this.#ask()).observe(canvas);
  }

  /** @param {any} event */
  apply(event) {
    if (event.event === "FaceSeen") this.#faces.set(event.face, { event, seen: performance.now() });
    else if (event.event === "FaceLost") this.#faces.delete(event.face);
    else return;
    this.#ask();
  }

  /** Whether lips are a witness just now; their outline is drawn only then. */
  set lipsOn(on) {
    this.#lipsOn = on;
    this.#ask();
  }

  clear() {
    this.#faces.clear();
    this.#ask();
  }

  #ask() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const now = performance.now();
    for (const [face, { seen }] of this.#faces) if (now - seen > STALE_MS) this.#faces.delete(face);
    const context = this.#prepare();
    const area = this.#area();
    for (const { event } of this.#faces.values()) {
      drawBox(context, area, event);
      if (this.#lipsOn) drawLips(context, area, event);
    }
    // One more look after the last report, to take away what has become stale.
    if (this.#faces.size) setTimeout(() => this.#ask(), STALE_MS + 50);
  }

  #prepare() {
    const { clientWidth, clientHeight } = this.#canvas;
    const scale = devicePixelRatio;
    const [width, height] = [Math.round(clientWidth * scale), Math.round(clientHeight * scale)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const context = this.#canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    return context;
  }

  /** Where the picture is within its element (object-fit: contain). */
  #area() {
    const { clientWidth, clientHeight } = this.#canvas;
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth) return { left: 0, top: 0, width: clientWidth, height: clientHeight, mirrored: this.mirrored };
    const scale = Math.min(clientWidth / videoWidth, clientHeight / videoHeight);
    const [width, height] = [videoWidth * scale, videoHeight * scale];
    return { left: (clientWidth - width) / 2, top: (clientHeight - height) / 2, width, height, mirrored: this.mirrored };
  }
}

/** From fractions of the picture to the place on the canvas. */
function place(area, [x, y]) {
  return [area.left + (area.mirrored ? 1 - x : x) * area.width, area.top + y * area.height];
}

function drawBox(context, area, { box, speaker }) {
  const [one, top] = place(area, [box[0], box[1]]);
  const [other, bottom] = place(area, [box[2], box[3]]);
  const [left, right] = [Math.min(one, other), Math.max(one, other)];
  context.beginPath();
  context.roundRect(left, top, right - left, bottom - top, 10);
  context.lineWidth = speaker ? 3 : 1.5;
  context.strokeStyle = speaker ? SPEAKER : OTHER;
  context.setLineDash(speaker ? [] : [6, 5]);
  context.stroke();
  context.setLineDash([]);
}

function drawLips(context, area, { lips, speaker, talking }) {
  if (!lips.length) return;
  context.beginPath();
  for (const point of lips) context.lineTo(...place(area, point));
  context.closePath();
  // Brighter, thicker and filled while they talk.
  const active = speaker && talking;
  context.globalAlpha = active ? 1 : 0.55;
  context.lineWidth = active ? 3 : 1.5;
  context.lineJoin = "round";
  context.strokeStyle = speaker ? SPEAKER : OTHER;
  context.stroke();
  if (active) {
    context.globalAlpha = 0.25;
    context.fillStyle = SPEAKER;
    context.fill();
  }
  context.globalAlpha = 1;
}
