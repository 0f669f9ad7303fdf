"""The example of a package with plug-ins: what is in it works, and installed it is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lipstream import End, TranscriptFinal, Word
from lipstream.config import load_config
from lipstream.models import assets
from lipstream.models.errors import ModelError
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import run_stage
from lipstream.plugins import OptionError
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from tests.media_factory import Sound, write_media
from tests.models.speech.engine_contract import check_engine
from tests.packaging.rooms import PIP_INSTALL, ROOT

PACKAGE = ROOT / "examples" / "plugin_package"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(PACKAGE)


def syllables(*loudest: float, seconds: float = 2.0) -> np.ndarray:
    """Noise that swells and fades again around these moments, in seconds."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    envelope = sum(np.exp(-(((time - moment) / 0.05) ** 2)) for moment in loudest) + 0.001
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, len(time))
    return (envelope * noise).astype(np.float32)


# The recogniser.


def test_a_word_is_written_for_every_syllable_where_it_is_loudest():
    from lipstream_example.engine import create

    engine = create(model="", threads=1, options={"word": "da"})
    encoding = engine.encode(syllables(0.3, 0.7, 1.5))
    hypothesis = engine.decode(encoding)
    assert hypothesis.text == "da da da"
    words = engine.align(encoding, hypothesis)
    assert [(word.start + word.end) / 2 for word in words] == pytest.approx([0.3, 0.7, 1.5], abs=0.05)
    assert engine.decode(engine.encode(np.zeros(0, np.float32))).text == ""
    assert engine.align(encoding, engine.decode(engine.encode(np.zeros(800, np.float32)))) == []


def test_it_keeps_the_contract_of_recognisers(obama_audio: np.ndarray):
    from lipstream_example.engine import create

    engine = create(model="", threads=1, options={})
    engine.load()
    check_engine(engine, obama_audio[:64_000])
    check_engine(engine, syllables(0.3, 0.7, 1.5))


def test_it_says_which_option_it_does_not_take():
    from lipstream_example.engine import create
    from pydantic import ValidationError

    with pytest.raises(ModelError, match="one model only"):
        create(model="big", threads=1, options={})
    with pytest.raises(OptionError, match="expected one word"):
        create(model="", threads=1, options={"word": "la la"})
    with pytest.raises(ValidationError):
        create(model="", threads=1, options={"rise": 0})


# The output format.


def test_a_line_of_lyrics_for_every_segment(tmp_path: Path):
    from lipstream_example.lrc import LrcWriter

    writer = LrcWriter(tmp_path / "a.lrc", "talk.mp4")
    for start, text in ((1.004, "One."), (75.5, " Two\nlines "), (5999.999, "Late."), (6100.0, "")):
        word = Word(word=text, start=start, end=start + 1, confidence=0.9)
        writer.handle(TranscriptFinal(segment=1, start=start, end=start + 1, text=text, words=(word,)))
    writer.handle(End(reason="finished", duration=6101.0))
    assert writer.path.read_text(encoding="utf-8") == "[00:01.00]One.\n[01:15.50]Two lines\n[100:00.00]Late.\n"


# The stages.


