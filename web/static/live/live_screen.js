/** The live screen: what the events of a session look like. */

import { CaptionView } from "../shared/caption_view.js";
import { Captions } from "../shared/captions.js";
import { EmotionView, Emotions } from "../shared/emotion.js";
import { showLevel } from "../shared/level.js";
import { Overlay } from "./overlay.js";
import { Warnings } from "./warnings.js";

const $ = (id) => document.getElementById(id);

export class LiveScreen {
  #captions = new Captions((text, event) => this.#keep(text, event));
  #captionView = new CaptionView($("captions"));
  #transcript;
  #overlay = new Overlay($("overlay"), $("video"));
  #warnings = new Warnings($("warnings"));
  #emotions = new Emotions();
  #emotionView = new EmotionView({
    label: $("emotion-label"),
    bars: $("emotion-bars"),
    balance: $("balance"),
    face: $("balance-face"),
    voice: $("balance-voice"),
  });
  #emotionOn = true;
  #placeholder = document.createElement("p");
  #delay = null;

  /** @param {import("../transcript/transcript_card.js").TranscriptCard} transcript gets every finished sentence */
  constructor(transcript) {
    this.#transcript = transcript;
    this.#placeholder.className = "captions-placeholder";
    // Narrow windows give the picture its own shape, that of a phone held upright included.
    $("video").addEventListener("resize", ({ target }) => {
      if (target.videoWidth) $("picture").style.setProperty("--ratio", `${target.videoWidth} / ${target.videoHeight}`);
    });
  }

  /**
   * @param {MediaStream} stream
   * @param {boolean} mirrored whether it is the reader's own face, and not what a screen shows
   */
  show(stream, mirrored) {
    $("live").hidden = false;
    const hasPicture = stream.getVideoTracks().length > 0;
    this.#warnings.sent = { audio: stream.getAudioTracks().length > 0, video: hasPicture };
    $("video").srcObject = hasPicture ? stream : null;
    $("video").classList.toggle("mirrored", mirrored);
    $("video").setAttribute("aria-label", mirrored ? "Your camera, mirrored" : "What is shared");
    this.#overlay.mirrored = mirrored;
    $("picture").dataset.empty = String(!hasPicture);
    $("live-title").focus();
  }

  hide() {
    $("live").hidden = true;
    $("video").srcObject = null;
    this.quiet();
  }

  /** Words in place of captions while there are none. */
  invite(text) {
    this.#placeholder.textContent = text;
    if (!this.#captions.lines.length) $("captions").append(this.#placeholder);
  }

  /** The session has ended or is lost: text stays, all that belonged to its moment goes. */
  quiet() {
    this.#captions.newSession();
    this.#transcript.newSession();
    this.#captionView.show(this.#captions.lines, this.#captions.before);
    this.#overlay.clear();
    this.#warnings.clear();
    this.#emotions.clear();
    this.#emotionView.wait("waiting for a face or a voice");
    this.#delay = null;
    $("delay").textContent = "";
    showSound({ level: -100, speech: false });
    showRecording(null);
  }

  /** @param {Record<string, boolean>} on what is switched on */
  switched(on) {
    this.#overlay.lipsOn = on.lips;
    this.#emotionOn = on.emotion;
    if (!on.emotion) this.#emotionView.wait("switched off");
    const hasPicture = $("picture").dataset.empty !== "true";
    $("picture").dataset.paused = String(!on.picture);
    $("picture-note").textContent = [
      on.picture ? (hasPicture ? "" : "Sound only") : "Paused",
      !on.sound && on.picture ? "Muted" : "",
    ]
      .filter(Boolean)
      .join(", ");
    if (!on.picture) this.#overlay.clear();
  }

  /** @param {any} event */
  apply(event) {
    if (this.#captions.apply(event)) {
      this.#placeholder.remove();
      this.#captionView.show(this.#captions.lines, this.#captions.before);
    }
    this.#transcript.learn(event);
    if (event.event === "SoundEvent") this.#transcript.hear(event, begun(event));
    this.#overlay.apply(event);
    this.#warnings.apply(event);
    const emotion = this.#emotions.apply(event, performance.now());
    // What was on its way when it was switched off comes too late.
    if (emotion && this.#emotionOn) this.#emotionView.show(emotion);
    if (event.event === "SoundLevel") showSound(event);
    if (event.event === "Recording") showRecording(event.on ? event.file : null);
    if (event.event === "TranscriptPartial") this.#showDelay(event.emitted - event.end);
  }

  #keep(text, event) {
    this.#transcript.add(text, event ? begun(event) : new Date(), event);
  }

  #showDelay(seconds) {
    this.#delay = this.#delay === null ? seconds : 0.8 * this.#delay + 0.2 * seconds;
    $("delay").textContent = `text ${Math.max(0, this.#delay).toFixed(1)} s behind`;
  }
}

/** When it was that an event began. The sessions of one page follow one another: the time of day is what they share. */
function begun(event) {
  return new Date(Date.now() - 1000 * (event.emitted - event.start));
}

/** Whoever is seen and heard is told that it is kept. */
function showRecording(file) {
  $("recorded").hidden = !file;
  $("recorded").textContent = file ? `Recording into ${file}` : "";
}

function showSound({ level, speech }) {
  showLevel($("sound"), level);
  $("speech").dataset.speech = String(speech);
  const text = speech ? "speech" : "no speech";
  if ($("speech").textContent !== text) $("speech").textContent = text;
}
