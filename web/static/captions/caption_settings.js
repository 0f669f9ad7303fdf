/** The settings of the caption page, from its address. A bad one is left out and said, never more. */

import { READING } from "../shared/reading_settings.js";
import { colour, flag, number, oneOf, session, whole } from "../shared/setting_kinds.js";

/** What each setting may be: `read` gives its value, or undefined for a bad one. */
export const SETTINGS = {
  ...READING,
  // Text over a video is looked at from further away.
  size: { ...READING.size, preset: 48 },
  // Nothing chosen is white on a see-through black box, which fits every picture.
  theme: { ...READING.theme, preset: "" },
  lines: { expected: "a whole number from 1 to 10", read: whole(1, 10), preset: 2 },
  color: { expected: "a colour such as white or ffcc00", read: colour, preset: "" },
  background: { expected: "a colour such as black or 000000cc, or transparent", read: colour, preset: "" },
  align: { expected: "left, center or right", read: oneOf("left", "center", "right"), preset: "center" },
  emotion: { expected: "0 or 1", read: flag, preset: false },
  hide: { expected: "seconds of silence from 0 (never) to 3600", read: number(0, 3600), preset: 0 },
  session: { expected: "the id of a session", read: session, preset: null },
};

/** Not a setting, and none of this page's business. */
const IGNORED = new Set(["token"]);

/**
 * @param {string} search as in `location.search`
 * @returns {{settings: Record<string, any>, problems: string[]}}
 */
export function readSettings(search) {
  const settings = Object.fromEntries(Object.entries(SETTINGS).map(([name, { preset }]) => [name, preset]));
  const problems = [];
  for (const [name, text] of new URLSearchParams(search)) {
    if (IGNORED.has(name)) continue;
    if (!Object.hasOwn(SETTINGS, name)) {
      problems.push(`There is no setting “${brief(name)}”; there are: ${Object.keys(SETTINGS).join(", ")}.`);
      continue;
    }
    const { expected, read } = SETTINGS[name];
    const value = read(text.trim());
    if (value === undefined) problems.push(`${name}=${brief(text)} is left out: expected ${expected}.`);
    else settings[name] = value;
  }
  return { settings, problems };
}

function brief(text) {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
