"""A copy of the recording with captions as a track: nothing encoded again, nothing shifted."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.stages.media.languages import language_code
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.views.media.mux import Muxer
from lipstream.views.media.part_file import PartFile
from tests.media_factory import Picture, Sound, beeps, moving, tone, turned, write_media
from tests.views.media import flash_and_beep
from tests.views.media.flash_and_beep import timing

LIMITS = LimitsConfig()
CUES = [Cue(500, 1500, ("Hello <b>there,", "all of you.")), Cue(1500, 1900, ("Écoutez!",)), Cue(2100, 2500, ("Bye.",))]
SRT = ["Hello ‹b>there,\nall of you.", "Écoutez!", "Bye."]
TIMED_TEXT = ["Hello <b>there,\nall of you.", "Écoutez!", "Bye."]
DEFAULT = av.stream.Disposition.default


def mux(source: Path, to: Path, cues=CUES, stopping=lambda: False, language: str | None = None) -> list[str]:
    target = PartFile(to)
    target.open()
    muxer = Muxer(source, target, cues, LIMITS, stopping, language=language)
    try:
        muxer.mux()
        target.commit()
    finally:
        target.discard()
    assert not target.part.exists()
    return muxer.left_out


def subtitles(path: Path, track: int = 0) -> list[tuple[float, float, str]]:
    """Start and end in seconds from the picture's start, and text, of every cue."""
    cues = []
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[track]
        media = [*container.streams.video, *container.streams.audio]
        origin = min(each.start_time * each.time_base for each in media[:1])
        timed_text = stream.codec_context.name == "mov_text"
        for packet in container.demux(stream):
            data = bytes(packet)
            if timed_text and data:
                (length,) = struct.unpack(">H", data[:2])
                data = data[2 : 2 + length]
            if data:
                start = packet.pts * packet.time_base - origin
                cues.append((float(start), float(start + packet.duration * packet.time_base), data.decode()))
    return cues


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.mp4", flash_and_beep.constant_rate),
        ("a.mkv", flash_and_beep.variable_rate),
        ("a.mp4", lambda path: flash_and_beep.constant_rate(path, late=0.3)),
        ("a.ts", flash_and_beep.constant_rate),
    ],
    ids=["constant rate", "variable rate", "late sound", "broadcast"],
)
def test_subtitles_come_at_their_times_and_sound_and_picture_as_before(tmp_path: Path, ending: str, name: str, make):
    source, to = make(tmp_path / name), tmp_path / f"out.{ending}"
    assert mux(source, to) == []
    before, after = timing(source), timing(to)
    assert after.offsets == pytest.approx(before.offsets, abs=0.002)
    steps = [float(time) for time in np.diff(before.pictures)]
    assert [float(time) for time in np.diff(after.pictures)] == pytest.approx(steps, abs=0.0011)
    # Matroska has no times before zero: what an encoder of sound put in front makes everything later by a packet.
    assert after.duration == pytest.approx(before.duration, abs=0.066)
    shown = subtitles(to)
    assert [text for _, _, text in shown] == (SRT if ending == "mkv" else TIMED_TEXT)
    # In the broadcast the picture begins that much after the sound, which is time zero.
    assert [start for start, _, _ in shown] == pytest.approx([cue.start / 1000 for cue in CUES], abs=0.066)
    assert [end - start for start, end, _ in shown] == pytest.approx([1.0, 0.4, 0.4], abs=0.002)


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_of_two_who_speak_at_once_neither_is_lost_or_late_in_timed_text(tmp_path: Path, ending: str):
    source = write_media(tmp_path / "a.mp4", Sound(tone(3.0)), Picture(moving(75)))
    at_once = [
        Cue(200, 900, ("-One",)),
        Cue(200, 700, ("-Two",)),
        Cue(1000, 2000, ("-Three",)),
        Cue(1400, 1700, ("-4",)),
    ]
    mux(source, tmp_path / f"out.{ending}", [*at_once, Cue(2500, 2900, ("Five",))])
    assert subtitles(tmp_path / f"out.{ending}") == [
        (0.2, 0.7, "-One\n-Two"),
        (0.7, 0.9, "-One"),
        (1.0, 1.4, "-Three"),
        (1.4, 1.7, "-Three\n-4"),
        (1.7, 2.0, "-Three"),
        (2.5, 2.9, "Five"),
    ]


def test_what_is_heard_and_seen_is_copied_bit_by_bit(tmp_path: Path):
    source = flash_and_beep.constant_rate(tmp_path / "a.mp4")
    mux(source, tmp_path / "out.mp4")
    for kind in ("audio", "video"):
        assert packets(tmp_path / "out.mp4", kind) == packets(source, kind)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_the_track_has_a_name_and_a_language_and_can_be_switched_off(tmp_path: Path, ending: str):
    source, to = write_media(tmp_path / "a.mp4", Sound(tone(3.0)), Picture(moving(75))), tmp_path / f"out.{ending}"
    mux(source, to, language="en")
    with av.open(str(to)) as container:
        (stream,) = container.streams.subtitles
        assert stream.codec_context.name == {"mkv": "srt", "mp4": "mov_text"}[ending]
        assert stream.language == "eng" and "Lipstream" in stream.metadata.values()
        assert stream.disposition == DEFAULT
        texts = [line.dialogue.decode() for packet in container.demux(stream) for line in packet.decode()]
    assert texts[1:] == ["Écoutez!", "Bye."] and texts[0].endswith("all of you.")


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
@pytest.mark.parametrize("language", ["de", "fr", "zh", "ja", "ar", "hi", "no", None])
def test_the_track_is_in_the_language_that_is_spoken_and_not_always_in_english(
    tmp_path: Path, ending: str, language: str | None
):
    source, to = write_media(tmp_path / "a.mp4", None, Picture(moving(75))), tmp_path / f"out.{ending}"
    mux(source, to, language=language)
    with av.open(str(to)) as container:
        assert language_code(container.streams.subtitles[0].language) == language


