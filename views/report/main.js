"use strict";

{
  const data = JSON.parse(byId("data").textContent);
  const media = byId("media");
  const player = new Player(media, data);
  const transcript = new Transcript(data.segments, player);

  const complain = () => {
    const notice = byId("media-trouble");
    notice.textContent = media.src.startsWith("data:")
      ? "This browser cannot play the recording. Transcript and timeline work all the same."
      : "The recording is not where it was when this page was made, or this browser cannot play it. " +
        "Transcript and timeline work all the same.";
    notice.hidden = false;
  };
  media.addEventListener("error", complain);
  // It may have failed before anybody listened.
  if (media.error) complain();

  const charts = [];
  let tracks = null;
  if (transcript.words.length) charts.push(new WordsChart(transcript.words));
  if (data.emotionTracks.length) charts.push(new EmotionChart(data.emotions, data.emotionTracks, () => tracks.refresh()));
  if (data.sound.t.length || data.aperture.t.length) charts.push(new SoundLipsChart(data.sound, data.aperture));
  if (data.speech.length || data.faces.length) charts.push(new LanesChart(data.speech, data.speakers, data.faces, data.moreFaces));
  if (data.troubles.some((trouble) => trouble.span)) charts.push(new TroubleChart(data.troubles));
  if (charts.length) {
    byId("timeline").hidden = false;
    tracks = new Tracks(charts, player, data.duration);
  }

  for (const { text: line, span } of data.troubles) {
    const item = html("li", {}, line);
    if (span) {
      const when = span[1] > span[0] ? `${clock(span[0], 1)} to ${clock(span[1], 1)}` : clock(span[0], 1);
      const button = html("button", { type: "button" }, when);
      button.addEventListener("click", () => player.seek(span[0]));
      item.append(" ", button);
    }
    byId("trouble-list").append(item);
  }
  byId("troubles").hidden = !data.troubles.length;

  addTables(data);
  addDownloads(data.downloads);
  player.listen((time) => {
    transcript.show(time);
    tracks?.show(time);
  });
  tracks?.refresh();
  player.tell();
}
