"""What Whisper keeps in the cache from one process to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.kept_arrays import KeptArrays
from lipstream.models.onnx_graph import rounded
from lipstream.models.shared import release_networks
from lipstream.models.speech.recogniser import Hints, Utterance
from lipstream.models.speech.whisper import layers
from lipstream.models.speech.whisper.network import Sound
from lipstream.models.speech.whisper.recogniser import WhisperRecogniser


def test_a_sound_is_the_same_when_it_was_kept(tmp_path: Path):
    generator = np.random.default_rng(0)
    parts = [
        (generator.normal(size=(1, 2, 3, 7)).astype(np.float32), generator.normal(size=(1, 2, 7, 3)).astype(np.float32))
        for _ in range(2)
    ]
    path = tmp_path / "some.arrays"
    kept = KeptArrays(path)
    kept.get("silence", Sound(parts).by_frames)
    kept.finish()

    def never() -> tuple[np.ndarray, ...]:
        raise AssertionError("it is there")

    found = Sound.of_frames(KeptArrays(path).get("silence", never))
    assert found.frames == 7
    for one, other in zip(parts, found.parts, strict=True):
        assert all(np.array_equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


@pytest.mark.usefixtures("nothing_loaded")
def test_the_second_load_rounds_nothing_and_reads_the_same(tmp_path: Path, monkeypatch, two_cities_audio):
    sound = two_cities_audio[: 3 * 16_000]

    def read() -> object:
        release_networks()
        recogniser = WhisperRecogniser("base")
        try:
            recogniser.load()
        except ModelError as error:
            pytest.skip(str(error))
        return recogniser.recognise(Utterance(sound, 3.0), Hints(language="en"))

    calls = []
    monkeypatch.setattr(layers, "rounded", lambda weight: calls.append(1) or rounded(weight))
    monkeypatch.setattr(
        "lipstream.models.speech.whisper.recogniser.kept_path", lambda name, facts: tmp_path / f"{name}.arrays"
    )
    first, made = read(), len(calls)
    assert made > 40 and (tmp_path / "whisper.arrays").is_file()
    assert read() == first and len(calls) == made