def test_subtitles_that_were_there_are_kept_and_stay_the_first_choice(tmp_path: Path):
    source = write_media(tmp_path / "a.mp4", Sound(tone(3.0)), Picture(moving(75)))
    mux(source, tmp_path / "once.mkv", [Cue(0, 900, ("Older.",))])
    assert mux(tmp_path / "once.mkv", tmp_path / "twice.mkv") == []
    with av.open(str(tmp_path / "twice.mkv")) as container:
        assert [stream.disposition & DEFAULT for stream in container.streams.subtitles] == [DEFAULT, 0]
    assert [text for _, _, text in subtitles(tmp_path / "twice.mkv", 0)] == ["Older."]
    assert [text for _, _, text in subtitles(tmp_path / "twice.mkv", 1)] == SRT
    assert mux(tmp_path / "once.mkv", tmp_path / "other.mp4") == ["subtitles (srt)"]
    assert [text for _, _, text in subtitles(tmp_path / "other.mp4")] == TIMED_TEXT


def test_without_captions_there_is_no_track(tmp_path: Path):
    source = write_media(tmp_path / "a.mp4", Sound(tone(1.0)), Picture(moving(25)))
    mux(source, tmp_path / "out.mkv", [])
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def test_sound_alone_and_picture_alone_get_subtitles_too(tmp_path: Path):
    heard = write_media(tmp_path / "heard.mp3", Sound(tone(3.0), codec="libmp3lame"))
    seen = write_media(tmp_path / "seen.mp4", None, Picture(moving(75)))
    for source in (heard, seen):
        mux(source, tmp_path / "out.mkv")
        assert [text for _, _, text in subtitles(tmp_path / "out.mkv")] == SRT


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_picture_that_is_to_be_turned_still_is(tmp_path: Path, ending: str):
    source = turned(write_media(tmp_path / "a.mp4", None, Picture(moving(5), aspect=Fraction(4, 3))), 1)
    mux(source, tmp_path / f"out.{ending}")
    with av.open(str(source)) as before, av.open(str(tmp_path / f"out.{ending}")) as after:
        frames = [next(container.decode(video=0)) for container in (before, after)]
        aspects = [container.streams.video[0].codec_context.sample_aspect_ratio for container in (before, after)]
    assert frames[0].rotation == frames[1].rotation != 0
    assert aspects[0] == aspects[1] == Fraction(4, 3)


def test_a_cover_is_kept_where_it_stays_a_cover(tmp_path: Path):
    source = write_media(tmp_path / "a.mp4", Sound(tone(1.0)), Picture(moving(25)), cover=moving(1)[0])
    assert mux(source, tmp_path / "out.mkv") == ["the cover"]
    assert mux(source, tmp_path / "out.mp4") == []
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert len(container.streams.video) == 1
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[1].disposition & av.stream.Disposition.attached_pic


def test_chapters_and_attachments_are_kept_where_they_can_be(tmp_path: Path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        parts = [("First", 0, 1000), ("Then", 1000, 3000)]
        container.set_chapters(
            [
                {"id": start, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for title, start, end in parts
            ]
        )
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        container.add_attachment("letters.ttf", "font/ttf", b"abc")
        samples = (tone(3.0, 16_000) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert mux(tmp_path / "a.mkv", tmp_path / "out.mkv") == []
    assert mux(tmp_path / "a.mkv", tmp_path / "out.mp4") == ["an attachment"]
    for name in ("out.mkv", "out.mp4"):
        with av.open(str(tmp_path / name)) as container:
            kept = [(each["metadata"]["title"], each["start"] * each["time_base"]) for each in container.chapters()]
            assert kept == [("First", 0), ("Then", 1)]
            attached = [stream.data for stream in container.streams if stream.type == "attachment"]
            assert attached == ([b"abc"] if name == "out.mkv" else [])


def test_what_a_format_cannot_hold_is_one_line_that_says_what_to_do(tmp_path: Path):
    pieces = [(0.0, beeps(0.5, [0.1])), (1.0, beeps(0.5, [0.1]))]
    gap = write_media(tmp_path / "gap.mkv", Sound(codec="pcm_s16le", pieces=pieces), Picture(moving(40)))
    raw = write_media(tmp_path / "raw.mkv", Sound(tone(0.5)), Picture(moving(5), codec="rawvideo", options={}))
    with pytest.raises(UserError, match=r"^mp4 cannot hold the gaps in the sound of .*; name a file ending in \.mkv$"):
        mux(gap, tmp_path / "out.mp4")
    with pytest.raises(UserError, match=r"^mp4 cannot hold the picture of .* \(rawvideo\); name a file ending in "):
        mux(raw, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_what_is_stopped_is_a_whole_shorter_copy_without_later_subtitles(tmp_path: Path):
    source = flash_and_beep.constant_rate(tmp_path / "a.mp4")
    count = iter(range(1000))
    mux(source, tmp_path / "out.mkv", stopping=lambda: next(count) > 60)
    before, after = timing(source), timing(tmp_path / "out.mkv")
    assert 0.5 < after.duration < 2 < before.duration
    assert len(after.pictures) > 10
    assert all(start <= after.duration for start, _, _ in subtitles(tmp_path / "out.mkv"))
