/** The settings of the caption page, from its address. A bad one is left out and said, never more. */

const COLOUR = /^(#?[0-9a-f]{3,8}|[a-z]{3,24}|(rgb|hsl)a?\([\d\s.,%/deg-]{3,40}\))$/i;

/** What each setting may be: `read` gives its value, or undefined for a bad one. */
const SETTINGS = {
  size: { expected: "a number of pixels from 12 to 200", read: number(12, 200), preset: 48 },
  lines: { expected: "a whole number from 1 to 10", read: whole(1, 10), preset: 2 },
  font: { expected: "names of fonts, separated by commas", read: font, preset: "" },
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

function number(least, most) {
  return (text) => {
    const value = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? value : undefined;
  };
}

function whole(least, most) {
  const read = number(least, most);
  return (text) => (Number.isInteger(read(text)) ? Number(text) : undefined);
}

function oneOf(...values) {
  return (text) => (values.includes(text) ? text : undefined);
}

function flag(text) {
  return { 0: false, 1: true }[text];
}

function session(text) {
  return /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

function font(text) {
  return /^[\p{L}\p{N} ,'"-]{1,100}$/u.test(text) && CSS.supports("font-family", text) ? text : undefined;
}

/** In an address `#` begins the fragment, so hexadecimal colours come without. */
function colour(text) {
  if (!COLOUR.test(text)) return undefined;
  const name = /^([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i.test(text) ? `#${text}` : text;
  return CSS.supports("color", name) ? name : undefined;
}
