"""What is told to those who draw: where faces are, how loud the sound is."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.config import VadConfig
from lipstream.events import FaceSeen, SoundLevel
from lipstream.models.face.lips import OUTER_LIP
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.face.face_report import FaceReport
from lipstream.stages.payloads import AudioBlock
from lipstream.stages.sound.level import FLOOR, LevelMeter
from lipstream.stages.speech.voice_activity import VoiceActivity
from tests.stages.emotion.emotion_fakes import view
from tests.stages.speech.test_voice_activity import ScriptedDetector, windows


def test_every_face_of_a_picture_is_reported_in_fractions_of_its_size():
    run = run_stage(FaceReport(25.0), [view(0.2, (1, 2), talking=(2,))])
    first, second = run.events
    assert isinstance(first, FaceSeen) and (first.face, second.face) == (1, 2)
    assert first.time == 0.2 and first.box == (0.3333, 0.3333, 0.6667, 0.6667)
    assert (first.speaker, second.speaker) == (True, False) and (first.talking, second.talking) == (False, True)
    landmarks = view(0.2).payload.faces[0].observation.landmarks
    assert np.array(first.lips) == pytest.approx(landmarks[list(OUTER_LIP), :2] / 300, abs=1e-4)


def test_face_reports_are_thinned_to_the_rate():
    assert len(run_stage(FaceReport(10.0), [view(i / 25) for i in range(50)]).events) in (20, 21)


def test_levels_are_in_db_of_full_scale():
    meter = LevelMeter(10.0)
    full = [meter.add(np.ones(800, np.float32)) for _ in range(2)]
    half = [meter.add(np.full(800, 0.5, np.float32)) for _ in range(2)]
    none = [meter.add(np.zeros(800, np.float32)) for _ in range(2)]
    assert [full, half, none] == [[None, 0.0], [None, -6.0], [None, FLOOR]]


def test_the_rate_of_levels_holds_whatever_the_blocks():
    for block in (100, 512, 700):
        meter = LevelMeter(10.0)
        measures = [meter.add(np.ones(block, np.float32)) for _ in range(160_000 // block)]
        assert 98 <= sum(level is not None for level in measures) <= 101


def test_sound_levels_tell_whether_somebody_speaks():
    config = VadConfig(pre_roll=0.3, hang_over=0.4, min_speech=0.1)
    stage = VoiceActivity(ScriptedDetector(), config, report_rate=10.0)
    events = run_stage(stage, windows((0.0, 1.0), (0.9, 1.0), (0.0, 1.0))).events
    levels = [event for event in events if isinstance(event, SoundLevel)]
    assert 28 <= len(levels) <= 31
    assert [level.speech for level in levels[:9]] == [False] * 9
    assert all(level.speech for level in levels if 1.2 < level.time < 2.3)
    assert not levels[-1].speech


def test_without_a_rate_no_levels_come():
    quiet = [Packet(i * 32_000, AudioBlock(np.zeros(512, np.float32)), 32_000) for i in range(30)]
    events = run_stage(VoiceActivity(ScriptedDetector(), VadConfig()), quiet).events
    assert not any(isinstance(event, SoundLevel) for event in events)
