/** Calls to the server, with failures as PageError. */

import { PageError } from "./errors.js";

const TIMEOUT_MS = 20_000;

/** Where the server is, be it behind a proxy that puts something before its paths. */
const ROOT = new URL("../../", import.meta.url);

/**
 * The whole address of something on the server.
 *
 * @param {string} path such as "/api/status"
 * @returns {URL}
 */
export function address(path) {
  return new URL(path.slice(1), ROOT);
}

/**
 * @param {string} path
 * @param {{method?: string, json?: unknown, keepalive?: boolean}} [options]
 * @returns {Promise<any>} the JSON of the answer, or null for an empty one
 */
export async function call(path, options) {
  return parse(await callForText(path, options));
}

/**
 * The same for an answer that is text.
 *
 * @param {string} path
 * @param {{method?: string, json?: unknown, keepalive?: boolean}} [options]
 * @returns {Promise<string>}
 */
export async function callForText(path, { method = "GET", json, keepalive = false } = {}) {
  const request = { method, keepalive, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (json !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(json);
  }
  let response;
  let text;
  try {
    response = await fetch(address(path), request);
    text = await response.text();
  } catch (error) {
    throw new PageError("network", String(error));
  }
  if (!response.ok) throw refusal(response.status, text);
  return text;
}

/** The error that an answer other than 2xx stands for. */
export function refusal(status, text) {
  const answer = parse(text);
  const message = typeof answer?.message === "string" ? answer.message : "";
  if (status === 401) return new PageError("token", message);
  if (status === 503) return new PageError("busy", message);
  // What a proxy answers while the server behind it is away.
  if (status === 502 || status === 504) return new PageError("network", message);
  return new PageError("server", message || `It answered with error ${status}.`);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
