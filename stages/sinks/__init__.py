"""Where events end up: the terminal, and one writer class for each output format."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path

from lipstream.pipeline.errors import UserError
from lipstream.plugins import WRITERS, PluginError
from lipstream.stages.sinks.console import ConsoleSink
from lipstream.stages.sinks.data.formats import DATA_FORMATS, FEATURES, data_writer
from lipstream.stages.sinks.data.segments_csv import SegmentsCsvWriter
from lipstream.stages.sinks.data.words_csv import WordsCsvWriter
from lipstream.stages.sinks.emotion_csv import EmotionCsvWriter
from lipstream.stages.sinks.json_writer import JsonWriter
from lipstream.stages.sinks.jsonl import JsonlWriter
from lipstream.stages.sinks.rttm import RttmWriter
from lipstream.stages.sinks.subtitles.ass import AssWriter
from lipstream.stages.sinks.subtitles.srt import SrtWriter
from lipstream.stages.sinks.subtitles.ttml import TtmlWriter
from lipstream.stages.sinks.subtitles.vtt import EmotionVttWriter, VttWriter
from lipstream.stages.sinks.tsv import TsvWriter
from lipstream.stages.sinks.txt import TxtWriter
from lipstream.stages.sinks.writer import Writer

__all__ = [
    "DATA_FORMATS",
    "EMOTION_FORMAT",
    "FORMATS",
    "AssWriter",
    "ConsoleSink",
    "EmotionCsvWriter",
    "EmotionVttWriter",
    "JsonWriter",
    "JsonlWriter",
    "RttmWriter",
    "SegmentsCsvWriter",
    "SrtWriter",
    "TsvWriter",
    "TtmlWriter",
    "TxtWriter",
    "VttWriter",
    "WordsCsvWriter",
    "Writer",
    "available",
    "parse_formats",
    "writer_class",
]

EMOTION_FORMAT = "emotion.csv"
"""The format that is empty without emotion."""

FORMATS: dict[str, type[Writer]] = {
    "txt": TxtWriter,
    "srt": SrtWriter,
    "vtt": VttWriter,
    "ass": AssWriter,
    "ttml": TtmlWriter,
    "tsv": TsvWriter,
    "json": JsonWriter,
    "jsonl": JsonlWriter,
    EMOTION_FORMAT: EmotionCsvWriter,
    "words.csv": WordsCsvWriter,
    "segments.csv": SegmentsCsvWriter,
    "rttm": RttmWriter,
}
"""Writers that ship, by the name of the format, which is also the file's extension; but for `DATA_FORMATS`."""

_NEEDED = {"ttml": "ttconv"}
"""What must be installed besides for a format, by the extra of its name."""


def parse_formats(text: str) -> list[str]:
    """Read a list of formats such as "txt,srt".

    "all" stands for those that ship and need nothing else, "features" for both tables of features; a plug-in's stand by
    name. Capitals do not matter.

    All stands for no format that needs what is not installed.

    Raises:
        UserError: a name that is no format, or none at all.
    """
    names = [name for part in text.split(",") if (name := part.strip().lower())]
    known = {name.lower(): name for name in WRITERS.built_in}
    groups = {"all": tuple(available()), "features": FEATURES}
    chosen: list[str] = []
    for name in names or [text]:
        if name not in groups and name not in known and not WRITERS.knows(name):
            raise UserError(
                f"there is no output format {WRITERS.unknown(name)}; all stands for those that need nothing else, "
                "features for both of features"
            )
        chosen.extend(groups.get(name, (known.get(name, name),)))
    return list(dict.fromkeys(chosen))


def available() -> list[str]:
    """The formats that ship and can be written here."""
    return [name for name in FORMATS if not _is_missing(name)]


def _is_missing(name: str) -> bool:
    return name in _NEEDED and importlib.util.find_spec(_NEEDED[name]) is None


def writer_class(name: str) -> type[Writer]:
    """The class that writes a format.

    Raises:
        UserError: there is no such format, what it needs is not there, or the plug-in that brings it cannot be used.
    """
    try:
        plugin = WRITERS.find(name)
        if plugin is None:
            if _is_missing(name):
                raise UserError(
                    f"{name} needs {_NEEDED[name]}, which is not installed: pip install 'lipstream[{name}]'"
                )
            return data_writer(name) if name in DATA_FORMATS else FORMATS[name]
        writer = plugin.load()
        if not (isinstance(writer, type) and issubclass(writer, Writer)) or inspect.isabstract(writer):
            raise plugin.unusable(f"its entry point names {writer!r}, expected a class derived from Writer")
        try:
            inspect.signature(writer).bind(Path(), "")
        except TypeError:
            raise plugin.unusable("its writer cannot be made from a path and a source") from None
    except PluginError as error:
        raise UserError(str(error)) from error
    return writer
