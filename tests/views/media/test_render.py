"""Rendered video: in sync, at the source's own times, upright, and whole or not there."""

from __future__ import annotations

import itertools
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.pipeline.events import End
from lipstream.views.drawing.scene import Scene
from lipstream.views.media import part_file
from lipstream.views.media.part_file import PartFile
from lipstream.views.media.render import Renderer
from lipstream.views.media.tone_map import tone_mapped
from tests.full_disk import FullDisk
from tests.media_factory import Picture, Sound, beeps, moving, tone, truncated, turned, write_media
from tests.views.media import flash_and_beep
from tests.views.media.flash_and_beep import timing
from tests.views.records import final, recorded

LIMITS = LimitsConfig()
RED = (255, 0, 0)
SYNC = 0.020


class Corner:
    """Paints a red square for each line of captions, and keeps what it was given."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.sizes: set[tuple[int, ...]] = set()

    def draw(self, image, scene: Scene) -> None:
        assert image.flags.c_contiguous and image.flags.writeable
        self.scenes.append(scene)
        self.sizes.add(image.shape)
        image[:32, : 32 * len(scene.captions)] = RED


def render(source: Path, to: Path, *events, painter=None, stopping=lambda: False, limits=LIMITS) -> float:
    target = PartFile(to)
    target.open()
    record = recorded([*events, End(reason="finished", duration=flash_and_beep.SECONDS)])
    try:
        seconds = Renderer(source, record, limits, painter or Corner(), stopping).render(target)
        target.commit()
    finally:
        target.discard()
    assert not target.part.exists()
    return seconds


def frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def streams(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {stream.type: stream.codec_context.name for stream in container.streams}


CLIPS = {
    "constant rate": ("a.mp4", flash_and_beep.constant_rate),
    "variable rate": ("a.mp4", flash_and_beep.variable_rate),
    "variable rate, Matroska": ("a.mkv", flash_and_beep.variable_rate),
    "late sound": ("a.mp4", lambda path: flash_and_beep.constant_rate(path, late=0.3)),
    "late uncompressed sound": ("a.mkv", lambda path: flash_and_beep.constant_rate(path, 0.3, "pcm_s16le")),
    "broadcast": ("a.ts", flash_and_beep.constant_rate),
}


@pytest.mark.parametrize("clip", CLIPS)
def test_sound_and_picture_are_as_far_apart_as_in_the_source(tmp_path: Path, clip: str):
    name, make = CLIPS[clip]
    source = make(tmp_path / name)
    render(source, tmp_path / "out.mp4")
    before, after = timing(source), timing(tmp_path / "out.mp4")
    assert len(before.offsets) == len(after.offsets) == len(flash_and_beep.AT)
    assert after.offsets == pytest.approx(before.offsets, abs=SYNC)
    assert after.pictures == before.pictures
    assert after.duration == pytest.approx(before.duration, abs=0.04)
    assert streams(tmp_path / "out.mp4") == {"video": "h264", "audio": "aac"}


def test_a_gap_in_the_sound_stays_a_gap(tmp_path: Path):
    pieces = [(0.0, beeps(0.8, [0.4], 16_000)), (1.2, beeps(1.0, [0.3], 16_000))]
    source = write_media(tmp_path / "a.mkv", Sound(rate=16_000, codec="pcm_s16le", pieces=pieces), Picture(moving(50)))
    render(source, tmp_path / "out.mp4")
    assert timing(tmp_path / "out.mp4").beeps == pytest.approx([0.4, 1.5], abs=SYNC)


def test_captions_are_in_the_picture_at_their_time(tmp_path: Path):
    source = flash_and_beep.constant_rate(tmp_path / "a.mp4")
    render(source, tmp_path / "out.mp4", final("hello there", start=0.5))
    red = [frame[4:24, 4:24, 0].mean() - frame[4:24, 4:24, 2].mean() > 128 for frame in frames(tmp_path / "out.mp4")]
    # Two words of 0.3 s, 0.4 s apart, and the shortest time a cue is shown.
    assert [index / 25 for index, is_red in enumerate(red) if is_red] == pytest.approx(np.arange(13, 34) / 25)


@pytest.mark.parametrize(
    ("name", "times"),
    [("a.mp4", (0.0,)), ("a.mp4", (0.0, 0.04, 1.9)), ("a.mkv", (0.0, 1.0, 2.0)), ("a.avi", (0.0, 2.0))],
    ids=["one picture", "a picture that stands", "one a second", "in coarse ticks"],
)
def test_captions_come_and_go_over_a_picture_that_stands_still(tmp_path: Path, name: str, times: tuple[float, ...]):
    picture = Picture(moving(len(times)), times=times, codec="mpeg4" if name == "a.avi" else "libx264")
    source = write_media(tmp_path / name, Sound(tone(flash_and_beep.SECONDS), codec="libmp3lame"), picture)
    render(source, tmp_path / "out.mp4", final("hello there", start=0.1), final("Bye", start=2.4, segment=2))
    with av.open(str(tmp_path / "out.mp4")) as container:
        shown = [(frame.time, frame.to_ndarray(format="rgb24")[4:24, 4:24]) for frame in container.decode(video=0)]
        container.seek(0)
        length = max(
            float((each.pts + each.duration) * each.time_base) for each in container.demux(video=0) if each.size
        )
    red = [(time, int(image[:, :, 0].mean()) - int(image[:, :, 2].mean()) > 128) for time, image in shown]
    assert [time for time, _ in red[1:]] == sorted({time for time, _ in red[1:]})
    changed = [time for (_, before), (time, now) in itertools.pairwise(red) if before != now]
    assert changed == pytest.approx([0.1, 0.933, 2.4], abs=0.002)
    assert length == pytest.approx(flash_and_beep.SECONDS, abs=0.15)


def test_sound_is_copied_where_that_loses_nothing(tmp_path: Path):
    source = write_media(tmp_path / "a.mp4", Sound(tone(1.0)), Picture(moving(25)))
    render(source, tmp_path / "out.mp4")

    def sound(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert sound(tmp_path / "out.mp4") == sound(source)


@pytest.mark.parametrize("layout", ["5.1", "stereo", "3 channels"])
def test_sound_of_many_channels_and_odd_rates_is_encoded(tmp_path: Path, layout: str):
    count = {"5.1": 6, "stereo": 2, "3 channels": 3}[layout]
    # Matroska does not tell where the channels of uncompressed sound are.
    odd = Sound(tone(0.5, 22_255, channels=count), 22_255, layout, "flac" if layout == "5.1" else "pcm_s16le")
    render(write_media(tmp_path / "a.mkv", odd, Picture(moving(12))), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.audio[0].codec_context
        assert context.sample_rate == 48_000
        assert context.layout.name == {"5.1": "5.1", "stereo": "stereo", "3 channels": "mono"}[layout]
        loudest = max(np.abs(frame.to_ndarray()[0]).max() for frame in container.decode(audio=0))
    assert loudest == pytest.approx(0.3, abs=0.1)


def test_a_turned_picture_is_upright_with_its_pixels_turned_too(tmp_path: Path):
    left_half = np.zeros((64, 96, 3), np.uint8)
    left_half[:, :48] = 255
    source = write_media(tmp_path / "a.mp4", None, Picture([left_half] * 5, aspect=Fraction(4, 3)))
    render(turned(source, 1), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (256, 512)
        assert (stream.codec_context.sample_aspect_ratio or 1) == 1
        frame = next(container.decode(video=0))
        assert frame.rotation == 0
    # Clockwise, what was on the left is at the top.
    grey = frame.to_ndarray(format="gray")
    assert grey[40:240].mean() > 200 and grey[280:].mean() < 50


def test_pixels_that_are_no_squares_become_squares_so_that_letters_are_as_wide_as_ever(tmp_path: Path):
    """Letters drawn on a picture of 4:3 pixels came out a third too wide."""
    source = write_media(tmp_path / "a.mp4", None, Picture(moving(10, 480, 360), aspect=Fraction(4, 3)))
    painter = Corner()
    render(source, tmp_path / "out.mp4", final("hello", start=0.0), painter=painter)
    assert painter.sizes == {(360, 640, 3)}
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        assert (stream.codec_context.sample_aspect_ratio or 1) == 1
    red = frames(tmp_path / "out.mp4")[1][:, :, 0].astype(int) - frames(tmp_path / "out.mp4")[1][:, :, 2]
    rows, columns = np.nonzero(red > 128)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)


def test_pixels_narrower_than_high_make_the_picture_higher(tmp_path: Path):
    source = write_media(tmp_path / "a.mp4", None, Picture(moving(5, 480, 360), aspect=Fraction(8, 9)))
    painter = Corner()
    render(source, tmp_path / "out.mp4", painter=painter)
    assert painter.sizes == {(405, 480, 3)}


def test_an_aspect_that_cannot_be_is_not_believed(tmp_path: Path):
    source = write_media(tmp_path / "a.mp4", None, Picture(moving(5, 480, 360), aspect=Fraction(200, 1)))
    painter = Corner()
    render(source, tmp_path / "out.mp4", painter=painter)
    assert painter.sizes == {(360, 480, 3)}


def write_video(path: Path, images, pixels: str, codec: str = "ffv1", **tags: int) -> Path:
    height, width = images[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for index, image in enumerate(images):
            frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
            for name, value in tags.items():
                setattr(frame, name, value)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "gray", "bgr0"])
def test_odd_sizes_and_formats_of_pixels_keep_their_colours(tmp_path: Path, pixels: str):
    image = np.full((363, 361, 3), (90, 90, 90) if pixels == "gray" else (180, 60, 40), np.uint8)
    source = write_video(tmp_path / "a.mkv", [image] * 3, pixels)
    painter = Corner()
    render(source, tmp_path / "out.mp4", painter=painter)
    assert painter.sizes == {(363, 361, 3)}
    shown = frames(tmp_path / "out.mp4")
    assert {frame.shape for frame in shown} == {(364, 362, 3)}
    assert shown[1][10:-10, 10:-10].mean(axis=(0, 1)) == pytest.approx(image[0, 0], abs=6)


def test_colour_tags_are_kept_and_hdr_becomes_sdr(tmp_path: Path):
    grey = [np.full((64, 64, 3), 100, np.uint8)] * 2
    bt709 = {"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 1}
    pq = {"colorspace": 9, "color_primaries": 9, "color_trc": 16, "color_range": 1}
    for tags, pixels in ((bt709, "yuv420p"), (pq, "yuv420p10le")):
        source = write_video(tmp_path / f"{pixels}.mkv", grey, pixels, **tags)
        render(source, tmp_path / f"{pixels}.mp4")
        with av.open(str(tmp_path / f"{pixels}.mp4")) as container:
            frame = next(container.decode(video=0))
        assert {name: getattr(frame, name) for name in bt709} == bt709


def hdr_grey(path: Path, transfer: int, signal: float) -> Path:
    """A grey picture coded in HDR, at a level of the signal in [0, 1]."""
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": transfer, "color_range": 1}
    level, shape = round(64 + 876 * signal), (64, 64)
    frame = VideoFrame.from_ndarray(
        np.concatenate([np.full(shape, level, np.uint16), np.full((32, 64), 512, np.uint16)]), format="yuv420p10le"
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
            setattr(frame, name, value)
        for index in range(2):
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


PQ, HLG = 16, 18


@pytest.mark.parametrize(
    ("transfer", "signal", "least", "most"),
    [
        # Levels of ITU-R BT.2408, table 1: reference white, a face, deep shadow; and a highlight of 1000 cd/m2.
        (PQ, 0.58, 220, 246),
        (PQ, 0.38, 95, 125),
        (PQ, 0.15, 20, 40),
        (PQ, 0.75, 248, 255),
        (HLG, 0.75, 220, 246),
        (HLG, 0.38, 95, 135),
    ],
)
def test_hdr_is_as_bright_as_it_was_meant(tmp_path: Path, transfer: int, signal: float, least: int, most: int):
    """HDR whose light is taken for that of SDR looks pale: white is grey, and shadows are lifted."""
    render(hdr_grey(tmp_path / "a.mkv", transfer, signal), tmp_path / "out.mp4")
    shown = frames(tmp_path / "out.mp4")[0]
    assert least <= shown[40:, 40:].mean() <= most
    assert np.ptp(shown[40:, 40:].reshape(-1, 3).mean(axis=0)) < 3


def test_highlights_of_hdr_are_told_apart():
    levels = np.array([0.58, 0.65, 0.7]) * 65535
    picture = np.repeat(np.round(levels).astype(np.uint16)[None, :, None], 3, axis=2)
    one, two, three = tone_mapped(picture, PQ)[0, :, 0].astype(int)
    assert one + 5 < two and two + 2 < three


def test_a_colour_of_hdr_is_the_same_colour_afterwards():
    red = np.array([[[0.5, 0.42, 0.42]]]) * 65535
    mapped = tone_mapped(np.round(red).astype(np.uint16), PQ)[0, 0].astype(int)
    assert mapped[0] > mapped[1] + 60 and abs(mapped[1] - mapped[2]) < 15


def test_a_decoders_own_pictures_are_not_drawn_on(tmp_path: Path):
    # Of pictures that are RGB already none is made anew, and the next one may be built on the one before.
    source = write_video(tmp_path / "a.mov", moving(4, 512, 384), "rgb24", codec="qtrle")

    class Scribble(Corner):
        def draw(self, image, scene: Scene) -> None:
            seen.append(image.copy())
            image[:] = 255

    seen: list[np.ndarray] = []
    render(source, tmp_path / "out.mp4", painter=Scribble())
    assert len(seen) == 4
    for image, expected in zip(seen, moving(4, 512, 384), strict=True):
        assert np.array_equal(image, expected)


def test_a_small_picture_is_enlarged_so_that_text_can_be_read(tmp_path: Path):
    for (width, height), expected in {(320, 240): (480, 640, 3), (640, 360): (360, 640, 3)}.items():
        painter = Corner()
        source = write_media(tmp_path / "a.mp4", None, Picture(moving(2, width, height)))
        render(source, tmp_path / "out.mp4", painter=painter)
        assert painter.sizes == {expected}


def test_a_picture_without_sound(tmp_path: Path):
    source = write_media(tmp_path / "a.mp4", None, Picture(moving(20)))
    render(source, tmp_path / "out.mp4")
    assert streams(tmp_path / "out.mp4") == {"video": "h264"}
    assert timing_of_pictures(tmp_path / "out.mp4") == timing_of_pictures(source)


def timing_of_pictures(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def test_sound_without_a_picture_gets_a_plain_one_with_the_captions(tmp_path: Path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        samples = beeps(flash_and_beep.SECONDS, [0.4, 1.9], 16_000)[0]
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    painter = Corner()
    render(tmp_path / "a.wav", tmp_path / "out.mp4", final("hello there", start=0.5), painter=painter)
    assert painter.sizes == {(720, 1280, 3)}
    assert streams(tmp_path / "out.mp4") == {"video": "h264", "audio": "aac"}
    after = timing(tmp_path / "out.mp4")
    assert after.pictures == [Fraction(index, 25) for index in range(65)]
    assert after.beeps == pytest.approx([0.4, 1.9], abs=SYNC)
    assert after.duration == pytest.approx(flash_and_beep.SECONDS, abs=0.04)
    captioned = [index / 25 for index, scene in enumerate(painter.scenes) if scene.captions]
    assert (captioned[0], captioned[-1]) == pytest.approx((0.52, 1.32))


def test_a_file_that_was_cut_off_is_rendered_as_far_as_it_goes(tmp_path: Path):
    whole = flash_and_beep.constant_rate(tmp_path / "whole.mkv")
    source = truncated(whole, tmp_path / "a.mkv", 0.6)
    assert 0.5 < render(source, tmp_path / "out.mp4") < 2
    before, after = timing(source), timing(tmp_path / "out.mp4")
    assert after.pictures == before.pictures
    assert after.duration == pytest.approx(float(before.pictures[-1]), abs=0.1)


def test_metadata_that_still_holds_is_kept(tmp_path: Path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        container.metadata.update({"title": "A talk", "artist": "Somebody"})
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        stream.metadata["language"] = "eng"
        frame = av.AudioFrame.from_ndarray(tone(0.2, 16_000), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    render(tmp_path / "a.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["title"] == "A talk" and container.metadata["artist"] == "Somebody"
        assert container.streams.audio[0].language == "eng"


def test_the_index_comes_first_so_that_it_plays_while_it_is_fetched(tmp_path: Path):
    source = flash_and_beep.constant_rate(tmp_path / "a.mp4")
    render(source, tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_what_is_stopped_is_a_whole_shorter_video(tmp_path: Path):
    source = flash_and_beep.constant_rate(tmp_path / "a.mp4")
    painter = Corner()
    seconds = render(source, tmp_path / "out.mp4", painter=painter, stopping=lambda: len(painter.scenes) >= 30)
    assert seconds == pytest.approx(1.2, abs=0.1)
    before, after = timing(source), timing(tmp_path / "out.mp4")
    assert after.pictures == before.pictures[: len(after.pictures)]
    assert 30 <= len(after.pictures) <= 32
    assert after.duration == pytest.approx(seconds, abs=0.1)
    assert after.offsets == pytest.approx(before.offsets[:2], abs=SYNC)


def test_what_is_stopped_before_it_begins_is_nothing(tmp_path: Path):
    target = PartFile(tmp_path / "out.mp4")
    target.open()
    source = flash_and_beep.constant_rate(tmp_path / "a.mp4")
    assert Renderer(source, recorded([]), LIMITS, Corner(), lambda: True).render(target) == 0.0
    target.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_nothing_is_rendered_beyond_the_limit_of_length(tmp_path: Path):
    source = write_media(tmp_path / "a.ts", None, Picture(moving(60)))
    limits = LimitsConfig(max_duration=1.0)
    assert render(source, tmp_path / "out.mp4", limits=limits) == pytest.approx(1.0, abs=0.05)
    assert len(timing_of_pictures(tmp_path / "out.mp4")) <= 27


@pytest.mark.parametrize("room", [0, 20_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int):
    noise = np.random.default_rng(0).integers(0, 255, (60, 64, 96, 3), np.uint8)
    source = write_media(tmp_path / "a.mp4", Sound(tone(2.4)), Picture(list(noise)))
    opened = part_file.open_exclusively
    monkeypatch.setattr(part_file, "open_exclusively", lambda path: FullDisk(opened(path), room))
    (tmp_path / "out.mp4").write_text("the one before")
    with pytest.raises(UserError, match=r"^cannot write .*out\.mp4: No space left on device$"):
        render(source, tmp_path / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "the one before"


def test_a_link_in_the_place_of_the_part_file_is_not_followed(tmp_path: Path):
    (tmp_path / "precious").write_text("data")
    (tmp_path / "out.mp4.part").symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match=r"out\.mp4\.part is a symbolic link"):
        PartFile(tmp_path / "out.mp4").open()
    assert (tmp_path / "precious").read_text() == "data"


def test_two_runs_never_write_the_same_file(tmp_path: Path):
    one, other = PartFile(tmp_path / "out.mp4"), PartFile(tmp_path / "out.mp4")
    one.open()
    with pytest.raises(UserError, match="another run is writing it"):
        other.open()
    other.discard()
    assert one.part.exists()
    one.write(b"whole")
    one.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
