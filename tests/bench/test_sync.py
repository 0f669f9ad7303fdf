"""Sound and picture stay together: in files of all frame rates, and live with clocks that drift."""

from __future__ import annotations

import pytest
from sync import EARLIEST, LATEST, SETTLE, within
from sync_clips import clips, skews, write
from sync_live import Found, make_world, simulate
from sync_live import skews as live_skews

CLIPS = {clip.name: clip for clip in clips(6.0)}
SOME = ("12 fps", "29.97 fps", "60 fps", "variable", "late sound")


@pytest.mark.parametrize("name", [name for name in CLIPS if name.startswith(SOME)])
def test_flash_and_beep_coincide_whatever_the_frame_rate(tmp_path, name):
    path, events = write(CLIPS[name], tmp_path)
    assert len(events) >= 3
    assert max(abs(skew) for skew in skews(path, len(events))) < 0.003


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_live_sound_and_picture_stay_together_with_drift_jitter_and_gaps(ppm):
    world = make_world(150.0, ppm, seed=3)
    assert world.sound_gaps and world.picture_gaps
    found = simulate(world)
    steady = [skew for since, skew in live_skews(world, found) if since > SETTLE]
    assert len(steady) > 0.8 * len(world.events)
    assert within(steady)
    late = Found(found.beeps, [time + 60_000 for time in found.flashes])
    assert not within([skew for _, skew in live_skews(world, late)])


def test_the_limits_are_those_of_bt_1359():
    assert within([EARLIEST, LATEST, 0.0])
    assert not within([0.046]) and not within([-0.126])
