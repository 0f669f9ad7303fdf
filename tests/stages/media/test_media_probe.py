import os
import wave
from pathlib import Path

import numpy as np
import pytest

from lipstream.pipeline import UserError
from lipstream.stages.media.probe import probe
from tests.media_factory import Picture, Sound, flashes, moving, tone, truncated, write_media


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk.avi", "talk.ts", "talk.flv"])
def test_tells_what_a_file_holds(tmp_path, name):
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    sound = Sound(tone(1.0, 44_100, channels=2), 44_100, "stereo", "libmp3lame" if name.endswith("avi") else "aac")
    info = probe(write_media(tmp_path / name, sound, Picture(moving(25), codec=codec, options={})))
    assert info.has_audio and info.has_video
    assert (info.audio.rate, info.audio.channels) == (44_100, 2)
    assert (info.video.width, info.video.height) == (96, 64)
    assert info.video.fps == pytest.approx(25, rel=0.1)
    assert info.duration == pytest.approx(1.0, abs=0.15)


def test_sound_alone_has_no_picture(tmp_path):
    for name, codec in (("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.flac", "flac")):
        info = probe(write_media(tmp_path / name, Sound(tone(0.5), codec=codec)))
        assert info.has_audio and not info.has_video, name


def test_picture_alone_has_no_sound(tmp_path):
    info = probe(write_media(tmp_path / "a.mp4", picture=Picture(moving(10))))
    assert info.has_video and not info.has_audio


def test_cover_art_is_no_video(tmp_path):
    for name, codec in (("a.mp3", "libmp3lame"), ("a.flac", "flac")):
        path = write_media(tmp_path / name, Sound(tone(0.5), codec=codec), cover=flashes(1, [0])[0])
        info = probe(path)
        assert info.has_audio and not info.has_video, name


def test_time_zero_is_the_earliest_start_of_the_tracks(tmp_path):
    images = moving(10)
    late_sound = probe(write_media(tmp_path / "a.mkv", Sound(tone(1), start=0.5), Picture(images)))
    assert late_sound.origin == 0
    assert late_sound.audio.start == pytest.approx(500_000, abs=30_000)
    times = [0.3 + i / 25 for i in range(10)]
    late_both = probe(write_media(tmp_path / "b.mkv", Sound(tone(1), start=0.5), Picture(images, times)))
    assert late_both.origin == late_both.video.start == 300_000


def test_a_name_that_looks_like_a_protocol_is_a_file_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_media(tmp_path / "a.wav", Sound(tone(0.1), codec="pcm_s16le"))
    odd = tmp_path / "http:12:30 – Ünïcode.wav"
    os.rename("a.wav", odd)
    assert probe(odd.relative_to(tmp_path)).has_audio


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "https://example.org/a/talk.mp4?x=1",
            r"'https://example.org/a/talk.mp4\?x=1' is an address",
        ),
        ("HTTP://example.org/talk.mp4", "'HTTP://example.org/talk.mp4' is an address.* download it and give the file$"),
        ("file:///home/me/talk.mp4", "by their path: give '/home/me/talk.mp4'"),
        ("rtsp://cam.local/door", r"lipstream live --camera rtsp://\.\.\."),
    ],
)
def test_an_address_is_not_called_a_missing_file(name, message):
    with pytest.raises(UserError, match=message):
        probe(Path(name))


def test_a_file_in_a_folder_that_looks_like_a_protocol_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "https:").mkdir()
    write_media(tmp_path / "https:" / "a.wav", Sound(tone(0.1), codec="pcm_s16le"))
    assert probe(Path("https://a.wav")).has_audio


def bad_files(folder):
    text = "This is a shopping list, not a film.\n" * 40
    (folder / "text.mp4").write_text(text)
    (folder / "notes.txt").write_text(text)
    (folder / "subtitles.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "noise.mkv").write_bytes(np.random.default_rng(1).bytes(50_000))
    (folder / "folder.mp4").mkdir()
    whole = write_media(folder / "whole.mp4", picture=Picture(moving(10)))
    truncated(whole, folder / "no_index.mp4", 0.5)
    write_media(folder / "photo.jpg", picture=Picture(moving(1), codec="mjpeg", options={}))
    # A playlist must not make the program reach for the network.
    (folder / "remote.m3u8").write_text("#EXTM3U\n#EXTINF:3,\nhttp://192.0.2.1/a.ts\n#EXT-X-ENDLIST\n")
    with wave.open(str(folder / "no_sound.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
    return folder


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("text.mp4", "not a media file"),
        ("notes.txt", "is text"),
        ("subtitles.srt", "neither a sound nor a video track"),
        ("empty.mp4", "is empty"),
        ("noise.mkv", "not a media file"),
        ("folder.mp4", "is a folder"),
        ("no_index.mp4", "cut off"),
        ("photo.jpg", "still picture"),
        ("remote.m3u8", "a"),
        ("missing.mp4", "does not exist"),
        ("x" * 5000, "too long"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, name, says):
    path = bad_files(tmp_path) / name
    with pytest.raises(UserError) as caught:
        probe(path)
    message = str(caught.value)
    assert says in message and "expected" in message and "\n" not in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UserError, match="not a regular file"):
        probe(tmp_path / "pipe.mp4")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file_says_so(tmp_path):
    path = write_media(tmp_path / "a.wav", Sound(tone(0.1), codec="pcm_s16le"))
    path.chmod(0)
    with pytest.raises(UserError, match="cannot be read"):
        probe(path)
