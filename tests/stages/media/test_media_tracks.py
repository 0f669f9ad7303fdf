"""Several tracks: which one is used, and that it is said."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.events import Remark
from lipstream.pipeline import ConfigError, UserError
from lipstream.pipeline.testing import run_source
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.languages import container_code, language_code
from lipstream.stages.media.probe import probe
from lipstream.stages.media.tracks import ANY, Wanted, in_words, wanted_by
from lipstream.stages.media.video import MediaVideo
from tests.media_factory import Picture, Sound, moving, tone, write_media
from tests.stages.media.media_runs import RATE, level, sound

SILENCE = np.zeros((1, 3 * RATE), np.float32)


def low(samples=None, **told) -> Sound:
    return Sound(SILENCE if samples is None else samples, RATE, codec="flac", **told)


def voice(audio: np.ndarray, seconds: float = 3.0) -> np.ndarray:
    return audio[None, : round(seconds * RATE)]


def chosen(path, wanted=ANY) -> int:
    track = probe(path, wanted=wanted).audio
    assert track is not None
    return track.number


def remarks(run) -> list[Remark]:
    return [event for event in run.events if isinstance(event, Remark)]


def test_a_silent_first_track_is_passed_over(tmp_path, beckett_audio):
    path = write_media(tmp_path / "a.mkv", low(preferred=True), more=[low(voice(beckett_audio), tags={"title": "Mic"})])
    run = run_source(MediaAudio(path))
    assert np.abs(sound(run)).max() > 0.05
    (told,) = remarks(run)
    assert (told.modality, told.kind) == ("audio", "track") and told.text.startswith("track 2 of 2 (Mic) is used")


def test_a_track_in_which_nobody_speaks_is_passed_over_though_it_is_the_files_own_choice(tmp_path, beckett_audio):
    music = low(tone(3.0, RATE), tags={"language": "fra"}, preferred=True)
    path = write_media(tmp_path / "a.mkv", music, more=[low(voice(beckett_audio), tags={"language": "eng"})])
    assert chosen(path) == 2


def test_of_several_tracks_with_speech_the_language_decides_and_else_what_the_file_prefers(tmp_path, beckett_audio):
    spoken = voice(beckett_audio)
    tracks = [low(spoken, tags={"language": code}) for code in ("fre", "ger")]
    path = write_media(tmp_path / "a.mkv", low(spoken, tags={"language": "eng"}), more=tracks)
    assert [chosen(path, Wanted(language=code)) for code in (None, "en", "fr", "de", "it")] == [1, 1, 2, 3, 1]
    tracks[0] = low(spoken, tags={"language": "fre"}, preferred=True)
    assert chosen(write_media(tmp_path / "b.mkv", low(spoken), more=tracks)) == 2


def test_the_wanted_language_does_not_win_with_a_silent_track(tmp_path, beckett_audio):
    silent = low(tags={"language": "eng"})
    path = write_media(tmp_path / "a.mkv", silent, more=[low(voice(beckett_audio), tags={"language": "deu"})])
    assert chosen(path, Wanted(language="en")) == 2
    assert chosen(path, Wanted("en")) == 1, "asked for outright, it is taken"


def test_a_track_is_chosen_by_number_and_by_language(tmp_path):
    path = write_media(tmp_path / "a.mkv", low(tags={"language": "eng"}), more=[low(tags={"language": "fra"})])
    assert [chosen(path, Wanted(each)) for each in (1, 2, "eng", "fr", "fra")] == [1, 2, 1, 2, 2]


@pytest.mark.parametrize(("wanted", "said"), [(3, "has 2 sound tracks"), ("de", r"it has 1 \(en\), 2 \(fr\)")])
def test_a_track_that_is_not_there_is_a_clear_no(tmp_path, wanted, said):
    path = write_media(tmp_path / "a.mkv", low(tags={"language": "eng"}), more=[low(tags={"language": "fra"})])
    with pytest.raises(UserError, match=said):
        probe(path, wanted=Wanted(wanted))


def test_all_tracks_are_mixed_each_at_its_own_time(tmp_path):
    late = Sound(tone(1.0, RATE, 1000.0), RATE, codec="flac", start=2.0)
    path = write_media(tmp_path / "a.mkv", low(tone(3.0, RATE, 200.0)), more=[late])
    run = run_source(MediaAudio(path, wanted=Wanted("all")))
    heard = sound(run)
    assert len(heard) == pytest.approx(3 * RATE, abs=64)
    assert level(heard[:RATE]) == pytest.approx(0.15, rel=0.05), "the mean of tone and silence"
    spectrum = np.abs(np.fft.rfft(heard[round(2.2 * RATE) : round(2.8 * RATE)]))
    peaks = set(np.flatnonzero(spectrum > 0.5 * spectrum.max()) / 0.6)
    assert {round(each, -1) for each in peaks} == {200, 1000}
    assert remarks(run)[0].text == "all 2 tracks are mixed"


def test_one_track_is_not_talked_about(tmp_path):
    assert remarks(run_source(MediaAudio(write_media(tmp_path / "a.wav", Sound(tone(1.0), codec="pcm_s16le"))))) == []


def test_a_black_picture_is_passed_over_and_another_one_can_be_chosen(tmp_path):
    black = [np.zeros((64, 96, 3), np.uint8)] * 10
    path = write_media(tmp_path / "a.mkv", None, Picture(black), more=[Picture(moving(10))])
    run = run_source(MediaVideo(path))
    assert run[5].payload.image.std() > 10 and remarks(run)[0].text.startswith("track 2 of 2 is looked at")
    assert run_source(MediaVideo(path, wanted=Wanted(video=1)))[5].payload.image.std() < 1
    with pytest.raises(UserError, match="has no video track 3"):
        probe(path, wanted=Wanted(video=3))


def test_session_time_begins_where_the_earliest_track_does_used_or_not(tmp_path):
    late = Sound(tone(1.0, RATE), RATE, codec="flac", start=0.5)
    path = write_media(tmp_path / "a.mkv", low(), more=[late])
    assert run_source(MediaAudio(path, wanted=Wanted(2)))[0].timestamp == pytest.approx(500_000, abs=2000)


def test_what_a_configuration_wants():
    assert wanted_by(load_config("file", {"input": "a.mkv"})) == Wanted("auto", "auto", None)
    fast = load_config("file", {"input": "a.mkv", "speech.quality": "fast", "audio.track": "2", "video.track": 3})
    assert wanted_by(fast) == Wanted(2, 3, "en"), "Moonshine knows no other language"
    assert wanted_by(load_config("file", {"input": "a.mkv", "speech.language": "de"})).language == "de"


@pytest.mark.parametrize("wrong", ["every", "0", "-1", "mic 1", True])
def test_what_names_no_track_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"audio\.track"):
        load_config("file", {"input": "a.mkv", "audio.track": wrong})


@pytest.mark.parametrize(
    ("tag", "code"),
    [("eng", "en"), ("EN-us", "en"), ("ger", "de"), ("deu", "de"), ("und", None), ("", None), (None, None)],
)
def test_languages_are_told_by_their_short_code(tag, code):
    assert language_code(tag) == code


@pytest.mark.parametrize(
    ("code", "codes"),
    [
        ("de", "ger deu ger"),
        ("fr", "fre fra fra"),
        ("en", "eng eng eng"),
        ("zh", "chi zho chi"),
        ("no", "nor nor nor"),
        ("haw", "haw haw haw"),
        ("deu", "ger deu ger"),
        ("auto", "und und und"),
        (None, "und und und"),
    ],
)
def test_languages_are_written_as_each_container_has_them(code: str | None, codes: str):
    assert [container_code(code, name) for name in ("matroska", "mp4", "mov")] == codes.split()


def test_a_track_in_words(tmp_path):
    path = write_media(tmp_path / "a.mkv", low(tags={"language": "eng", "title": "Mic"}))
    assert in_words(probe(path).audio) == "track 1 of 1 (en, Mic)"


def test_a_track_that_ends_early_is_not_looked_for_in_the_rest_of_the_file(tmp_path, beckett_audio, monkeypatch):
    from lipstream.stages.media import listening

    long = low(np.tile(voice(beckett_audio), (1, 60)))
    path = write_media(tmp_path / "a.mkv", low(SILENCE, preferred=True), more=[long])
    heard: list[float] = []
    listen = listening._Listener.hear
    monkeypatch.setattr(
        listening._Listener, "hear", lambda self, frame: heard.append(frame.samples / RATE) or listen(self, frame)
    )
    listening._heard.cache_clear()
    assert chosen(path) == 2
    assert sum(heard) < 70, "a minute, of three"
