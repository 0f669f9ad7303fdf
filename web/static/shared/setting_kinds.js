/** Readers of settings as text: each gives the value, or undefined for a bad one. */

const COLOUR = /^(#?[0-9a-f]{3,8}|[a-z]{3,24}|(rgb|hsl)a?\([\d\s.,%/deg-]{3,40}\))$/i;

export function number(least, most) {
  return (text) => {
    const value = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? value : undefined;
  };
}

export function whole(least, most) {
  const read = number(least, most);
  return (text) => (Number.isInteger(read(text)) ? Number(text) : undefined);
}

/** A whole number, where 0 stands for "no limit". */
export function wholeOrNone(least, most) {
  const read = whole(least, most);
  return (text) => (text === "0" ? 0 : read(text));
}

export function oneOf(...values) {
  return (text) => (values.includes(text) ? text : undefined);
}

export function flag(text) {
  return { 0: false, 1: true }[text];
}

export function session(text) {
  return /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

export function font(text) {
  return /^[\p{L}\p{N} ,'"-]{1,100}$/u.test(text) && CSS.supports("font-family", text) ? text : undefined;
}

/** In an address `#` begins the fragment, so hexadecimal colours come without. */
export function colour(text) {
  if (!COLOUR.test(text)) return undefined;
  const name = /^([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i.test(text) ? `#${text}` : text;
  return CSS.supports("color", name) ? name : undefined;
}
