"""Where events end up: the terminal, and one writer class for each output format."""

from __future__ import annotations

from lipstream.config.suggest import did_you_mean
from lipstream.pipeline.errors import UserError
from lipstream.stages.sinks.console import ConsoleSink
from lipstream.stages.sinks.emotion_csv import EmotionCsvWriter
from lipstream.stages.sinks.json_writer import JsonWriter
from lipstream.stages.sinks.jsonl import JsonlWriter
from lipstream.stages.sinks.srt import SrtWriter
from lipstream.stages.sinks.tsv import TsvWriter
from lipstream.stages.sinks.txt import TxtWriter
from lipstream.stages.sinks.vtt import EmotionVttWriter, VttWriter
from lipstream.stages.sinks.writer import Writer

__all__ = [
    "EMOTION_FORMAT",
    "FORMATS",
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
]

EMOTION_FORMAT = "emotion.csv"
"""The format that is empty without emotion."""

FORMATS: dict[str, type[Writer]] = {
    "txt": TxtWriter,
    "srt": SrtWriter,
    "vtt": VttWriter,
    "tsv": TsvWriter,
    "json": JsonWriter,
    "jsonl": JsonlWriter,
    EMOTION_FORMAT: EmotionCsvWriter,
}
"""Writers by the name of the format, which is also the file's extension."""


def parse_formats(text: str) -> list[str]:
    """Read a list of formats such as "txt,srt", or "all".

    Raises:
        UserError: a name that is no format, or none at all.
    """
    names = [name for part in text.split(",") if (name := part.strip().lower())]
    if names == ["all"]:
        return list(FORMATS)
    for name in names or [text]:
        if name not in FORMATS:
            hint = did_you_mean(name, [*FORMATS, "all"])
            known = f"{', '.join(FORMATS)}, and all for all of them"
            raise UserError(f"'{name}' is no output format{hint or ';'} there are {known}")
    return list(dict.fromkeys(names))