def blocks(*amplitudes: float) -> list[Packet[AudioBlock]]:
    """A tenth of a second of each amplitude."""
    samples = [np.full(SAMPLE_RATE // 10, each, np.float32) for each in amplitudes]
    return [Packet(at * 100_000, AudioBlock(each), 100_000) for at, each in enumerate(samples)]


def test_loudness_is_told_for_every_interval():
    from lipstream_example.stages import loudness

    run = run_stage(loudness({"interval": 0.2}).component, blocks(0.1, 0.1, 1.0, 1.0, 0.5))
    assert [(event.start, event.end, event.level) for event in run.events] == [(0.0, 0.2, -20.0), (0.2, 0.4, 0.0)]


def test_the_gate_lets_through_what_is_loud_and_writes_into_nothing():
    from lipstream_example.stages import noise_gate

    given = blocks(0.5, 0.001, 0.2)
    run = run_stage(noise_gate({"threshold": -40}).component, given)
    assert [float(block.samples.max()) for block in run.payloads] == pytest.approx([0.5, 0.0, 0.2])
    assert [packet.timestamp for packet in run] == [0, 100_000, 200_000]
    assert float(given[1].payload.samples[0]) == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("stage", "options", "key"),
    [
        ("loudness", {"interval": 0}, "interval"),
        ("loudness", {"interval": "long"}, "interval"),
        ("loudness", {"intervall": 1}, "intervall"),
        ("noise_gate", {"threshold": True}, "threshold"),
        ("tally", {"x": 1}, "x"),
    ],
)
def test_a_stage_says_which_option_it_does_not_take(stage: str, options: dict[str, object], key: str):
    from lipstream_example import stages

    with pytest.raises(OptionError) as caught:
        getattr(stages, stage)(options)
    assert caught.value.key == key


# Installed.


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on the module path into which pip has installed the package."""
    folder = tmp_path_factory.mktemp("plugins")
    # Of a copy: building leaves files beside the source.
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    command = [*PIP_INSTALL, "--target", str(folder / "site"), str(folder / "source")]
    subprocess.run(command, check=True, timeout=120)
    return folder / "site"


@pytest.fixture(scope="module")
def speech(obama_audio: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ "Today, after two years of negotiations." without a picture."""
    path = tmp_path_factory.mktemp("speech") / "talk.wav"
    samples = np.pad(obama_audio[None, int(0.8 * 16_000) : int(3.9 * 16_000)], ((0, 0), (0, 8_000)))
    return write_media(path, Sound(samples, rate=16_000, codec="pcm_s16le"))


def lipstream(installed: Path, *arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(installed))),
        "LIPSTREAM_CACHE": str(assets.cache_dir()),
    }
    command = [sys.executable, "-m", "lipstream", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=240
    )


def keys(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def test_the_configuration_of_the_page_on_plugins_is_one(installed: Path, tmp_path: Path, monkeypatch):
    from lipstream.stages.build import build

    monkeypatch.syspath_prepend(installed)
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "page.yaml").write_text(text, encoding="utf-8")
    graph = build(load_config(tmp_path / "page.yaml", {"emotion.enabled": False}))
    assert {"loudness", "gate", "gated-loudness"} <= set(graph.components)
    assert "tally" not in graph.sinks
    assert "gate.audio -> gated-loudness.audio" in {edge.name for edge in graph.edges}
    for point in re.findall(r'^[\w-]+ = "lipstream_example\.\w+:\w+"$', page, re.MULTILINE):
        assert point in (PACKAGE / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.media
def test_installed_it_captions_a_file_in_every_kind_it_brings(installed: Path, speech: Path, tmp_path: Path):
    settings = ["speech.engine=syllables", "speech.options.word=da", "stages.tally=", "emotion.enabled=false"]
    settings += ["stages.loudness.taps.audio=noise-gate.audio", "stages.noise-gate.options.threshold=-50"]
    done = lipstream(installed, "file", speech, "-f", "lrc,jsonl", *keys(settings), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set((tmp_path / "talk.lrc").read_text().partition("]")[2].split()) == {"da"}
    events = [json.loads(line) for line in (tmp_path / "talk.jsonl").read_text().splitlines()]
    words = sum(len(event["words"]) for event in events if event["event"] == "TranscriptFinal")
    assert words >= 5 and f"tally: {words} words" in done.stderr
    levels = [event["level"] for event in events if event["event"] == "Loudness"]
    assert len(levels) == 3 and max(levels) > -40
    stages = next(event["stages"] for event in reversed(events) if event["event"] == "Stats")
    assert stages["noise-gate"]["packets_in"] == stages["noise-gate"]["packets_out"] > 0


@pytest.mark.media
def test_beside_what_ships(installed: Path, speech: Path, tmp_path: Path):
    done = lipstream(
        installed,
        "file",
        speech,
        "-f",
        "srt,lrc",
        *keys(["stages.noise-gate=", "emotion.enabled=false"]),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "two years of negotiations" in (tmp_path / "talk.lrc").read_text()
    assert "two years of negotiations" in (tmp_path / "talk.srt").read_text()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            "stages.loudnes=",
            "'stages.loudnes': there is no stage 'loudnes', did you mean 'loudness'? (there are: loudness",
        ),
        ("stages.tally.options.x=1", "'stages.tally.options.x': there is no such option"),
        (
            "speech.engine=syllabels",
            "'speech.engine': 'syllabels' is not allowed, expected 'auto' or 'moonshine' or 'whisper' or",
        ),
    ],
)
def test_a_mistake_is_one_line(installed: Path, speech: Path, tmp_path: Path, setting: str, expected: str):
    done = lipstream(installed, "file", speech, "-q", "--set", setting, folder=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"lipstream: error: {expected}")
    assert list(tmp_path.iterdir()) == []
