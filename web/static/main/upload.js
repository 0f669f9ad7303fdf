/** Recordings: sending one to the server, following its captioning, and the link to its report. */

import { keptOff } from "../live/switches.js";
import { address, call, refusal } from "../shared/api.js";
import { PageError } from "../shared/errors.js";
import { describe } from "../shared/messages.js";

const POLL_MS = 700;
const UNITS = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];

/** @param {number} bytes */
export function formatSize(bytes) {
  const [unit, name] = UNITS.find(([size]) => bytes >= size) ?? [1, "bytes"];
  return `${+(bytes / unit).toPrecision(3)} ${name}`;
}

/** @param {number} seconds */
export function formatDuration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} seconds`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  return `${+(seconds / 3600).toFixed(1)} hours`;
}

/** One recording on its way, with its line in the list. */
class Upload {
  #file;
  #id = null;
  #request = null;
  #cancelled = false;
  #parts = makeParts();

  constructor(list, file) {
    this.#file = file;
    this.#parts.name.textContent = file.name;
    this.#parts.cancel.setAttribute("aria-label", `Cancel ${file.name}`);
    this.#parts.cancel.addEventListener("click", () => this.#cancel());
    list.prepend(this.#parts.item);
  }

  /** @param {{max_bytes?: number}} limits */
  async run(limits) {
    try {
      const { size } = this.#file;
      if (size === 0) throw new PageError("server", "The file is empty.");
      if (limits.max_bytes && size > limits.max_bytes) {
        const allowed = formatSize(limits.max_bytes);
        throw new PageError("server", `The file has ${formatSize(size)}, and this server takes up to ${allowed}.`);
      }
      this.#id = await this.#send();
      if (this.#cancelled) this.#discard();
      else await this.#follow();
    } catch (error) {
      if (!this.#cancelled) this.#fail(error);
    }
  }

  #send() {
    const request = new XMLHttpRequest();
    this.#request = request;
    const without = keptOff() ? "&emotion=false" : "";
    request.open("POST", address(`/api/files?name=${encodeURIComponent(this.#file.name)}${without}`));
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      this.#show(`sending, ${formatSize(loaded)} of ${formatSize(total)}`, loaded / total);
    });
    return new Promise((resolve, reject) => {
      request.addEventListener("load", () => {
        if (request.status === 202) resolve(JSON.parse(request.responseText).file);
        else reject(refusal(request.status, request.responseText));
      });
      request.addEventListener("error", () => reject(new PageError("network")));
      request.addEventListener("abort", () => reject(new PageError("server", "cancelled")));
      request.send(this.#file);
    });
  }

  async #follow() {
    for (;;) {
      const { state, progress, message, formats } = await call(this.#path());
      if (this.#cancelled) return;
      if (state === "failed") throw new PageError("server", message || "It could not be captioned.");
      if (state === "done") return this.#done(message, formats ?? []);
      if (state === "waiting") this.#show(message || "waiting for its turn", null);
      else this.#show(progress == null ? "captioning" : `captioning, ${Math.floor(100 * progress)} %`, progress);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #path() {
    return `/api/files/${encodeURIComponent(this.#id)}`;
  }

  #show(text, fraction) {
    const { state, progress } = this.#parts;
    if (state.textContent !== text) state.textContent = text;
    if (fraction == null) progress.removeAttribute("value");
    else progress.value = fraction;
  }

  #done(message, formats) {
    const { item, state, progress, actions } = this.#parts;
    item.dataset.state = "done";
    state.textContent = message || "done";
    progress.remove();
    this.#offerRemoval();
    const link = document.createElement("a");
    link.className = "button primary small";
    link.href = address(`${this.#path()}/report`).href;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = "Open the report";
    actions.prepend(link);
    if (formats.length) item.append(this.#downloads(formats));
  }

  #downloads(formats) {
    const box = document.createElement("p");
    box.className = "file-downloads";
    box.append("Download: ");
    for (const format of formats) {
      const link = document.createElement("a");
      link.href = address(`${this.#path()}/captions/${encodeURIComponent(format)}`).href;
      link.download = "";
      link.textContent = format;
      link.setAttribute("aria-label", `${this.#file.name} as ${format}`);
      box.append(link, " ");
    }
    return box;
  }

  #fail(error) {
    const { item, state, progress } = this.#parts;
    item.dataset.state = "failed";
    const { title, text } = describe(error);
    state.textContent = error.code === "server" ? text : `${title}. ${text}`;
    progress.remove();
    this.#offerRemoval();
  }

  /** The server keeps what is done for a while: whoever does not want that removes it. */
  #offerRemoval() {
    const { cancel } = this.#parts;
    cancel.textContent = "Remove";
    cancel.setAttribute("aria-label", `Remove ${this.#file.name}`);
  }

  #cancel() {
    this.#cancelled = true;
    this.#request?.abort();
    this.#discard();
    this.#parts.item.remove();
  }

  #discard() {
    // The server keeps no file for long; one it has already let go is no trouble.
    if (this.#id) call(this.#path(), { method: "DELETE" }).catch(() => {});
  }
}

function makeParts() {
  const make = (tag, className, parent) => {
    const element = document.createElement(tag);
    element.className = className;
    parent?.append(element);
    return element;
  };
  const item = make("li", "");
  const name = make("span", "file-name", item);
  const state = make("span", "file-state", item);
  const actions = make("span", "file-actions", item);
  const cancel = make("button", "button small", actions);
  cancel.type = "button";
  cancel.textContent = "Cancel";
  const progress = make("progress", "", item);
  progress.setAttribute("aria-label", "Progress");
  return { item, name, state, actions, cancel, progress };
}

/**
 * Lets the user choose or drop recordings.
 *
 * @param {{area: HTMLElement, input: HTMLInputElement, list: HTMLElement}} parts
 * @param {() => {max_bytes?: number}} limits the server's, as far as they are known
 */
export function acceptRecordings({ area, input, list }, limits) {
  const take = (files) => {
    for (const file of files) new Upload(list, file).run(limits());
  };
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  // Over the whole window: a file that misses the area must not replace the page.
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    area.dataset.over = "true";
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) delete area.dataset.over;
  });
  addEventListener("drop", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    delete area.dataset.over;
    take(event.dataTransfer.files);
  });
}
