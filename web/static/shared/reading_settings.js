/** How captions look, the same on every page: which settings there are, and the reader's own, which are remembered. */

import { flag, font, number, oneOf, wholeOrNone } from "./setting_kinds.js";

export const SMALLEST = 12;
export const LARGEST = 200;
export const THEMES = ["system", "light", "dark", "contrast", "cream"];
/** Fonts that are there on most systems, by what they are called on the page. */
export const FONTS = {
  "": "The system's",
  "Verdana, DejaVu Sans, sans-serif": "Wide, Verdana",
  "Atkinson Hyperlegible, Verdana, DejaVu Sans, sans-serif": "Atkinson Hyperlegible, where it is installed",
  "OpenDyslexic, Comic Sans MS, Comic Neue, sans-serif": "OpenDyslexic, where it is installed",
  "Georgia, DejaVu Serif, serif": "With serifs",
};

/** What each setting may be: `read` gives its value, or undefined for a bad one. */
export const READING = {
  size: { expected: `a number of pixels from ${SMALLEST} to ${LARGEST}`, read: number(SMALLEST, LARGEST), preset: 32 },
  theme: { expected: THEMES.join(", "), read: oneOf(...THEMES), preset: "system" },
  spacing: { expected: "normal or wide", read: oneOf("normal", "wide"), preset: "normal" },
  width: { expected: "characters in a line from 10 to 200, or 0 for as many as fit", read: wholeOrNone(10, 200), preset: 0 },
  font: { expected: "names of fonts, separated by commas", read: font, preset: "" },
};
/** Of this page alone, and remembered with them. */
const REMEMBERED = { ...READING, keys: { expected: "0 or 1", read: flag, preset: true } };

const PLACE = "lipstream-reading";

/** The settings as they are where nobody has chosen any. */
export function presets() {
  return Object.fromEntries(Object.entries(REMEMBERED).map(([name, { preset }]) => [name, preset]));
}

/**
 * The reader's own settings. What is kept and no longer means anything is left out.
 *
 * @returns {Record<string, any>}
 */
export function remembered() {
  const settings = presets();
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(PLACE)) ?? {};
  } catch {
    // Nothing may be kept here, or what is kept is of another program: everything is as nobody has chosen it.
  }
  for (const [name, { read }] of Object.entries(REMEMBERED)) {
    const value = Object.hasOwn(kept, name) ? read(asText(kept[name])) : undefined;
    if (value !== undefined) settings[name] = value;
  }
  return settings;
}

/** @param {Record<string, any>} settings */
export function remember(settings) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing: they hold until the page is left.
  }
}

/**
 * The part of an address of `/captions` that stands for settings. Size and theme are always there, as that page has its
 * own where it is told none.
 *
 * @param {Record<string, any>} settings
 * @returns {URLSearchParams}
 */
export function asQuery(settings) {
  const query = new URLSearchParams();
  for (const [name, { preset }] of Object.entries(READING)) {
    const always = name === "size" || name === "theme";
    if (settings[name] !== undefined && (always || settings[name] !== preset)) query.set(name, asText(settings[name]));
  }
  return query;
}

/**
 * Has a page look as settings say, but for the size, which is of the captions alone.
 *
 * @param {HTMLElement} root of the document
 * @param {Record<string, any>} settings
 */
export function applyReading(root, { size, theme, spacing, width, font: family }) {
  root.dataset.theme = theme;
  root.dataset.spacing = spacing;
  root.style.setProperty("--caption-size", `${size}px`);
  root.style.setProperty("--caption-width", width ? `${width}ch` : "100%");
  if (family) root.style.setProperty("--caption-font", family);
  else root.style.removeProperty("--caption-font");
}

function asText(value) {
  if (typeof value === "boolean") return value ? "1" : "0";
  return String(value);
}
