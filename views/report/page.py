"""The page itself: template, style, scripts, data and recording in one file, with nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from lipstream.config import Config
from lipstream.events import SpeakerNamed
from lipstream.pipeline import End
from lipstream.stages.media.limits import DEFAULT
from lipstream.stages.printable import printable
from lipstream.stages.sinks.media_progress import clock
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.transcript.texts import text_formats, texts_of
from lipstream.version import version
from lipstream.views.media.part_file import PartFile
from lipstream.views.recorded.record import Recorder
from lipstream.views.recorded.timeline import Timeline, timeline
from lipstream.views.report.data import page_data, script_json
from lipstream.views.report.media import PageMedia, data_uri, page_media

_FOLDER = Path(__file__).parent
STYLES = ("base.css", "transcript.css", "timeline.css", "screens.css")
SCRIPTS = (
    *("basics.js", "player.js", "transcript.js", "scale.js", "charts.js", "emotions.js", "lanes.js", "tracks.js"),
    *("tables.js", "downloads.js", "main.js"),
)
"""The parts of the page, in the order in which they build on each other."""
_MEDIA_MARK = "\x00media\x00"
"""Where the recording goes: it is too large to go through a template."""


def write_report(
    record: Recorder,
    source: Path,
    out: Path,
    media_url: str | None = None,
    title: str | None = None,
    config: Config | None = None,
) -> None:
    """Write the report of a run. Whatever has that name before stays whole until the page is complete.

    The page carries its own Content-Security-Policy; a server that sends one as well must allow what it allows.

    Args:
        record: what the run told. The settings `views.recorded.timeline.REPORT_RATES` must have been on for all
            there is to see.
        source: the recording.
        out: the page to write.
        media_url: where the recording is for whoever reads the page, on the same origin; None puts it into the page if
            it is small, and links it relative to the page otherwise.
        title: what the page calls the recording; its file name if None.
        config: of the run, by which the subtitles that the page offers are cut; None for the usual.

    Raises:
        UserError: the page cannot be written, or the recording cannot be read any more.
    """
    file = PartFile(out)
    file.open()
    try:
        write_page(file, record, source, media_url, title, config)
        file.commit()
    finally:
        file.discard()


def write_page(
    file: PartFile,
    record: Recorder,
    source: Path,
    media_url: str | None = None,
    title: str | None = None,
    config: Config | None = None,
) -> None:
    """The same into an open file, which is left to be committed."""
    config = config or Config()
    # A server cuts long recordings off rather than refuse them.
    longest = max(config.limits.max_duration, DEFAULT.max_duration)
    limits = config.limits.model_copy(update={"max_duration": longest})
    media = page_media(source, file.path, media_url, limits)
    page = _page(record, media, source.name if title is None else title, config)
    before, after = page.split(_MEDIA_MARK)
    recording = [escape(media.url).encode()] if media.url else data_uri(source, media.mime)
    with file.explained():
        file.write(_bytes(before))
        for piece in recording:
            file.write(piece)
        file.write(_bytes(after))


def _page(record: Recorder, media: PageMedia, title: str, config: Config) -> str:
    shown = timeline(record)
    styles, scripts = ([_read(name) for name in names] for names in (STYLES, SCRIPTS))
    name = printable(title)
    downloads = {"name": Path(name).stem or "captions", "texts": _texts(record, name, config)}
    return Template(_read("page.html")).substitute(
        policy=escape(_policy(styles, scripts, media)),
        title=escape(name),
        styles="\n".join(f"<style>{style}</style>" for style in styles),
        figures=_figures(shown),
        media=_player(media, name),
        transcript=_plain_transcript(shown),
        version=escape(version()),
        data=script_json(page_data(shown, record) | {"origin": round(media.origin, 3), "downloads": downloads}),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _texts(record: Recorder, name: str, config: Config) -> dict[str, str]:
    """The transcript in every format of text; none without any."""
    finals = record.finals
    if not finals:
        return {}
    end = record.end or End(reason="failed", duration=record.duration)
    names = [SpeakerNamed(speaker=speaker, name=called) for speaker, called in record.speakers.names.items()]
    return texts_of([*names, *record.sounds.values(), *finals, end], config, text_formats(), name)


def _policy(styles: Sequence[str], scripts: Sequence[str], media: PageMedia) -> str:
    """Content Security Policy Level 3: what is in the page, and its recording, and nothing else."""
    own_scripts, own_styles = (" ".join(map(_hash, texts)) for texts in (scripts, styles))
    # "file:" is what 'self' amounts to for a page that was not served; browsers differ in whether 'self' covers it.
    played = "'self' file:" if media.url else "data:"
    return (
        f"default-src 'none'; script-src {own_scripts}; style-src {own_styles}; img-src data:; media-src {played}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _player(media: PageMedia, name: str) -> str:
    poster = ""
    if media.poster and media.kind == "video":
        poster = f' poster="data:image/jpeg;base64,{base64.b64encode(media.poster).decode()}"'
    label = escape(f"Recording: {name}")
    opening = f'<{media.kind} id="media" controls preload="metadata" aria-label="{label}"{poster}'
    return f'{opening} src="{_MEDIA_MARK}"></{media.kind}>'


def _figures(shown: Timeline) -> str:
    words = sum(len(final.words) for final in shown.finals)
    figures = [("Length", _length(shown.duration)), ("Words", f"{words}")]
    if words:
        said = sum(word.confidence for final in shown.finals for word in final.words) / words
        figures.append(("Mean confidence", f"{said:.0%}"))
    if shown.faces:
        figures.append(("Faces", f"{len(shown.faces) + shown.more_faces}"))
    if shown.wall > 0:
        figures.append(("Time taken", _length(shown.wall)))
        figures.append(("Speed", f"{shown.duration / shown.wall:.1f} × real time"))
    return "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in figures)


def _length(seconds: float) -> str:
    return clock(seconds) if seconds >= 60 else f"{seconds:.1f} s"


def _plain_transcript(shown: Timeline) -> str:
    """The transcript for a browser that runs no scripts."""
    return "".join(f"<p>{clock(final.start)} {escape(clean(final.text))}</p>" for final in shown.finals)


def _bytes(text: str) -> bytes:
    # Half a surrogate pair has no place in UTF-8.
    return text.encode("utf-8", "replace")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
