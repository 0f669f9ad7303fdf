"""The systems that `bench/words.py` compares, each run in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from clips import RATE, read_audio
from words_shown import Reading, Said, Shown

from lipstream import Pipeline
from lipstream.config import load_config
from lipstream.events import (
    Degraded,
    Error,
    Event,
    SpeechEnded,
    SpeechStarted,
    TranscriptCorrected,
    TranscriptFinal,
    TranscriptPartial,
)
from lipstream.models.assets import resolve
from lipstream.models.assets.manifest import load_manifest


@dataclass(frozen=True)
class Row:
    """A clip and what people wrote down of it; without text a sound in which nobody speaks."""

    path: Path
    text: str = ""
    language: str = "en"


@dataclass(frozen=True)
class System:
    """What is run.

    Attributes:
        name: what the tables call it.
        kind: "file" and "live" (at the sound's own pace) are Lipstream.
        settings: configuration keys of Lipstream.
        config: name or path of Lipstream's configuration.
        model: size or folder of faster-whisper's model.
        told: whether it is told the language of each clip.
    """

    name: str
    kind: Literal["file", "live", "faster-whisper", "moonshine-voice"]
    settings: dict[str, object] = field(default_factory=dict)
    config: str = "file"
    model: str = "base"
    told: bool = False


@dataclass
class Run:
    """What a system made of all clips, and the processor and wall seconds that took once its networks were loaded."""

    readings: list[Reading]
    silent: list[Reading]
    cpu: float
    wall: float

    def at_end(self) -> Run | None:
        """The same with texts as they stand at the end; None if nothing was told of them later."""
        later = any(reading.corrected or any(said.joint for said in reading.said) for reading in self.readings)
        return replace(self, readings=[reading.at_end() for reading in self.readings]) if later else None


Read = Callable[[Row], Reading]


def whisper_base() -> str:
    """Whisper base as faster-whisper takes it: a folder with Lipstream's own copy, or the name it fetches it by."""
    names = [name for name in load_manifest().assets if name.rpartition("/")[0].endswith("whisper-base")]
    folders = {resolve(name).parent for name in names}
    return str(folders.pop()) if len(folders) == 1 else "base"


def run_apart(system: System, rows: list[Row], silent: list[Row]) -> Run | str:
    """Run a system in a process of its own, so that memory and threads do not mix; or say why it does not run."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(_run, system, rows, silent).result()
        except BrokenProcessPool:
            return "its process died"
        except Exception as error:  # noqa: BLE001 - whatever another's library raises; the others are still measured
            return (str(error).splitlines() or [type(error).__name__])[0]


def _run(system: System, rows: list[Row], silent: list[Row]) -> Run:
    makers: dict[str, Callable[[System], Read]] = {
        "file": _lipstream,
        "live": _lipstream,
        "faster-whisper": _faster_whisper,
        "moonshine-voice": _moonshine_voice,
    }
    read = makers[system.kind](system)
    # Loads the networks, which is not measured; a system that cannot be used fails here.
    read(rows[0])
    cpu, wall = time.process_time(), time.monotonic()
    readings = [_guarded(read, row) for row in rows]
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return Run(readings, [_guarded(read, row) for row in silent], cpu, wall)


def _guarded(read: Read, row: Row) -> Reading:
    try:
        return read(row)
    except Exception as error:  # noqa: BLE001 - one bad clip counts as empty and is told, the others are measured
        return Reading(error=f"{row.path.name}: {(str(error).splitlines() or [type(error).__name__])[0]}")


def lipstream_config(system: System, row: Row) -> dict[str, object]:
    """The keys with which Lipstream reads a clip."""
    pace = {"mode": "file", "pace": "realtime"} if system.kind == "live" else {}
    told = {"speech.language": row.language} if system.told else {}
    return {"input": str(row.path), "events.stats_interval": 0, **pace, **told, **system.settings}


def _lipstream(system: System) -> Read:
    def read(row: Row) -> Reading:
        reading = Reading()
        pipeline = Pipeline(load_config(system.config, lipstream_config(system, row)))
        for event in pipeline.events():
            take(reading, event)
        # Events end without a word where a run failed: it raises here.
        pipeline.wait()
        return reading

    return read


def take(reading: Reading, event: Event) -> None:
    """Account for one event."""
    if isinstance(event, SpeechStarted):
        reading.started.setdefault(event.segment, event.start)
    elif isinstance(event, SpeechEnded):
        reading.ended[event.segment] = (event.end, event.reason)
    elif isinstance(event, TranscriptPartial):
        reading.shown.append(Shown(event.segment, event.emitted, event.stable, event.text))
    elif isinstance(event, TranscriptFinal):
        words = tuple((word.word, word.start, word.end) for word in event.words)
        language = getattr(event, "language", None)
        said = Said(event.segment, event.text, event.start, event.end, event.emitted, language, words, event.joint)
        # A final that replaces an earlier one of its segment takes its place.
        reading.said = [each for each in reading.said if each.segment != event.segment] + [said]
        reading.shown.append(Shown(event.segment, event.emitted, event.text, event.text))
    elif isinstance(event, TranscriptCorrected):
        reading.corrected[event.segment] = event.text
    elif isinstance(event, Degraded) and event.stage.startswith("load:"):
        reading.shed += 1
    elif isinstance(event, Degraded | Error):
        reading.troubles.append(f"{event.stage}: {event.reason if isinstance(event, Degraded) else event.message}")


def _faster_whisper(system: System) -> Read:
    from faster_whisper import WhisperModel

    model = WhisperModel(system.model, device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1)

    def read(row: Row) -> Reading:
        told = row.language if system.told else None
        segments, info = model.transcribe(read_audio(row.path), language=told, beam_size=5, vad_filter=True)
        return Reading(
            [Said(n, each.text.strip(), each.start, each.end, 0.0, info.language) for n, each in enumerate(segments)]
        )

    return read


def _moonshine_voice(system: System) -> Read:
    import moonshine_voice

    folder = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
    transcriber = moonshine_voice.Transcriber(str(folder), moonshine_voice.ModelArch.TINY)

    def read(row: Row) -> Reading:
        lines = transcriber.transcribe_without_streaming(read_audio(row.path).tolist(), RATE).lines
        return Reading(
            [
                Said(n, line.text.strip(), line.start_time, line.start_time + line.duration)
                for n, line in enumerate(lines)
            ]
        )

    return read
