from fractions import Fraction

import av
import numpy as np
import pytest

from lipstream.config.schema import Pace
from lipstream.pipeline import UserError
from lipstream.pipeline.testing import run_source
from lipstream.stages.media.video import MediaVideo
from tests.media_factory import Picture, Sound, flashes, joined, moving, tone, turned, write_media
from tests.stages.media.media_runs import SelfMovingClock, reasons, times, watch


def test_timestamps_come_from_the_file_not_from_counting(tmp_path):
    shown = [0.0, 0.04, 0.05, 0.2, 0.7, 0.71, 1.9]
    assert times(watch(write_media(tmp_path / "a.mkv", picture=Picture(moving(7), shown)))) == pytest.approx(shown)


def test_the_picture_keeps_its_late_start(tmp_path):
    shown = [0.6 + i / 25 for i in range(10)]
    path = write_media(tmp_path / "a.mkv", Sound(tone(1.0), codec="pcm_s16le"), Picture(moving(10), shown))
    assert times(watch(path)) == pytest.approx(shown, abs=0.001)


def test_reordered_frames_come_in_the_order_they_are_shown(tmp_path):
    options = {"preset": "medium", "bf": "3", "g": "30"}
    run = watch(write_media(tmp_path / "a.mp4", picture=Picture(flashes(30, [13]), options=options)))
    assert times(run) == pytest.approx([i / 25 for i in range(30)], abs=0.001)
    assert [i for i, packet in enumerate(run) if packet.payload.image.mean() > 128] == [13]


@pytest.mark.parametrize(("max_side", "expected"), [(640, (96, 64)), (96, (96, 64)), (48, (48, 32)), (10, (10, 7))])
def test_frames_are_scaled_down_but_never_up(tmp_path, max_side, expected):
    payload = watch(write_media(tmp_path / "a.mp4", picture=Picture(moving(3))), max_side)[0].payload
    assert payload.image.shape == (expected[1], expected[0], 3)
    assert payload.source_size == (96, 64)


def test_colours_are_in_the_order_red_green_blue(tmp_path):
    red = np.zeros((64, 96, 3), np.uint8)
    red[:, :, 0] = 255
    image = watch(write_media(tmp_path / "a.mp4", picture=Picture([red] * 3)))[0].payload.image
    assert image[..., 0].mean() > 230 and image[..., 1].mean() < 25 and image[..., 2].mean() < 25


@pytest.mark.parametrize("clockwise", [0, 1, 2, 3])
def test_pictures_are_turned_upright(tmp_path, clockwise):
    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32, :48] = 255
    path = turned(write_media(tmp_path / "a.mp4", picture=Picture([stored] * 3)), clockwise)
    payload = watch(path, max_side=48)[0].payload
    assert payload.source_size == ((64, 96) if clockwise % 2 else (96, 64))
    assert payload.image.shape[:2] == ((48, 32) if clockwise % 2 else (32, 48))
    halves = [slice(0, 1), slice(-1, None)]
    corners = [[payload.image[y, x].mean() > 128 for x in halves] for y in halves]
    bright = {0: (0, 0), 1: (0, 1), 2: (1, 1), 3: (1, 0)}[clockwise]
    assert [(y, x) for y in range(2) for x in range(2) if corners[y][x]] == [bright]


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = write_media(tmp_path / "a.mp4", picture=Picture(moving(3), aspect=Fraction(2)))
    payload = watch(path)[0].payload
    assert payload.image.shape == (32, 96, 3)
    assert payload.source_size == (96, 64)


def test_frames_that_are_not_wanted_are_never_converted(tmp_path):
    path = write_media(tmp_path / "a.mkv", picture=Picture(moving(120), [i / 60 for i in range(120)]))
    converted = []

    class Counting(MediaVideo):
        def _picture(self, frame):
            converted.append(frame.pts)
            return super()._picture(frame)

    frames = run_source(Counting(path, max_fps=25))
    first = times(frames)
    assert len(first) == pytest.approx(50, abs=1) and not converted
    looked_at = [frame.payload.image for frame in frames[::10] for _ in range(2)]
    assert looked_at[0] is looked_at[1] and len(converted) == len(frames[::10])
    assert first == times(run_source(MediaVideo(path, max_fps=25)))


