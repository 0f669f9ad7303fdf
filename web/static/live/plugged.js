/** Devices that are unplugged while captions run, and come back. */

import { NONE, openDevices } from "../shared/devices.js";

export class Plugged {
  #stream;
  #choice;
  #listeners;
  #gone = new Set();
  #look = () => this.#reopen();

  /**
   * @param {MediaStream} stream its tracks are replaced when a device comes back
   * @param {import("../shared/devices.js").Choice} choice what it was opened with
   * @param {{onGone: (kind: string) => void, onBack: (track: MediaStreamTrack) => void}} listeners
   */
  constructor(stream, choice, listeners) {
    this.#stream = stream;
    this.#choice = choice;
    this.#listeners = listeners;
    for (const track of stream.getTracks()) this.#watch(track);
    navigator.mediaDevices.addEventListener("devicechange", this.#look);
  }

  close() {
    navigator.mediaDevices.removeEventListener("devicechange", this.#look);
  }

  #watch(track) {
    // `stop()` fires no such event, only the loss of the device does.
    track.addEventListener("ended", () => {
      this.#gone.add(track.kind);
      this.#listeners.onGone(track.kind);
    });
  }

  async #reopen() {
    for (const kind of this.#gone) {
      const other = kind === "video" ? { microphone: NONE } : { camera: NONE };
      try {
        const { stream } = await openDevices({ ...this.#choice, ...other });
        this.#gone.delete(kind);
        this.#replace(stream.getTracks()[0]);
      } catch {
        // Still away: the next change of devices is another chance.
      }
    }
  }

  #replace(track) {
    for (const old of this.#stream.getTracks()) if (old.kind === track.kind) this.#stream.removeTrack(old);
    this.#stream.addTrack(track);
    this.#watch(track);
    this.#listeners.onBack(track);
  }
}
