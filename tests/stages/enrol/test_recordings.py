"""Recordings for training, read through the stages of a file run, and the fusion that a configuration asks for."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.models import profile_files
from lipstream.models.av_speech.general_fusion import GeneralFusion
from lipstream.models.av_speech.lip_fusion import LipFusion
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.av_speech.profile_fusion import ProfileFusion
from lipstream.models.av_speech.recording import LIP_RATE
from lipstream.models.profile_files import profile_path
from lipstream.models.speech.fusion import AudioOnlyFusion
from lipstream.pipeline import UserError
from lipstream.stages.build import make_fusion
from lipstream.stages.enrol import recordings
from lipstream.stages.enrol.recordings import read_recording


@pytest.mark.media
def test_a_talking_head_gives_sound_and_lips_on_one_clock(obama_speech, obama_audio):
    recording = read_recording(obama_speech, load_config("file", {}))
    assert len(recording.pcm) == pytest.approx(len(obama_audio), abs=800)
    lips = recording.lips
    assert len(lips.mask) / LIP_RATE == pytest.approx(len(recording.pcm) / 16_000, abs=0.3)
    assert lips.mask.mean() > 0.9
    # The outer lip is as wide as half the distance of the eyes, give or take.
    assert 0.3 < np.ptp(lips.points[lips.mask][:, :, 0].astype(np.float32), axis=1).mean() < 0.9


@pytest.mark.media
def test_a_recording_without_a_picture_has_no_lips(beckett):
    recording = read_recording(beckett, load_config("file", {}))
    assert len(recording.lips.mask) == 0
    assert len(recording.pcm) > 100_000


def test_a_file_that_is_not_there_is_the_users_matter(tmp_path):
    with pytest.raises(UserError):
        read_recording(tmp_path / "missing.mp4", load_config("file", {}))


def test_without_a_profile_anybodys_lips_help():
    assert isinstance(make_fusion(load_config("file", {})), GeneralFusion)


def test_sound_alone_decides_where_lips_are_not_wanted():
    assert isinstance(make_fusion(load_config("file", {"fusion.general": False})), AudioOnlyFusion)


@pytest.mark.parametrize("engine", ["whisper", "moonshine"])
def test_anybodys_lips_help_whatever_the_recogniser(engine):
    assert isinstance(make_fusion(load_config("file", {"speech.engine": engine})), GeneralFusion)


@pytest.mark.parametrize("engine", ["whisper", "moonshine"])
def test_a_profile_brings_lips_in_whatever_the_recogniser(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path)
    save_networks(LipNetworks.untrained(), profile_path("ann"))
    settings = {"fusion.profile": "ann", "fusion.general": False, "speech.engine": engine}
    fusion = make_fusion(load_config("file", settings))
    assert isinstance(fusion, LipFusion)
    fusion.load()


@pytest.mark.parametrize(("engine", "kind"), [("whisper", ProfileFusion), ("moonshine", GeneralFusion)])
def test_whether_others_are_heard_is_asked_where_the_profile_is_not_the_only_reader(
    engine, kind, tmp_path, monkeypatch
):
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path)
    save_networks(LipNetworks.untrained(), profile_path("ann"))
    assert type(make_fusion(load_config("file", {"fusion.profile": "ann", "speech.engine": engine}))) is kind


@pytest.mark.parametrize("settings", [{"speech.language": "de"}, {"speech.task": "translate"}])
def test_where_a_profile_reads_nothing_lips_help_as_anybodys_do(settings):
    fusion = make_fusion(load_config("file", {"fusion.profile": "ann", **settings}))
    assert type(fusion) is GeneralFusion


def test_a_profile_that_is_not_there_is_the_users_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path)
    with pytest.raises(UserError, match="no profile called 'bob'"):
        make_fusion(load_config("file", {"fusion.profile": "bob"}))


@pytest.mark.media
def test_a_reading_that_is_interrupted_is_no_shorter_recording(obama_speech, monkeypatch, ctrl_c):
    frames = []

    def interrupt(self, port, packet):
        frames.append(packet)
        if len(frames) == 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(recordings._Collector, "process", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read_recording(obama_speech, load_config("file", {"video.enabled": False}))
