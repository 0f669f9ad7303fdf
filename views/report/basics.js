"use strict";

/** Set attributes of an element and append children; a string becomes text, never markup. */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function html(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

/** "1:05", from an hour on "1:02:05"; with digits behind the point if asked. */
function clock(seconds, digits = 0) {
  const unit = 10 ** digits;
  const total = Math.floor(seconds * unit + 1e-6);
  const rest = total % (60 * unit);
  const minutes = (total - rest) / (60 * unit);
  const secs = (rest / unit).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${secs}` : `${minutes}:${secs}`;
}

/** The same in words, for those who hear it. */
function spokenTime(seconds) {
  const minutes = Math.floor(seconds / 60);
  const secs = `${(seconds - 60 * minutes).toFixed(1)} seconds`;
  return minutes ? `${minutes} minute${minutes > 1 ? "s" : ""} ${secs}` : secs;
}

/** With a space that no line is broken at. */
function percent(share) {
  return `${Math.round(100 * share)}\u00a0%`;
}

/** Index of the last of growing values that is not above a value; -1 if there is none. */
function lastUpTo(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Whether one of the spans [start, end] in order holds a moment. */
function holds(spans, time) {
  return spans.some(([start, end]) => start <= time && time < end);
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
