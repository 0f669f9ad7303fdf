"""What the reader is told of the devices."""

from __future__ import annotations

from lipstream.commands.guided.session import Board
from lipstream.pipeline import Degraded, Error, Recovered


def test_a_camera_that_is_back_does_not_hide_that_the_microphone_is_muted():
    board = Board()
    board.handle(Degraded(modality="audio", stage="audio", reason="muted"))
    board.handle(Degraded(modality="video", stage="video", reason="camera gone"))
    assert board.trouble == "camera gone"
    board.handle(Recovered(modality="video", stage="video"))
    assert board.trouble == "muted"
    board.handle(Recovered(modality="audio", stage="audio"))
    assert board.trouble == ""


def test_the_newest_trouble_of_a_device_takes_the_place_of_the_one_before():
    board = Board()
    for reason in ("muted", "overflow", "muted"):
        board.handle(Degraded(modality="audio", stage="audio", reason=reason))
    assert board.trouble == "muted"
    board.handle(Recovered(modality="audio", stage="audio"))
    assert board.trouble == ""


def test_an_error_stays_until_its_stage_is_well_again():
    board = Board()
    board.handle(Error(stage="face", message="the face network failed", recoverable=True))
    board.handle(Recovered(modality="audio", stage="audio"))
    assert board.trouble == "the face network failed"
    board.handle(Recovered(modality="video", stage="face"))
    assert board.trouble == ""
