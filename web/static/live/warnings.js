/** What is degraded just now, in plain language, for eyes and screen readers. */

import { describeDegraded, describeLoad, describeRecovered } from "../shared/messages.js";

/** How long the news that something is back stays, milliseconds. */
const GOOD_NEWS_MS = 6_000;
/** All that is left out because the processor cannot keep up is one warning. */
const LOAD = "load";

export class Warnings {
  #list;
  #shown = new Map();
  /** @type {Map<string, string>} what is left out under load, by stage */
  #load = new Map();
  /** What the session has to go on with. */
  sent = { audio: true, video: true };

  /** @param {HTMLElement} list an aria-live region */
  constructor(list) {
    this.#list = list;
  }

  /** @param {any} event */
  apply(event) {
    const key = `${event.modality} ${event.stage}`;
    const isLoad = event.stage?.startsWith("load:");
    if (event.event === "Degraded") {
      if (isLoad) this.#overload(event);
      else this.#warn(key, describeDegraded(event, this.sent));
    } else if (event.event === "Recovered") {
      if (isLoad) this.#relieve(event);
      else this.#recover(key, describeRecovered(event));
    } else if (event.event === "Error" && event.recoverable) {
      this.#warn(`error ${event.stage}`, event.message);
    }
  }

  clear() {
    this.#shown.clear();
    this.#load.clear();
    this.#list.replaceChildren();
  }

  #overload({ stage, reason }) {
    this.#load.set(stage, reason);
    this.#warn(LOAD, describeLoad([...this.#load.values()]));
  }

  #relieve(event) {
    this.#load.delete(event.stage);
    if (this.#load.size) this.#warn(LOAD, describeLoad([...this.#load.values()]));
    else this.#recover(LOAD, describeRecovered(event));
  }

  #warn(key, text) {
    const item = this.#shown.get(key) ?? document.createElement("li");
    item.className = "";
    if (item.textContent !== text) item.textContent = text;
    this.#shown.set(key, item);
    if (!item.isConnected) this.#list.append(item);
  }

  #recover(key, text) {
    const item = this.#shown.get(key);
    if (!item) return;
    this.#shown.delete(key);
    item.className = "good";
    item.textContent = text;
    setTimeout(() => item.remove(), GOOD_NEWS_MS);
  }
}
