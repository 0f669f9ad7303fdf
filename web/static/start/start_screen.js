/** The start screen: choosing camera and microphone, looking at the preview and the level, and starting. */

import { NONE, alreadyAllowed, listDevices, openDevices, requireDevices } from "../shared/devices.js";
import { Microphone, showLevel } from "../shared/level.js";
import { fillPicker, showOpened } from "./pickers.js";
import { canShare, openShared } from "./sharing.js";

const SILENT_DB = -75;
const SILENT_MS = 4_000;

const $ = (id) => document.getElementById(id);

export class StartScreen {
  #banner;
  #onBegin;
  #stream = null;
  #microphone = null;
  #opening = 0;
  /** Whether the last captions were of something shared. */
  #shares = false;
  #underWay = false;
  /** @type {Promise<boolean>} the newest preview, which replaces those before it */
  #newest = Promise.resolve(false);
  #form = $("devices");
  #camera = $("camera");
  #sound = $("microphone");

  /**
   * @param {import("../shared/banner.js").Banner} banner
   * @param {(stream: MediaStream, choice: import("../shared/devices.js").Choice,
   *   shared?: import("./sharing.js").Shared) => void} onBegin takes the stream over
   */
  constructor(banner, onBegin) {
    this.#banner = banner;
    this.#onBegin = onBegin;
    $("server-host").textContent = isLocal(location.hostname) ? "on this computer" : `at ${location.host}`;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    $("allow").addEventListener("click", () => this.#preview());
    $("share").addEventListener("click", () => this.#share());
    $("sharing").hidden = !canShare();
    this.#form.addEventListener("change", () => this.#changed());
  }

  /** Looks for devices; opens them at once where that asks nothing. */
  async prepare() {
    try {
      requireDevices();
    } catch (error) {
      for (const control of this.#form.elements) control.disabled = true;
      this.#banner.show(error);
      return;
    }
    navigator.mediaDevices.addEventListener("devicechange", () => this.#fill());
    await this.#fill();
    // Whoever was quicker has opened them by now.
    if ((await alreadyAllowed()) && !this.#opening) await this.#preview();
  }

  /** Shows the screen again after captions have ended; camera and microphone stay off until asked for. */
  show() {
    $("start").hidden = false;
    this.#close();
  }

  hide() {
    $("start").hidden = true;
  }

  /** Begins again with what was used last. */
  goOn() {
    if (this.#shares) this.#share();
    else this.#form.requestSubmit();
  }

  /** Sends what a tab or the screen shows and plays. */
  async #share() {
    $("share").disabled = true;
    this.#banner.hide();
    try {
      const also = this.#form.elements.namedItem("alsoMicrophone").checked;
      const shared = await openShared(also ? this.#choice() : null);
      this.#close();
      this.#shares = true;
      this.#onBegin(shared.stream, this.#choice(), shared);
    } catch (error) {
      this.#banner.show(error, { "Try again": () => this.#share() });
    } finally {
      $("share").disabled = false;
    }
  }

  /** Sends the picture and sound of the preview, or opens them first. */
  async #begin() {
    $("begin").disabled = true;
    try {
      const live = this.#stream?.getTracks().some(({ readyState }) => readyState === "live");
      if (live || (await this.#preview())) {
        const stream = this.#stream;
        this.#stream = null;
        this.#close();
        this.#shares = false;
        this.#onBegin(stream, this.#choice());
      }
    } finally {
      $("begin").disabled = false;
    }
  }

  /** @returns {Promise<boolean>} whether something is open */
  #preview() {
    this.#newest = this.#open(++this.#opening);
    return this.#newest;
  }

  async #open(turn) {
    this.#close();
    this.#banner.hide();
    let opened;
    this.#underWay = true;
    try {
      opened = await openDevices(this.#choice());
    } catch (error) {
      if (turn !== this.#opening) return this.#newest;
      this.#banner.show(error, { "Try again": () => this.#preview() });
      return false;
    } finally {
      if (turn === this.#opening) this.#underWay = false;
    }
    if (turn !== this.#opening) {
      stop(opened.stream);
      return this.#newest;
    }
    this.#stream = opened.stream;
    await this.#fill();
    if (turn !== this.#opening) return this.#newest;
    this.#showStream(opened);
    return true;
  }

  #showStream({ stream, problem }) {
    const [picture] = stream.getVideoTracks();
    const [sound] = stream.getAudioTracks();
    if (problem) this.#banner.show(problem);
    if (picture) showOpened(this.#camera, picture);
    else this.#camera.value = NONE;
    if (sound) showOpened(this.#sound, sound);
    else this.#sound.value = NONE;
    $("allow").hidden = true;
    $("preview-box").dataset.empty = String(!picture);
    $("preview-note").textContent = picture ? "" : "Sound only: no camera is used.";
    $("preview").srcObject = picture ? stream : null;
    if (sound) this.#measure(stream);
    else $("meter-note").textContent = "Picture only: no microphone is used, so there will be no captions.";
  }

  #measure(stream) {
    let heard = performance.now();
    const say = (text) => {
      if ($("meter-note").textContent !== text) $("meter-note").textContent = text;
    };
    say("Say something: the bar moves with your voice.");
    this.#microphone = new Microphone(stream, (level) => {
      showLevel($("meter"), level);
      if (level > SILENT_DB) heard = performance.now();
      if (performance.now() - heard > SILENT_MS) say("Nothing is heard: is the microphone muted, or another one meant?");
      else say("Say something: the bar moves with your voice.");
    });
  }

  #close() {
    this.#microphone?.close();
    this.#microphone = null;
    if (this.#stream) stop(this.#stream);
    this.#stream = null;
    $("preview").srcObject = null;
    $("preview-box").dataset.empty = "true";
    $("preview-note").textContent = "The camera is off.";
    $("meter-note").textContent = "Turn the microphone on to see its level.";
    $("allow").hidden = false;
    showLevel($("meter"), -100);
  }

  #changed() {
    // Before the first permission a choice is only noted: a question comes when a button is pressed.
    if (this.#stream || this.#underWay) this.#preview();
  }

  async #fill() {
    const { cameras, microphones } = await listDevices();
    fillPicker(this.#camera, cameras, { noun: "Camera", without: "No camera, sound only" });
    fillPicker(this.#sound, microphones, { noun: "Microphone", without: "No microphone, picture only" });
  }

  #choice() {
    const named = (name) => this.#form.elements.namedItem(name).checked;
    return {
      camera: this.#camera.value,
      microphone: this.#sound.value,
      processing: {
        echoCancellation: named("echoCancellation"),
        noiseSuppression: named("noiseSuppression"),
        autoGainControl: named("autoGainControl"),
      },
    };
  }
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function isLocal(host) {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\./.test(host);
}
