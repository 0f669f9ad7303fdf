/** Sound levels: the bar that shows one, and measuring that of a microphone in the browser. */

const QUIETEST_DB = -60;
const INTERVAL_MS = 60;

/**
 * @param {HTMLElement} bar an element with role "meter" and a `.level-fill` in it
 * @param {number} level dB of full scale
 */
export function showLevel(bar, level) {
  const bounded = Math.min(0, Math.max(QUIETEST_DB, level));
  bar.style.setProperty("--level", String(1 - bounded / QUIETEST_DB));
  bar.setAttribute("aria-valuenow", String(Math.round(bounded)));
  bar.setAttribute("aria-valuetext", `${Math.round(bounded)} decibels`);
}

/** Measures a stream's sound until it is closed. */
export class Microphone {
  #context = new AudioContext();
  #timer;

  /**
   * @param {MediaStream} stream
   * @param {(level: number) => void} onLevel gets the root mean square in dB of full scale
   */
  constructor(stream, onLevel) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 2048;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      onLevel(10 * Math.log10(power + 1e-10));
    }, INTERVAL_MS);
    // A page may make no sound before a click, and some browsers count this as sound.
    this.#context.resume().catch(() => {});
  }

  close() {
    clearInterval(this.#timer);
    this.#context.close().catch(() => {});
  }
}
