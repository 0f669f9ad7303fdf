"""Small files that ask for far more than they hold are refused before anything is decoded."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from av.audio.frame import AudioFrame

from lipstream.commands.main import main
from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.pipeline.testing import run_source
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.limits import allowed
from lipstream.stages.media.probe import probe
from tests.hostile import bombs
from tests.hostile.seeds import RECIPES, write_seed
from tests.media_factory import Picture, Sound, moving, tone, write_media
from tests.stages.media.media_runs import RATE, hear, reasons, sound, watch


def playlist(path, *lines):
    path.write_text("\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:3", "#EXTINF:0.8,", *lines, ""]))
    write_seed(path.parent, next(recipe for recipe in RECIPES if recipe.name == "g.ts"))
    return path


def concatenation(path):
    path.write_text("ffconcat version 1.0\nfile g.ts\n")
    write_seed(path.parent, next(recipe for recipe in RECIPES if recipe.name == "g.ts"))
    return path


BOMBS = {
    "a picture of 30000x30000 in a small PNG": (lambda d: bombs.png(d / "a.png"), "still picture"),
    "an animation on a huge canvas": (lambda d: bombs.gif(d / "a.gif"), "limits.max_pixels"),
    "a video that declares a huge picture": (lambda d: bombs.jpegs(d / "a.avi", declared=True), "limits.max_pixels"),
    "300 tracks": (lambda d: bombs.many_tracks(d / "a.mkv", 300), "has 300 tracks"),
    "64 channels": (lambda d: bombs.wav(d / "a.wav", channels=64), "has 64 channels"),
    "255 channels": (lambda d: bombs.wav(d / "a.wav", channels=255), "has 255 channels"),
    "one sample a second": (lambda d: bombs.wav(d / "a.wav", rate=1), "limits.min_sample_rate"),
    "thirty years": (lambda d: bombs.long_claim(d / "a.mkv", 1e9), "limits.max_duration"),
    "a playlist that never ends": (lambda d: playlist(d / "a.m3u8", "g.ts"), "expected video or audio"),
    "a playlist of a device": (lambda d: playlist(d / "a.m3u8", "file:///dev/zero"), "expected video or audio"),
    "a list of other files": (lambda d: concatenation(d / "a.ffconcat"), "list of media files"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_clear_line_and_exit_code_2(tmp_path, capsys, name):
    make, says = BOMBS[name]
    path = make(tmp_path)
    assert main(["file", str(path), "-o", str(tmp_path / "out"), "-f", "all"]) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == "" and line.startswith("lipstream: error: ") and says in line and "expected" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
def test_a_picture_larger_than_declared_is_never_given_memory(tmp_path):
    import resource

    path = bombs.jpegs(tmp_path / "a.avi", declared=False, sound=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match="nothing in it could be decoded"):
        watch(path)
    assert len(sound(hear(path))) == RATE
    # One picture alone would be 1.3 GB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_a_user_who_trusts_a_file_raises_the_limit(tmp_path):
    path = write_media(tmp_path / "a.mkv", Sound(tone(3.0)), Picture(moving(10)))
    for limits in (
        LimitsConfig(max_pixels=6000),
        LimitsConfig(max_duration=2),
        LimitsConfig(max_tracks=1),
        LimitsConfig(max_sample_rate=44_100),
    ):
        with pytest.raises(UserError, match=r"--set limits\."):
            probe(path, limits)
    assert probe(path, LimitsConfig(max_pixels=6144, max_duration=4, max_tracks=2, max_sample_rate=48_000)).has_video


def test_limits_are_settings_of_the_command_line(tmp_path, capsys):
    path = write_media(tmp_path / "a.mkv", Sound(tone(3.0)))
    assert main(["file", str(path), "--set", "limits.max_duration=2", "-o", str(tmp_path / "out")]) == 2
    assert "claims to last 0:00:03" in capsys.readouterr().err


@pytest.mark.parametrize("channels", [3, 6, 12, 24, 32])
def test_unusual_numbers_of_channels_within_the_limit_are_heard(tmp_path, channels):
    run = hear(bombs.wav(tmp_path / "a.wav", channels=channels, data=channels * 2 * RATE))
    assert len(sound(run)) == RATE and np.abs(sound(run)).max() > 0


def test_a_file_that_does_not_tell_its_length_is_left_off_at_the_limit(tmp_path):
    path = write_media(tmp_path / "a.mp3", Sound(tone(4.0), codec="libmp3lame"))
    run = run_source(MediaAudio(path, limits=LimitsConfig(max_duration=2)))
    assert run[-1].end / 1e6 == pytest.approx(2, abs=0.1)
    assert any("limits.max_duration" in reason for reason in reasons(run))


def test_gaps_beyond_the_limit_are_closed_up_and_said(tmp_path):
    path = bombs.far_apart(tmp_path / "a.mkv", 6, 10.0)
    whole = hear(path)
    assert whole[-1].end / 1e6 == pytest.approx(50, abs=0.2) and whole.events == []
    run = run_source(MediaAudio(path, limits=LimitsConfig(max_gaps=25)))
    assert run[-1].end / 1e6 == pytest.approx(20, abs=1)
    assert "time stamps that jump" in reasons(run)[0]


def test_sound_that_changes_to_an_impossible_rate_is_not_taken():
    frame = AudioFrame.from_ndarray(np.zeros((1, 100), np.int16), format="s16", layout="mono")
    for rate, expected in ((16_000, True), (1, False), (1_999, False), (4_000_000, False)):
        frame.sample_rate = rate
        assert allowed(frame, LimitsConfig()) is expected
