/** The transcript as a file: text that the page makes itself, and every format that the server writes. */

import { callForText } from "../shared/api.js";

export async function copyText(transcript) {
  await navigator.clipboard.writeText(transcript.text());
}

export function saveText(transcript) {
  const { length } = transcript;
  keep(transcript.text(), "txt");
  transcript.markSaved(length);
}

/**
 * @param {import("./transcript.js").Transcript} transcript
 * @param {string} format one that the server makes of a transcript, or "json", which the page has itself
 * @throws {import("../shared/errors.js").PageError}
 */
export async function saveAs(transcript, format) {
  const { length } = transcript;
  const json = transcript.record();
  const path = `/api/convert/${encodeURIComponent(format)}`;
  keep(format === "json" ? `${JSON.stringify(json, null, 2)}\n` : await callForText(path, { method: "POST", json }), format);
  transcript.markSaved(length);
}

function keep(text, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = `captions-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
