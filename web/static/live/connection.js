/** A live session that lasts: when the connection is lost it makes a new one and goes on. */

import { call } from "../shared/api.js";
import { Backoff, Pause } from "../shared/backoff.js";
import { PageError } from "../shared/errors.js";
import { openEvents } from "../shared/events.js";
import { Peer } from "./peer.js";

/** A connection that held this long was a good one: the next loss begins with the shortest wait again. */
const GOOD_MS = 10_000;
/** What trying again cannot mend. */
const FINAL = new Set(["token", "insecure", "unsupported"]);

/**
 * @typedef {object} Listeners
 * @property {(event: any) => void} onEvent an event of the session
 * @property {(session: string) => void} onSession a new session has begun
 * @property {(state: "connecting"|"loading"|"live"|"lost", attempts: number, error?: PageError) => void} onState
 */

export class LiveConnection {
  #stream;
  #own;
  #listeners;
  #backoff = new Backoff();
  #pause = new Pause();
  #stopped = false;
  #session = null;
  #peer = null;
  #events = null;
  #dropped = Promise.resolve();
  #drop = () => {};

  /**
   * @param {MediaStream} stream
   * @param {boolean} own whether it comes from camera and microphone, and not from a tab or the screen
   * @param {Listeners} listeners
   */
  constructor(stream, own, listeners) {
    this.#stream = stream;
    this.#own = own;
    this.#listeners = listeners;
  }

  /** Id of the present session, or null. */
  get session() {
    return this.#session;
  }

  /**
   * Runs until `stop`.
   *
   * @throws {PageError} the first attempt failed, or a later one in a way that trying again cannot mend
   */
  async run() {
    const online = () => this.retry();
    addEventListener("online", online);
    try {
      this.#listeners.onState("connecting", 0);
      await this.#connect();
      while (!this.#stopped) {
        const since = performance.now();
        const error = await this.#dropped;
        this.#release();
        if (this.#stopped) break;
        if (performance.now() - since > GOOD_MS) this.#backoff.reset();
        await this.#reconnect(error);
      }
    } finally {
      removeEventListener("online", online);
      this.#release();
    }
  }

  /** Tries at once instead of waiting. */
  retry() {
    this.#pause.wake();
  }

  /** Ends the session. */
  stop() {
    this.#stopped = true;
    // At once: a page that is being left gets no later chance.
    this.#release();
    this.#pause.wake();
    this.#drop(new PageError("ended"));
  }

  /** Sends another track in place of one that has ended. */
  async replace(track) {
    await this.#peer?.replace(track);
  }

  async #connect() {
    this.#dropped = new Promise((resolve) => {
      this.#drop = resolve;
    });
    const peer = new Peer(this.#stream, (error) => this.#drop(error));
    this.#peer = peer;
    try {
      this.#session = await peer.open(this.#own);
    } catch (error) {
      this.#release();
      throw error;
    }
    if (this.#stopped) return;
    this.#listeners.onSession(this.#session);
    this.#events = openEvents(this.#session, {
      onEvent: (event) => this.#take(event),
      onClose: () => this.#drop(new PageError("network")),
    });
  }

  async #reconnect(lost) {
    let error = lost;
    while (!this.#stopped) {
      const wait = this.#backoff.next();
      this.#listeners.onState("lost", this.#backoff.attempts, error);
      await this.#pause.wait(wait);
      if (this.#stopped) return;
      try {
        await this.#connect();
        return;
      } catch (failure) {
        if (FINAL.has(failure.code)) throw failure;
        error = failure;
      }
    }
  }

  #take(event) {
    if (event.event === "Hello") this.#listeners.onState(event.state === "running" ? "live" : "loading", 0);
    else if (event.event === "Running") this.#listeners.onState("live", 0);
    this.#listeners.onEvent(event);
    if (event.event === "Error" && !event.recoverable) this.#drop(new PageError("ended", event.message));
    if (event.event === "End") this.#drop(new PageError("ended"));
  }

  /** Closes everything; the server is told, so that it need not find out by a time limit. */
  #release() {
    this.#events?.close();
    this.#peer?.close();
    if (this.#session) {
      const path = `/api/sessions/${encodeURIComponent(this.#session)}`;
      // It may be gone already, and with it its session.
      call(path, { method: "DELETE", keepalive: true }).catch(() => {});
    }
    this.#events = this.#peer = this.#session = null;
  }
}