def test_frames_that_repeat_their_time_are_dropped_and_counted(tmp_path):
    # 0.5 s of transport stream twice: the second time goes back by less than what counts as a reset.
    part = write_media(tmp_path / "part.ts", picture=Picture(moving(12)))
    run = watch(joined([part, part], tmp_path / "a.ts"))
    assert len(run) + run.counters["video.frames_out_of_order"] >= 23
    assert run.counters["video.frames_out_of_order"] >= 10


def test_recordings_joined_end_to_end_play_one_after_the_other(tmp_path):
    part = write_media(tmp_path / "part.ts", picture=Picture(moving(75)))
    run = watch(joined([part, part], tmp_path / "a.ts"))
    assert times(run)[-1] == pytest.approx(5.96, abs=0.2)
    assert reasons(run)


def test_a_raw_stream_without_timestamps_gets_its_frame_rate(tmp_path):
    path = write_media(tmp_path / "a.h264", picture=Picture(moving(10), options={"preset": "ultrafast", "bf": "0"}))
    assert times(watch(path)) == pytest.approx([i / 25 for i in range(10)], abs=0.001)


def test_a_video_of_no_frames_says_so(tmp_path):
    with pytest.raises(UserError, match="nothing in it could be decoded"):
        watch(empty_track(tmp_path))


def empty_track(folder):
    # A whole film whose sample table is emptied: the track is declared, and holds nothing.
    path = write_media(folder / "a.mp4", Sound(tone(0.5)), Picture(moving(5)))
    data = bytearray(path.read_bytes())
    for box, count_at in ((b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8), (b"ctts", 8)):
        at = data.find(box)
        if at >= 0:
            data[at + count_at : at + count_at + 4] = bytes(4)
    path.write_bytes(data)
    return path


def test_black_pictures_are_pictures(tmp_path):
    run = watch(write_media(tmp_path / "a.mp4", picture=Picture(flashes(10, []))))
    assert len(run) == 10 and run.events == []


def test_real_time_pace_gives_no_frame_before_its_time(tmp_path):
    path = write_media(tmp_path / "a.mp4", picture=Picture(moving(25)))
    clock = SelfMovingClock()
    run = run_source(MediaVideo(path, Pace.REALTIME), clock=clock)
    assert list(np.cumsum(clock.slept)) == [packet.timestamp for packet in run]


def test_a_file_without_picture_is_an_error_of_the_user(tmp_path):
    path = write_media(tmp_path / "a.wav", Sound(tone(0.2), codec="pcm_s16le"))
    with pytest.raises(UserError, match="no video track"):
        run_source(MediaVideo(path))


def test_the_size_may_change_in_mid_stream(tmp_path):
    small = write_media(tmp_path / "1.ts", picture=Picture(moving(50)))
    large = write_media(tmp_path / "2.ts", picture=Picture(moving(50, 128, 96)))
    sizes = [packet.payload.source_size for packet in watch(joined([small, large], tmp_path / "a.ts"))]
    assert set(sizes) == {(96, 64), (128, 96)}


def test_a_large_picture_is_decoded_the_same_where_there_is_no_graphics_card(tmp_path, monkeypatch):
    path = write_media(tmp_path / "a.mp4", None, Picture(moving(3, 2048, 1152)))
    tried: list[str] = []

    def refuse(device_type: str, **_: object) -> object:
        tried.append(device_type)
        raise av.error.PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("lipstream.stages.media.opening.HWAccel", refuse)
    monkeypatch.setattr("lipstream.stages.media.opening.hwdevices_available", lambda: ["cuda", "qsv"])
    with_card, without = (run_source(MediaVideo(path, hardware=choice)) for choice in ("auto", "off"))
    assert tried == ["cuda", "qsv"] and len(with_card) == 3
    assert all((one.payload.image == other.payload.image).all() for one, other in zip(with_card, without, strict=True))


def test_no_graphics_card_is_asked_for_a_small_picture(tmp_path, monkeypatch):
    monkeypatch.setattr("lipstream.stages.media.opening.hwdevices_available", lambda: pytest.fail("asked"))
    assert len(run_source(MediaVideo(write_media(tmp_path / "a.mp4", None, Picture(moving(3))), hardware="auto"))) == 3
