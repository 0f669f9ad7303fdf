/** The page of captions alone: for video mixers, and for who wants nothing but large text. */

import { CaptionView, markLanguage } from "../shared/caption_view.js";
import { Captions } from "../shared/captions.js";
import { Emotions } from "../shared/emotion.js";
import { followEvents } from "../shared/events.js";
import { describe } from "../shared/messages.js";
import { applyReading } from "../shared/reading_settings.js";
import { readSettings } from "./caption_settings.js";

const NOTICE_MS = 10_000;
/** Finished sentences kept for screen readers. */
const ANNOUNCED = 20;
/** What is told of sentences that have been said: captions that have gone do not come back for it. */
const LATER = new Set(["TranscriptCorrected", "SpeakerChanged", "SpeakerNamed"]);

const $ = (id) => document.getElementById(id);

const { settings, problems } = readSettings(location.search);
const captions = new Captions(announce);
const view = new CaptionView($("captions"));
const emotions = new Emotions();
let session = null;
let silence = 0;
let notice = 0;

/** For screen readers: whole sentences as they are in the end, not every change and correction of an unfinished one. */
function announce(text, event) {
  const line = document.createElement("p");
  line.textContent = text;
  markLanguage(line, event?.language);
  $("spoken").append(line);
  if ($("spoken").childElementCount > ANNOUNCED) $("spoken").firstElementChild.remove();
}

function applySettings() {
  const { style } = document.documentElement;
  applyReading(document.documentElement, settings);
  style.setProperty("--size", `${settings.size}px`);
  style.setProperty("--lines", String(settings.lines));
  style.setProperty("--align", settings.align);
  style.setProperty("--align-items", { left: "flex-start", right: "flex-end" }[settings.align] ?? "center");
  for (const name of ["font", "color", "background"]) {
    if (settings[name]) style.setProperty(`--${name}`, settings[name]);
  }
  document.body.dataset.outline = String(seesThrough(settings.background));
  if (problems.length) notify(problems.join("\n"));
}

function seesThrough(colour) {
  if (!colour) return false;
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return probe.getImageData(0, 0, 1, 1).data[3] < 128;
}

/** Words over the captions for a while: whoever sets the page up reads them, a broadcast is not spoilt for long. */
function notify(text) {
  clearTimeout(notice);
  $("notice").textContent = text;
  $("notice").hidden = false;
  notice = setTimeout(() => ($("notice").hidden = true), NOTICE_MS);
}

function onEvent(event) {
  document.body.dataset.state = "connected";
  if ((event.event === "Hello" || event.event === "Running") && event.session !== session) {
    session = event.session;
    captions.newSession();
    forgetEmotions();
  } else if (event.event === "End") {
    captions.breakOff();
    forgetEmotions();
  }
  if (captions.apply(event)) {
    view.show(captions.lines, captions.before);
    if (!LATER.has(event.event)) restartSilence();
  }
  if (settings.emotion) showEmotion(emotions.apply(event, performance.now()));
}

function restartSilence() {
  clearTimeout(silence);
  $("captions").dataset.faded = "false";
  if (settings.hide) silence = setTimeout(() => ($("captions").dataset.faded = "true"), 1000 * settings.hide);
}

function forgetEmotions() {
  emotions.clear();
  $("emotion").hidden = true;
}

function showEmotion(update) {
  if (!update) return;
  const text = document.createElement("span");
  text.className = "emotion-text";
  text.textContent = update.label;
  $("emotion").replaceChildren(text);
  $("emotion").hidden = update.label === "unknown";
}

function onLost(code) {
  document.body.dataset.state = "lost";
  captions.breakOff();
  forgetEmotions();
  view.show(captions.lines, captions.before);
  // A server that is restarted is no news on a broadcast; a missing token is, since nothing will come.
  if (code === "token") {
    const { title, text } = describe({ code });
    notify(`${title}. ${text}`);
  }
}

applySettings();
await followEvents(settings.session, { onEvent, onLost });
