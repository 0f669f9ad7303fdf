/** The steps in which text grows and shrinks. */

import { LARGEST, SMALLEST } from "../shared/reading_settings.js";

/** Pixels. */
const STEPS = [12, 14, 16, 18, 20, 24, 28, 32, 36, 42, 48, 56, 64, 76, 90, 108, 128, 152, 180, 200];

export function larger(size) {
  return STEPS.find((step) => step > size) ?? LARGEST;
}

export function smaller(size) {
  return STEPS.findLast((step) => step < size) ?? SMALLEST;
}
