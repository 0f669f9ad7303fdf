"""Every text that can be made of a transcript, at once, for pages that offer them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from lipstream.config import Config
from lipstream.pipeline.events import Event
from lipstream.stages.sinks import FORMATS, available


def text_formats() -> list[str]:
    """The formats that need no more than a transcript."""
    return [name for name in available() if not FORMATS[name].needs_run]


def texts_of(events: Sequence[Event], config: Config, formats: Iterable[str], source: str = "") -> dict[str, str]:
    """What formats make of events, by the name of the format.

    Args:
        events: in order, the last an `End`; see `reading.events_of`.
        config: how cues are cut.
        formats: of `text_formats`; those that are no text are left out.
        source: the recording, for formats that name it.
    """
    texts = {}
    with tempfile.TemporaryDirectory(prefix="lipstream-") as folder:
        for name in formats:
            writer = FORMATS[name].configured(config)(Path(folder) / f"text.{name}", source)
            for event in events:
                writer.handle(event)
            try:
                texts[name] = writer.path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts
