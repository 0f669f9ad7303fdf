"""`explain`: what it writes, and what is said of what cannot be explained."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipstream.commands.main import main
from lipstream.commands.networks import explain
from lipstream.models.av_speech.fusion_net import REACH
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.av_speech.recording import LipTrack, Recording


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """A recording of 10 s whose mouth is seen in its first half."""
    rng = np.random.default_rng(0)
    track = LipTrack.unseen(250)
    track.mask[:125] = True
    track.crops[:] = rng.integers(0, 256, track.crops.shape, dtype=np.uint8)
    track.points[:] = rng.normal(0, 0.1, track.points.shape)
    recording = Recording(rng.normal(0, 2000, 160_000).astype(np.int16), track)
    monkeypatch.setattr("lipstream.commands.networks.speech_networks.reader", lambda: lambda path: recording)
    monkeypatch.setattr("lipstream.models.profile_files.profiles_folder", lambda: tmp_path / "profiles")
    networks = LipNetworks.untrained()
    save_networks(networks, tmp_path / "profiles" / "ann.safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.mp4").write_bytes(b"a film")
    return tmp_path / "talk.mp4"


def test_a_picture_of_what_the_networks_of_a_profile_attended_to(clip, monkeypatch):
    drawn = []
    attention = explain._attention
    monkeypatch.setattr(explain, "_attention", lambda *given: drawn.append(attention(*given)) or drawn[0])
    assert main(["explain", str(clip), "--at", "4", "--profile", "ann"]) == 0
    assert cv2.imread("talk.attention.png").shape[1] == 1240
    (found,) = drawn
    # Three seconds to either side; the frames of the sound have the recording's own times.
    assert found.sound_times[0] == pytest.approx(1.012)
    assert found.lip_times[0] == pytest.approx(1.0)
    assert found.lip_times[-1] == pytest.approx(7.0, abs=0.05)
    assert found.weights.shape == (len(found.sound_times), len(found.lip_times))
    assert found.asked().sum() > 0
    assert (found.weights[:, ~found.seen] == 0).all()
    far = np.abs(found.sound_times[:, None] - found.lip_times) > REACH
    assert (found.weights[far] == 0).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--at", "11"], "--at 11: the recording has 10.0 seconds"),
        (["--at", "-1"], "--at -1: expected seconds from the start"),
        (["--at", "8"], "no mouth is seen about 8 s"),
        (["--at", "4", "-o", "picture.jpg"], "expected a name that ends in .png"),
        (["--at", "4", "-o", "there.png"], "there.png is there already; --overwrite"),
        (["--at", "4", "--profile", "nobody-of-this-name"], "no profile called 'nobody-of-this-name'"),
    ],
)
def test_what_cannot_be_explained_is_said_in_a_line(clip, capsys, given, said):
    (clip.parent / "there.png").write_bytes(b"a picture")
    assert main(["explain", str(clip), *given]) == 2
    assert said in capsys.readouterr().err
    assert not list(clip.parent.glob("talk.*.png"))


def test_without_a_profile_a_picture_of_what_the_mask_for_anybody_rests_on(clip, monkeypatch):
    drawn = []
    influence = explain._influence
    monkeypatch.setattr("lipstream.views.recorded.attention.MAP", 0.3)
    monkeypatch.setattr(explain, "_influence", lambda *given: drawn.append(influence(*given)) or drawn[0])
    assert main(["explain", str(clip), "--at", "4"]) == 0
    assert cv2.imread("talk.influence.png").shape[1] == 1240
    (found,) = drawn
    lips = found.lips
    assert lips.weights.shape == (len(lips.sound_times), len(lips.lip_times)) == (len(found.gains), len(found.own))
    hidden = np.abs(lips.lip_times - 4) <= 0.3
    # What was hidden counted, the more the nearer, and of what was not hidden nothing is told.
    assert (lips.weights[:, hidden].max(axis=0) > 0).all() and (lips.weights[:, ~hidden] == 0).all()
    assert (lips.weights >= 0).all() and lips.weights.max() <= 1
    assert set(found.changes()) == {"lips", "encoder", "spectrum"}
    assert all(0 < change < 1 for change in found.changes().values())
