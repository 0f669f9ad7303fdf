"""Where events end up: the terminal, and one writer class for each output format."""

from __future__ import annotations

import inspect
from pathlib import Path

from lipstream.pipeline.errors import UserError
from lipstream.plugins import WRITERS, PluginError
from lipstream.stages.sinks.console import ConsoleSink
from lipstream.stages.sinks.emotion_csv import EmotionCsvWriter
from lipstream.stages.sinks.json_writer import JsonWriter
from lipstream.stages.sinks.jsonl import JsonlWriter
from lipstream.stages.sinks.subtitles.ass import AssWriter
from lipstream.stages.sinks.subtitles.srt import SrtWriter
from lipstream.stages.sinks.subtitles.vtt import EmotionVttWriter, VttWriter
from lipstream.stages.sinks.tsv import TsvWriter
from lipstream.stages.sinks.txt import TxtWriter
from lipstream.stages.sinks.writer import Writer

__all__ = [
    "EMOTION_FORMAT",
    "FORMATS",
    "AssWriter",
    "ConsoleSink",
    "EmotionCsvWriter",
    "EmotionVttWriter",
    "JsonWriter",
    "JsonlWriter",
    "SrtWriter",
    "TsvWriter",
    "TxtWriter",
    "VttWriter",
    "Writer",
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
    "tsv": TsvWriter,
    "json": JsonWriter,
    "jsonl": JsonlWriter,
    EMOTION_FORMAT: EmotionCsvWriter,
}
"""Writers that ship, by the name of the format, which is also the file's extension."""


def parse_formats(text: str) -> list[str]:
    """Read a list of formats such as "txt,srt", or "all" for those that ship; a plug-in's stand by name.

    Raises:
        UserError: a name that is no format, or none at all.
    """
    names = [name for part in text.split(",") if (name := part.strip().lower())]
    for name in names or [text]:
        if name != "all" and not WRITERS.knows(name):
            raise UserError(f"there is no output format {WRITERS.unknown(name)}; all stands for those that ship")
    return list(dict.fromkeys(each for name in names for each in (FORMATS if name == "all" else (name,))))


def writer_class(name: str) -> type[Writer]:
    """The class that writes a format.

    Raises:
        UserError: there is no such format, or the plug-in that brings it cannot be used.
    """
    try:
        plugin = WRITERS.find(name)
        if plugin is None:
            return FORMATS[name]
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
