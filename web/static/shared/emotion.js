/** Which emotion to show, its bars, and where it lies between unpleasant and pleasant, calm and excited. */

/** Labels that name no emotion, and what is shown for them. */
const NO_EMOTION = { unknown: "nothing to judge by", unclear: "Unclear" };

/** An update older than this is no longer shown as that of the speaker, milliseconds. */
const STALE_MS = 3_000;

/** Follows the updates of all faces and picks the one to show: the speaker's, if there is one. */
export class Emotions {
  #updates = new Map();
  #speaker = null;
  /** Whose emotion was given out last. */
  #shown = undefined;

  /**
   * @param {any} event
   * @param {number} now milliseconds
   * @returns {any} the `EmotionUpdate` to show, or the `EmotionChanged` that takes it back, if this event changed it,
   *   else null
   */
  apply(event, now) {
    if (event.event === "FaceSeen" && event.speaker) this.#speaker = event.face;
    else if (event.event === "FaceLost") this.#updates.delete(event.face);
    if (event.event === "EmotionChanged" && event.label === "unknown") {
      // No update need follow: the face has gone, or emotion was switched off.
      this.#updates.delete(event.face);
      return event.face === this.#shown ? event : null;
    }
    if (event.event !== "EmotionUpdate") return null;
    this.#updates.set(event.face, { event, now });
    const speaker = this.#updates.get(this.#speaker);
    if (speaker && now - speaker.now < STALE_MS && speaker.event !== event) return null;
    this.#shown = event.face;
    return event;
  }

  clear() {
    this.#updates.clear();
    this.#speaker = null;
    this.#shown = undefined;
  }
}

/** The bars, the label above them, the balance of face and voice and the plane of valence and arousal below. */
export class EmotionView {
  #parts;
  #bars = new Map();
  #plane = new Plane();

  /** @param {{label: HTMLElement, bars: HTMLElement, balance: HTMLElement, face: HTMLElement, voice: HTMLElement}} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.balance.after(this.#plane.figure);
    this.wait("waiting for a face or a voice");
  }

  /** @param {any} update an `EmotionUpdate` */
  show({ label, probabilities, valence, arousal, weights }) {
    const known = label !== "unknown";
    this.#label(NO_EMOTION[label] ?? capital(label), !(label in NO_EMOTION));
    this.#plane.show(known ? (valence ?? null) : null, arousal);
    for (const [name, probability] of Object.entries(probabilities)) {
      const bar = this.#bars.get(name) ?? this.#add(name);
      bar.row.dataset.top = String(known && name === label);
      bar.fill.style.setProperty("--share", String(known ? probability : 0));
      bar.value.textContent = known ? `${Math.round(100 * probability)} %` : "–";
    }
    this.#balance(weights);
  }

  /** @param {string} why there is nothing to show */
  wait(why) {
    this.#label(why, false);
    for (const { row, fill, value } of this.#bars.values()) {
      row.dataset.top = "false";
      fill.style.setProperty("--share", "0");
      value.textContent = "–";
    }
    this.#parts.balance.hidden = true;
    this.#plane.show(null, 0);
  }

  #label(text, known) {
    const { label } = this.#parts;
    if (label.textContent !== text) label.textContent = text;
    label.dataset.known = String(known);
  }

  #balance({ face, voice }) {
    const { balance } = this.#parts;
    balance.hidden = face + voice === 0;
    balance.style.setProperty("--face", String(face));
    balance.style.setProperty("--voice", String(voice));
    const percent = Math.round(100 * face);
    this.#parts.face.textContent = `from the face ${percent} %`;
    this.#parts.voice.textContent = `from the voice ${100 - percent} %`;
  }

  #add(name) {
    const row = document.createElement("li");
    const text = document.createElement("span");
    text.textContent = capital(name);
    const track = document.createElement("span");
    track.className = "track";
    const fill = document.createElement("span");
    fill.className = "fill";
    track.append(fill);
    const value = document.createElement("span");
    value.className = "value";
    row.append(text, track, value);
    this.#parts.bars.append(row);
    const bar = { row, fill, value };
    this.#bars.set(name, bar);
    return bar;
  }
}

/** A dot between unpleasant (left) and pleasant (right), calm (low) and excited (high). */
class Plane {
  figure = document.createElement("div");
  #dot = document.createElement("span");

  constructor() {
    this.figure.className = "emotion-plane";
    this.figure.setAttribute("role", "img");
    for (const [side, word] of Object.entries({ left: "unpleasant", right: "pleasant", top: "excited", bottom: "calm" })) {
      const text = document.createElement("span");
      text.className = `plane-${side}`;
      text.textContent = word;
      this.figure.append(text);
    }
    this.#dot.className = "plane-dot";
    this.figure.append(this.#dot);
  }

  /**
   * @param {number | null} valence in [-1, 1], null where there is nothing to show
   * @param {number} arousal in [-1, 1]
   */
  show(valence, arousal) {
    this.figure.hidden = valence === null;
    if (valence === null) return;
    this.#dot.style.setProperty("--valence", String(valence));
    this.#dot.style.setProperty("--arousal", String(arousal));
    this.figure.setAttribute("aria-label", `valence ${valence.toFixed(1)}, arousal ${arousal.toFixed(1)}, of -1 to 1`);
  }
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
