/** What can go wrong on the page, by codes that messages.js puts into words. */

export class PageError extends Error {
  /**
   * @param {string} code one of the keys of messages.js
   * @param {string} [detail] what the browser or the server said, in plain words
   */
  constructor(code, detail = "") {
    super(detail || code);
    this.name = "PageError";
    this.code = code;
    this.detail = detail;
  }
}
