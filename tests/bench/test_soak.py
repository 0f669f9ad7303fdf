"""A short soak with fake networks: faults of every kind, and nothing is left or lost without a word."""

from __future__ import annotations

import numpy as np
import pytest
from live_world import Media
from soak import MOST_MISSING, make_config, make_faults, soak

import lipstream.stages.build
from lipstream.models.face import backend
from lipstream.models.speech import recognisers
from tests.models.face.synthetic_faces import observation
from tests.stages.fakes import CountingEngine, spoken

SPEED = 25.0


class LoudIsSpeech:
    """Takes what is not silent for speech."""

    def load(self): ...

    def reset(self): ...

    def probability(self, window):
        return float(np.abs(window).mean() > 0.02)


class OneFace:
    """Sees the same face in every frame."""

    def load(self): ...

    def close(self): ...

    def reset(self): ...

    def detect(self, frame, timestamp_us):
        return [observation(32, 24, 20)]


@pytest.fixture
def fake_networks(monkeypatch):
    monkeypatch.setattr(recognisers, "listener", lambda *_: CountingEngine())
    monkeypatch.setattr(backend, "create", lambda *_: OneFace())
    monkeypatch.setattr(lipstream.stages.build, "SileroVad", LoudIsSpeech)


@pytest.fixture
def media():
    words = [spoken([1, 2, 3, 4], tail=0.8), spoken([5, 6, 7, 8, 9], tail=1.2)]
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (30, 48, 64, 3), dtype=np.uint8)
    return Media(np.concatenate(words * 4), list(pictures), fps=5.0, rate=16_000)


def test_nothing_is_left_and_every_second_is_accounted_for_while_everything_fails(fake_networks, media):
    config = make_config(SPEED, {"emotion.enabled": False, "face.max_fps": 5.0})
    soak(media, config, 5.0, SPEED, [])
    faults = make_faults(100.0, seed=1, every=30.0)
    assert len({fault.kind for fault in faults}) == 14
    result = soak(media, config, 100.0, SPEED, faults)
    assert result.played == pytest.approx(100.0)
    assert result.unaccounted <= MOST_MISSING
    assert result.figures["audio.lost_seconds"] >= result.withheld - MOST_MISSING
    assert result.events["End"] == 1 and result.after_end == 0 and result.reason == "stopped"
    assert result.threads == [] and result.handles <= 0
    assert result.events["TranscriptFinal"] > 5
    assert result.events["Degraded"] > 5 and result.events["Recovered"] > 5


def test_the_same_seed_gives_the_same_faults():
    assert make_faults(600.0, 4) == make_faults(600.0, 4) != make_faults(600.0, 5)
