/** Signs at the ends of sentences, as in `models/speech/spacing.py`. */

const CLOSED = /[.?!,;:…。？！、，]["'”’“»›)\]}」 ]*$/u;

/** Whether a text has no sign at its end, so that what comes next decides which one belongs there. */
export function leftOpen(text) {
  return !CLOSED.test(text);
}
