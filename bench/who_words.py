"""Words of people who follow each other at once: `python bench/who.py words`.

Whole clips of talking faces, another person's each, with pauses of up to 0.1 s, so that voice activity cannot cut
between them. Transcripts are those of clips.tsv, which Whisper made of each clip by itself: they lean to what is read
apart.
"""

from __future__ import annotations

import csv
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from voices import speech_of

from lipstream import Pipeline
from lipstream.events import TranscriptFinal
from lipstream.models.speech.vad import SileroVad
from lipstream.models.training.media import read_sound
from lipstream.stages.speaker import parted
from lipstream.stages.speech import decode

Float32 = npt.NDArray[np.float32]

CLIPS = 14
_RATE = 16_000
_SURE = -0.35
_LEVEL, _FLOOR = 0.06, 0.0004


@dataclass(frozen=True, slots=True)
class Spoken:
    """Sound and what is said in it."""

    sound: Float32
    text: str


def follow_each_other(data: Path, wanted: Callable[[str], bool], seed: int) -> Spoken:
    """Clips of 1.5 to 6 s of those who are wanted, one after the other."""
    table = data / "talking_faces" / "clips.tsv"
    with table.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if _fits(row, wanted)]
    vad = SileroVad()
    vad.load()
    chance = np.random.default_rng((seed, 3))
    parts: list[Float32] = []
    texts: list[str] = []
    before = ""
    for row in [rows[at] for at in chance.permutation(len(rows))]:
        sound = read_sound(table.parent / "clips" / f"{row['clip']}.mp4")
        first, last, _ = speech_of(sound, vad)
        if row["speaker"] == before or last - first < _RATE or len(parts) == CLIPS:
            continue
        sound = sound[max(0, first - _RATE // 20) : last + _RATE // 20]
        parts.append((sound * (_LEVEL / np.sqrt(np.mean(sound**2)))).astype(np.float32))
        texts.append(row["whisper_base_transcript"])
        before = row["speaker"]
    edge = np.zeros(_RATE // 2, np.float32)
    pauses = [np.zeros(int(chance.uniform(0, 0.1) * _RATE), np.float32) for _ in parts]
    whole = np.concatenate([edge, *(each for pair in zip(parts, pauses, strict=True) for each in pair), edge])
    noise = np.random.default_rng(seed).normal(0, _FLOOR, len(whole))
    return Spoken((whole + noise).astype(np.float32), " ".join(texts))


def _fits(row: dict[str, str], wanted: Callable[[str], bool]) -> bool:
    sure = float(row["whisper_base_logprob"] or -9) > _SURE and 1.5 <= float(row["seconds"]) <= 6
    long = len(row["whisper_base_transcript"].split()) >= 4
    return sure and long and row["language"] == "en" and wanted(row["speaker"])


def read_by_file(
    spoken: Spoken, path: Path, live: bool = False, quality: str = "balanced", as_one: bool = False
) -> str:
    """What `file` makes of sound.

    Args:
        spoken: the sound.
        path: where it is written to.
        live: each segment by itself, as it is read live.
        quality: `speech.quality`.
        as_one: segments of several people are not parted, to compare with.
    """
    write_sound(spoken.sound, path)
    decode.parts_of = (lambda speech: [speech]) if as_one else parted.parts_of
    finals: list[TranscriptFinal] = []
    wanted = {"speech.partials": "on" if live else "auto", "speech.quality": quality}
    run = Pipeline.from_config("file", input=path, **{"emotion.enabled": False, "speakers.people": False}, **wanted)
    run.on(TranscriptFinal, finals.append)
    run.run()
    return " ".join(final.text for final in finals)


def write_sound(sound: Float32, path: Path) -> None:
    """Write sound of 16 kHz as 16-bit WAV."""
    with wave.open(str(path), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(_RATE)
        target.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
