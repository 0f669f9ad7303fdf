"use strict";

/** The recording, and the moment it is at. Without a recording that plays the moment can still be moved. */
class Player {
  constructor(media, { duration, origin, complete }) {
    this.duration = duration;
    this.media = media;
    this.origin = origin;
    this.complete = complete;
    this.wanted = 0;
    this.listeners = [];
    this.playing = false;
    for (const name of ["timeupdate", "seeking", "seeked", "pause", "ended"]) {
      media.addEventListener(name, () => this.tell());
    }
    media.addEventListener("loadedmetadata", () => {
      if (this.wanted > 0) media.currentTime = this.wanted + this.offset;
      this.tell();
    });
    media.addEventListener("play", () => this.follow());
  }

  get usable() {
    return this.media.readyState > 0 && !this.media.error;
  }

  /** What the element's time is ahead of that of the captions.
   *
   * Of a recording whose own time does not begin at 0 some browsers count from there (Chromium), others from 0; which,
   * its length tells, if the captions go to its end.
   */
  get offset() {
    const counts = !this.complete || this.media.duration > this.duration + this.origin / 2;
    return counts ? this.origin : 0;
  }

  get time() {
    return clamp(this.usable ? this.media.currentTime - this.offset : this.wanted, 0, this.duration);
  }

  get paused() {
    return this.media.paused;
  }

  seek(seconds) {
    this.wanted = clamp(seconds, 0, this.duration);
    if (this.usable) this.media.currentTime = this.wanted + this.offset;
    this.tell(this.wanted);
  }

  toggle() {
    if (!this.media.paused) this.media.pause();
    // What keeps it from playing is shown by the element itself.
    else this.media.play().catch(() => {});
  }

  /** Call a function with the moment, in seconds, whenever it changes. */
  listen(listener) {
    this.listeners.push(listener);
  }

  tell(time = this.time) {
    for (const listener of this.listeners) listener(time);
  }

  /** While it plays the moment changes more often than the element tells. */
  follow() {
    if (this.playing) return;
    this.playing = true;
    const step = () => {
      this.playing = !this.media.paused && !this.media.ended;
      this.tell();
      if (this.playing) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
}
