"""Sound and picture of one file agree on when something happened."""

import pytest

from tests.media_factory import Picture, Sound, beeps, flashes, write_media
from tests.stages.media.media_runs import bursts, hear, sound, times, watch

EVENTS = [0.4, 1.2, 2.0]
FRAME = 0.04


def clip(path, sound_start=0.0, picture_start=0.0, video="libx264", audio="aac"):
    """White frames and beeps at the same moments, on tracks that may begin at different times."""
    count = 65
    shown = [picture_start + i * FRAME for i in range(count)]
    white = [min(range(count), key=lambda i: abs(shown[i] - event)) for event in EVENTS]
    samples = beeps(2.6 - sound_start, [event - sound_start for event in EVENTS])
    options = {} if video != "libx264" else {"preset": "ultrafast", "bf": "2"}
    picture = Picture(flashes(count, white), shown, codec=video, options=options)
    return write_media(path, Sound(samples, codec=audio, start=sound_start), picture)


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("a.mp4", {}),
        ("late_sound.mp4", {"sound_start": 0.25}),
        ("late_picture.mp4", {"picture_start": 0.32}),
        ("late_both.mp4", {"picture_start": 0.2, "sound_start": 0.1}),
        ("a.mkv", {}),
        ("late_sound.mkv", {"sound_start": 0.25}),
        ("a.webm", {"video": "libvpx", "audio": "libopus"}),
        ("late_sound.webm", {"video": "libvpx", "audio": "libopus", "sound_start": 0.25}),
        ("a.ts", {}),
        ("a.mov", {"audio": "pcm_s16le"}),
        ("a.flv", {}),
    ],
)
def test_flash_and_beep_coincide(tmp_path, name, kwargs):
    path = clip(tmp_path / name, **kwargs)
    heard, seen = hear(path), watch(path)
    start = times(heard)[0]
    beep_times = [start + time for time in bursts(sound(heard))]
    shown = times(seen)
    white = [time for time, packet in zip(shown, seen, strict=True) if packet.payload.image.mean() > 128]
    assert len(white) == len(beep_times) == len(EVENTS)
    for flash, beep in zip(white, beep_times, strict=True):
        assert abs(flash - beep) <= 0.02 + 0.001, (white, beep_times)
