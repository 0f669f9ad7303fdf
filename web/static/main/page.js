/** The page with camera and microphone: start screen, live screen, recordings, and what goes between them. */

import { growingCard } from "../growing/growing.js";
import { LiveConnection } from "../live/connection.js";
import { LiveScreen } from "../live/live_screen.js";
import { Plugged } from "../live/plugged.js";
import { Switches } from "../live/switches.js";
import { Terms } from "../live/terms.js";
import { Reader } from "../reader/reader.js";
import { call } from "../shared/api.js";
import { Banner } from "../shared/banner.js";
import { PageError } from "../shared/errors.js";
import { StartScreen } from "../start/start_screen.js";
import { TranscriptCard } from "../transcript/transcript_card.js";
import { acceptRecordings, formatDuration, formatSize } from "./upload.js";

/** Attempts that fail in a row before the page says more than that it tries again. */
const PATIENCE = 4;
/** What is over once there is a connection. */
const OVER_WHEN_LIVE = new Set(["network", "gone", "busy", "peer", "ended", "no-network", "server"]);
const OVER_WHEN_PLUGGED = new Set(["device-gone"]);

const $ = (id) => document.getElementById(id);

const banner = new Banner($("message"));
const transcript = new TranscriptCard(banner);
const reader = new Reader(() => transcript.search());
const live = new LiveScreen(transcript);
const start = new StartScreen(banner, (stream, choice, shared) => run(stream, choice, shared));
const switches = new Switches(
  { mute: $("mute"), pause: $("pause"), lips: $("lips"), emotion: $("emotion-switch") },
  { onChange: applySwitches, onError: (error) => banner.show(error) },
);
const growing = growingCard(banner);
const terms = new Terms({ form: $("terms"), field: $("terms-field"), note: $("terms-note") });
let connection = null;
let sending = null;
let limits = {};
/** Whether a profile may grow here, if its user agrees. */
let grows = false;

/** Captions until they are stopped or cannot go on. */
async function run(stream, choice, shared = null) {
  let ended = null;
  const current = new LiveConnection(stream, !shared, {
    onEvent: (event) => live.apply(event),
    onSession(session) {
      switches.follow(session);
      terms.follow(session);
    },
    onState: showState,
  });
  connection = current;
  sending = stream;
  const plugged = shared ? null : watchDevices(stream, choice, current);
  shared?.whenEnded(() => {
    if (connection !== current) return;
    stop();
    ended = new PageError("share-ended");
  });
  start.hide();
  transcript.begin();
  live.show(stream, !shared);
  applySwitches();
  let failure = null;
  try {
    await current.run();
  } catch (error) {
    // Stopping in the middle of connecting fails in ways that are no news.
    if (connection === current) failure = error;
  }
  plugged?.close();
  for (const track of stream.getTracks()) track.stop();
  shared?.close();
  finish(failure ?? ended);
}

/** Has captions go on with what is left where a device is unplugged, and with it again once it is back. */
function watchDevices(stream, choice, current) {
  return new Plugged(stream, choice, {
    onGone: () => banner.show(new PageError("device-gone")),
    onBack(track) {
      banner.hide(OVER_WHEN_PLUGGED);
      live.show(stream, true);
      applySwitches();
      current.replace(track);
    },
  });
}

function finish(failure) {
  connection = sending = null;
  switches.reset();
  terms.follow(null);
  live.hide();
  reader.leave();
  start.show();
  setState("start");
  transcript.end();
  showGrowing();
  if (failure) banner.show(failure, { [failure.code === "share-ended" ? "Go on" : "Try again"]: () => start.goOn() });
}

function stop() {
  const current = connection;
  connection = null;
  current?.stop();
}

function showState(state, attempts, error) {
  setState(state);
  const status = $("status");
  const [kind, text] = {
    connecting: ["busy", "Connecting"],
    loading: ["busy", "Loading the networks"],
    live: ["live", "Live"],
    lost: ["lost", error?.code === "busy" ? "Server busy, trying again" : "Connection lost, trying again"],
  }[state];
  status.dataset.kind = kind;
  if (status.textContent !== text) status.textContent = text;
  if (state === "lost") {
    live.quiet();
    terms.follow(null);
    if (attempts === PATIENCE) {
      const shown = error?.code === "network" ? new PageError("gone") : error;
      banner.show(shown, { "Try now": () => connection?.retry() });
    }
  } else if (state === "live") {
    banner.hide(OVER_WHEN_LIVE);
    const heard = sending?.getAudioTracks().length;
    live.invite(heard ? "Speak: your words appear here." : "There is no microphone, so there are no captions.");
  } else {
    live.invite(`One moment, please${sending?.getAudioTracks().length ? ": wait before you speak" : ""}.`);
  }
}

function setState(state) {
  document.body.dataset.state = state;
}

/** What is muted or paused is not even sent. */
function applySwitches() {
  const { on, paused } = switches;
  live.switched(on);
  for (const track of sending?.getAudioTracks() ?? []) track.enabled = on.sound;
  if (paused) $("video").pause();
  else $("video").play().catch(() => {});
}

/** How far the profile is; captions do not wait for it. */
function showGrowing() {
  if (grows) growing.show();
}

async function askServer() {
  try {
    const { upload, formats, emotion, growing: asks } = await call("/api/status");
    for (const part of [$("emotion-switch"), $("emotion")]) part.hidden = emotion === false;
    grows = asks === true;
    showGrowing();
    limits = upload ?? {};
    transcript.offer(formats ?? []);
    const most = [
      limits.max_bytes && formatSize(limits.max_bytes),
      limits.max_seconds && formatDuration(limits.max_seconds),
    ].filter(Boolean);
    if (most.length) $("upload-limits").append(` At most ${most.join(" and ")}.`);
  } catch (error) {
    banner.show(error, { "Try again": () => location.reload() });
  }
}

$("stop").addEventListener("click", stop);
$("go-on").addEventListener("click", () => start.goOn());
addEventListener("pagehide", stop);
acceptRecordings({ area: $("recording"), input: $("file"), list: $("uploads") }, () => limits);
await askServer();
await start.prepare();
