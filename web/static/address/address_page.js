/** The page that makes an address of the page of captions alone, and shows how they will look. */

import { SETTINGS, readSettings } from "../captions/caption_settings.js";
import { address } from "../shared/api.js";
import { applyReading } from "../shared/reading_settings.js";
import { addFields } from "./fields.js";

const COPIED_MS = 2_000;

const $ = (id) => document.getElementById(id);

const form = $("settings");
// Whoever has an address already goes on from it.
addFields(form, readSettings(location.search).settings);
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
$("copy").addEventListener("click", copy);
show();

function show() {
  const settings = {};
  const query = new URLSearchParams();
  for (const [name, { read, preset, expected }] of Object.entries(SETTINGS)) {
    const field = form.elements.namedItem(name);
    const text = field.value.trim();
    const value = text === "" ? preset : read(text);
    field.setAttribute("aria-invalid", String(value === undefined));
    field.setCustomValidity?.(value === undefined ? `Expected ${expected}.` : "");
    settings[name] = value ?? preset;
    if (value !== undefined && value !== preset) query.set(name, text);
  }
  const made = address("/captions");
  made.search = query.toString();
  $("address").value = made.href;
  $("open").href = made.href;
  showSample(settings);
}

function showSample(settings) {
  const { theme, size, align, color, background, font, spacing } = settings;
  const sample = $("sample");
  // The sample alone looks so, not this page.
  applyReading(sample, { ...settings, theme: "" });
  applyReading(document.documentElement, { ...settings, theme, spacing: "normal" });
  sample.dataset.solid = String(theme !== "");
  const words = sample.querySelector(".caption-text");
  Object.assign(sample.style, { fontSize: `${size}px`, textAlign: align, fontFamily: font || "" });
  words.style.color = color || (theme ? "var(--caption-text)" : "#ffffff");
  words.style.background = background || (theme ? "var(--caption-ground)" : "rgb(0 0 0 / 78%)");
  const [letterSpacing, wordSpacing] = spacing === "wide" ? ["0.12em", "0.35em"] : ["", ""];
  Object.assign(words.style, { letterSpacing, wordSpacing });
}

async function copy() {
  await navigator.clipboard.writeText($("address").value);
  $("copied").textContent = "Copied";
  setTimeout(() => ($("copied").textContent = ""), COPIED_MS);
}
