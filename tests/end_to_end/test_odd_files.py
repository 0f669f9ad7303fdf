"""Recordings as they come, made of good ones: they give the words and faces that the good ones give."""

from __future__ import annotations

import difflib
import re
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream import Pipeline
from lipstream.config import load_config
from lipstream.events import EmotionUpdate, FaceFound, Remark, TranscriptFinal
from tests.media_factory import Picture, Sound, write_media

pytestmark = pytest.mark.media

RATE = 16_000
QUICK = {"events.stats_interval": 0, "speech.quality": "fast", "emotion.enabled": False}


def captions(path: Path, **overrides: object) -> list:
    return list(Pipeline(load_config("file", {"input": str(path), **QUICK, **overrides})).events())


def words(events) -> list[str]:
    text = " ".join(event.text for event in events if isinstance(event, TranscriptFinal))
    return re.findall(r"[a-z']+", text.lower())


def kinds(events) -> list[str]:
    return [event.kind for event in events if isinstance(event, Remark)]


@pytest.fixture(scope="module")
def spoken(beckett: Path) -> list[str]:
    return words(captions(beckett))


def alike(one: list[str], other: list[str]) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def flac(path: Path, channels: np.ndarray, layout: str = "mono", **how) -> Path:
    return write_media(path, Sound(channels.astype(np.float32), RATE, layout, "flac"), **how)


def test_speech_with_peaks_of_50_dB_below_full_scale_has_all_its_words(tmp_path, beckett_audio, spoken):
    quiet = beckett_audio * (10 ** (-50 / 20) / np.abs(beckett_audio).max())
    # Not in sixteen bits, which leave too little of the weaker sounds of this recording.
    path = write_media(tmp_path / "a.wav", Sound(quiet[None].astype(np.float32), RATE, codec="pcm_f32le"))
    events = captions(path)
    assert alike(words(events), spoken) > 0.9 and "level" in kinds(events)


def test_speech_with_an_offset_of_half_of_full_scale_has_all_its_words(tmp_path, beckett_audio, spoken):
    events = captions(flac(tmp_path / "a.flac", 0.45 * beckett_audio[None] / np.abs(beckett_audio).max() + 0.5))
    assert alike(words(events), spoken) > 0.9 and "level" in kinds(events)


@pytest.mark.parametrize("layout", ["stereo", "5.1"])
def test_speech_on_channels_that_cancel_out_has_all_its_words(tmp_path, beckett_audio, spoken, layout):
    channels = np.zeros((2 if layout == "stereo" else 6, len(beckett_audio)), np.float32)
    channels[0], channels[1] = beckett_audio, -beckett_audio
    events = captions(flac(tmp_path / "a.flac", channels, layout))
    assert alike(words(events), spoken) > 0.9 and kinds(events) == ["channels"]


def test_speech_on_the_second_track_behind_silence_has_all_its_words(tmp_path, beckett_audio, spoken):
    silence = Sound(np.zeros((1, len(beckett_audio)), np.float32), RATE, codec="flac", preferred=True)
    path = write_media(tmp_path / "a.mkv", silence, more=[Sound(beckett_audio[None], RATE, codec="flac")])
    events = captions(path)
    assert alike(words(events), spoken) > 0.9 and kinds(events) == ["track"]
    assert words(captions(path, **{"audio.track": 1})) == []


def test_each_track_is_a_speaker_whose_words_are_all_there_though_both_speak_at_once(
    tmp_path, beckett_audio, two_cities, spoken
):
    with wave.open(str(two_cities)) as file:
        rate = file.getframerate()
        other = np.frombuffer(file.readframes(6 * rate), np.int16).astype(np.float32) / 32768
    ann = Sound(beckett_audio[None], RATE, codec="flac", tags={"title": "Ann"})
    path = write_media(tmp_path / "a.mkv", ann, more=[Sound(other[None], rate, codec="flac", tags={"title": "Bob"})])
    events = captions(path, **{"audio.track": "each"})
    finals = [event for event in events if isinstance(event, TranscriptFinal)]
    assert [final.start for final in finals] == sorted(final.start for final in finals)
    assert words([final for final in finals if final.speaker_name == "Ann"]) == spoken
    assert words([final for final in finals if final.speaker == 2])[:6] == ["it", "was", "the", "best", "of", "times"]


def test_at_one_frame_a_second_each_face_stays_one_face(tmp_path, obama_speech):
    with av.open(str(obama_speech)) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    picked = [min(frames, key=lambda each: abs(each[0] - second))[1] for second in range(8)]
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=1)
        stream.height, stream.width = picked[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in picked:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    events = captions(path, **{"emotion.enabled": True})
    assert len([event for event in events if isinstance(event, FaceFound)]) <= 2
    rows = [event for event in events if isinstance(event, EmotionUpdate) and event.face is not None]
    assert 14 <= len(rows) <= 32, "two a second for each face"


def test_a_picture_track_is_not_needed_for_any_of_it(tmp_path):
    black = Picture([np.zeros((64, 96, 3), np.uint8)] * 50)
    events = captions(write_media(tmp_path / "a.mp4", Sound(np.zeros((1, 2 * 48_000), np.float32)), black))
    assert kinds(events) == ["silence"]
