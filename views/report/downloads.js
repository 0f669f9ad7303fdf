"use strict";

/**
 * Offers the transcript in every format of text; the page holds them all, so this works from the disk too.
 *
 * @param {{name: string, texts: Record<string, string>}} downloads
 */
function addDownloads({ name, texts }) {
  const box = byId("downloads");
  for (const [format, text] of Object.entries(texts)) {
    const href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    box.append(html("a", { href, download: `${name}.${format}` }, format), " ");
  }
  box.hidden = !Object.keys(texts).length;
}
