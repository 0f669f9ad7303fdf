"""System sound beside a microphone, with the real networks and a real sound server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.media_factory import Sound, write_media
from tests.packaging.rooms import ROOT
from tests.stages.capture.test_microphone_pulse import PATIENCE, end, pulse

jiwer = pytest.importorskip("jiwer")
normalizer = pytest.importorskip("whisper_normalizer.english")

__all__ = ["pulse"]

pytestmark = pytest.mark.media

PLAYED = """It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of
foolishness"""
PLAYED_SECONDS = 8.7
SPOKEN = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."


def test_both_are_captioned_each_under_its_name(
    pulse: dict[str, str], two_cities_audio: np.ndarray, beckett: Path, tmp_path: Path
):
    beginning = two_cities_audio[None, : round(PLAYED_SECONDS * 16_000)]
    played = write_media(tmp_path / "played.wav", Sound(beginning, 16_000, codec="pcm_s16le"))
    subprocess.run(["pactl", "load-module", "module-null-sink", "sink_name=mic"], env=pulse, check=True)
    subprocess.run(["pactl", "set-default-source", "mic.monitor"], env=pulse, check=True)
    command = [sys.executable, "main.py", "live", "--camera", "none", "--microphone", "pulse", "--system-sound"]
    command += ["--quality", "fast", "--no-emotion", "--events", str(tmp_path / "events.jsonl")]
    cache = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))}
    child = subprocess.Popen(
        command, cwd=ROOT, env=pulse | cache, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert child.stderr
    try:
        said: list[str] = []
        while not (said and "captions come" in said[-1]):
            said.append(child.stderr.readline())
            assert said[-1], said
        players = [
            subprocess.Popen(["paplay", f"--device={sink}", str(wav)], env=pulse)
            for sink, wav in (("lip", played), ("mic", beckett))
        ]
        assert [player.wait(PATIENCE) for player in players] == [0, 0]
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
        assert child.wait(PATIENCE) == 0, rest
    finally:
        end(child)
        child.stderr.close()
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    finals = [event for event in events if event["event"] == "TranscriptFinal"]
    assert len({final["segment"] for final in finals}) == len(finals)
    # Those who speak into one of them may be told apart too: "Microphone 1".
    assert {final["speaker_name"].rstrip(" 0123456789") for final in finals} == {"Microphone", "System sound"}
    assert errors(finals, "Microphone", SPOKEN) <= 0.25
    assert errors(finals, "System sound", PLAYED) <= 0.15


def errors(finals: list[dict[str, str]], voice: str, expected: str) -> float:
    """Word error rate of as much of a voice's captions as there are words expected."""
    normalise = normalizer.EnglishTextNormalizer()
    reference = normalise(expected)
    words = normalise(" ".join(final["text"] for final in finals if final["speaker_name"].startswith(voice))).split()
    return jiwer.wer(reference, " ".join(words[: len(reference.split())]))
