"""The recording in its report: inside if it is small and browsers play it, else beside it."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from lipstream.views.report import media
from lipstream.views.report.media import data_uri, page_media
from tests.media_factory import HEIGHT, WIDTH, Picture, Sound, moving, tone, turned, write_media

VP9 = {"deadline": "realtime", "cpu-used": "8"}


@pytest.mark.parametrize(
    ("name", "sound", "picture", "mime"),
    [
        ("a.mp4", "aac", "libx264", "video/mp4"),
        ("a.mov", "aac", "libx264", "video/mp4"),
        ("a.webm", "libopus", "libvpx-vp9", "video/webm"),
        ("a.mp4", "aac", None, "audio/mp4"),
        ("a.mp3", "libmp3lame", None, "audio/mpeg"),
        ("a.flac", "flac", None, "audio/flac"),
        ("a.ogg", "libopus", None, "audio/ogg"),
        ("a.wav", "pcm_s16le", None, "audio/wav"),
    ],
)
def test_what_browsers_play_is_put_into_the_page(tmp_path: Path, name: str, sound: str, picture: str | None, mime: str):
    frames = picture and Picture(moving(5), codec=picture, options=VP9 if "vpx" in picture else {"preset": "ultrafast"})
    source = write_media(tmp_path / name, Sound(tone(0.2), codec=sound), frames)
    found = page_media(source, tmp_path / "r.html")
    assert (found.kind, found.mime, found.url) == (mime.split("/")[0], mime, "")


@pytest.mark.parametrize(
    ("name", "sound", "picture"),
    [("a.mkv", "aac", "libx264"), ("a.avi", "pcm_s16le", "mpeg4"), ("a.mp4", "aac", "mpeg4"), ("a.mkv", "flac", None)],
)
def test_what_they_do_not_play_is_linked_with_a_picture(tmp_path: Path, name: str, sound: str, picture: str | None):
    frames = picture and Picture(moving(5), codec=picture, options={})
    found = page_media(write_media(tmp_path / name, Sound(tone(0.2), codec=sound), frames), tmp_path / "r.html")
    assert (found.mime, found.url) == ("", f"./{name}")
    assert found.poster.startswith(b"\xff\xd8") == (picture is not None)


def test_what_is_large_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = write_media(tmp_path / "talk.mp4", Sound(tone(0.2)), Picture(moving(5)))
    monkeypatch.setattr(media, "EMBED_LIMIT", 100)
    assert page_media(source, tmp_path / "pages" / "r.html").url == "../talk.mp4"


def test_an_address_of_a_server_is_taken_as_it_is(tmp_path: Path):
    source = write_media(tmp_path / "talk.mp4", Sound(tone(0.2)), Picture(moving(5)))
    found = page_media(source, tmp_path / "r.html", "/api/files/1/media")
    assert found.url == "/api/files/1/media" and found.poster


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("12:30.mkv", "./12%3A30.mkv"),
        ("a b#c?.mkv", "./a%20b%23c%3F.mkv"),
        ('<x> "y".mkv', "./%3Cx%3E%20%22y%22.mkv"),
        ("javascript:alert(1).mkv", "./javascript%3Aalert%281%29.mkv"),
        ("100%.mkv", "./100%25.mkv"),
    ],
)
def test_a_name_of_a_file_is_never_more_than_a_path(tmp_path: Path, name: str, url: str):
    made = write_media(tmp_path / "a.mkv", Sound(tone(0.2), codec="flac"))
    source = made.rename(tmp_path / name)
    assert page_media(source, tmp_path / "r.html").url == url


def test_the_data_address_holds_the_file_byte_for_byte(tmp_path: Path):
    source = tmp_path / "a.bin"
    source.write_bytes(np.random.default_rng(1).bytes(500_001))
    head, data = b"".join(data_uri(source, "video/mp4")).split(b",")
    assert head == b"data:video/mp4;base64" and base64.b64decode(data) == source.read_bytes()


def test_the_picture_of_a_turned_recording_is_upright(tmp_path: Path):
    picture = Picture(moving(5), codec="mpeg4", options={})
    source = turned(write_media(tmp_path / "a.mp4", picture=picture), 1)
    poster = page_media(source, tmp_path / "r.html").poster
    image = cv2.imdecode(np.frombuffer(poster, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[:2] == (WIDTH, HEIGHT)
