"""Recordings in which there is nothing that can be used: an error with its cause, not an empty result."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from lipstream.pipeline import Session, UserError
from lipstream.pipeline.testing import run_source
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.deliveries import Deliveries
from lipstream.stages.media.probe import probe
from lipstream.stages.media.video import MediaVideo
from tests.media_factory import Picture, Sound, moving, tone, write_media
from tests.stages.media.media_runs import RATE, reasons

ENCRYPTED = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}


@pytest.fixture
def locked(tmp_path):
    return write_media(tmp_path / "a.mp4", Sound(tone(1.0)), Picture(moving(25)), container_options=ENCRYPTED)


@pytest.mark.parametrize(("source", "noun"), [(MediaAudio, "sound"), (MediaVideo, "picture")])
def test_what_is_encrypted_is_said_to_be(locked, source, noun):
    with pytest.raises(UserError, match=f"the {noun} is encrypted"):
        run_source(source(locked))


def test_a_source_that_has_nothing_leaves_the_run_to_one_that_may(locked):
    run = run_source(MediaAudio(locked, deliveries=Deliveries(2)))
    assert len(run) == 0 and reasons(run) == ["the sound is encrypted"]


def test_nothing_found_by_any_source_is_an_error_with_every_cause():
    told = Deliveries(2)
    assert not told.all_empty("audio", "no sound")
    assert told.all_empty("video", "no picture") and told.causes == "no sound; no picture"
    told = Deliveries(2)
    assert not told.all_empty("audio", None) and not told.all_empty("video", "no picture")


@pytest.mark.parametrize("milliseconds", [0.1, 1.0, 20.0])
def test_a_sound_too_short_to_hear_anything_in_is_an_error(tmp_path, milliseconds):
    path = write_media(tmp_path / "a.wav", Sound(tone(milliseconds / 1000), codec="pcm_s16le"))
    with pytest.raises(UserError, match=rf"the sound lasts {milliseconds:.1f} ms, too short"):
        run_source(MediaAudio(path))


def test_a_sound_of_one_window_is_read(tmp_path):
    path = write_media(tmp_path / "a.wav", Sound(tone(0.032, RATE), RATE, codec="pcm_s16le"))
    assert len(run_source(MediaAudio(path))) == 1


def test_tracks_that_declare_that_they_are_encrypted_are_refused_at_once(tmp_path):
    sound = Sound(tone(1.0), codec="libopus", tags={"enc_key_id": "c2VjcmV0"})
    path = write_media(tmp_path / "a.mkv", sound)
    with pytest.raises(UserError, match="is encrypted; expected"):
        probe(path)


def test_a_run_over_an_encrypted_recording_fails_with_the_cause(locked):
    from lipstream.pipeline import Graph, Port, Sink
    from lipstream.stages.payloads import AudioBlock

    class Hears(Sink):
        inputs: ClassVar = {"audio": Port(AudioBlock)}

        def process(self, port, packet):
            raise AssertionError("there is nothing")

    graph = Graph()
    graph.add("audio", MediaAudio(locked))
    graph.add("hears", Hears())
    graph.connect("audio.audio", "hears.audio")
    with pytest.raises(UserError, match="encrypted"):
        Session(graph, media_time=True).run()


def test_silence_is_something(tmp_path):
    path = write_media(tmp_path / "a.wav", Sound(np.zeros((1, RATE), np.float32), RATE, codec="pcm_s16le"))
    run = run_source(MediaAudio(path))
    assert len(run) and reasons(run) == []
