"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from safetensors import SafetensorError
from torch import nn
from torch.optim import AdamW

from lipstream.models.av_speech.enrolment.read_aloud import Readings
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.av_speech.training.recording_files import save_recording
from lipstream.models.errors import ModelError
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.weights import save_weights
from lipstream.models.whole_file import whole_file

RECORDING = Recording(np.zeros(640, np.int16), LipTrack.unseen(1))


def checkpoint(path):
    network = nn.Linear(1, 1)
    Checkpoint(path.parent, path.stem.removesuffix("_checkpoint")).save(
        {"network": network}, AdamW(network.parameters()), {}
    )


WRITERS = {
    "recording": lambda path: save_recording(RECORDING, path),
    "profile": lambda path: save_networks(LipNetworks.untrained(), path),
    "weights": lambda path: save_weights(nn.Linear(1, 1), path, {}),
    "any_checkpoint": checkpoint,
}


@pytest.mark.parametrize("name", WRITERS)
def test_tensors_that_cannot_be_written_are_one_line_and_what_was_there_stays(name, tmp_path):
    path = tmp_path / "deep" / f"{name}.safetensors"
    (path.parent / f"{path.name}.part").mkdir(parents=True)  # safetensors fails with an error of its own
    path.write_bytes(b"earlier")
    with pytest.raises(ModelError, match=r"\.safetensors: cannot be written \(.+\)$") as caught:
        WRITERS[name](path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == b"earlier"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        SafetensorError('Error while serializing: I/O error: No space left on device (os error 28) at path "/x/.tmp1"'),
    ],
)
def test_a_full_disk_is_named_and_leaves_nothing(error, tmp_path):
    full = pytest.raises(ModelError, match=r"cannot be written \(No space left on device\)")
    with full, whole_file(tmp_path / "file") as partial:
        partial.write_bytes(b"some of it")
        raise error
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_stopped_leaves_the_file_before(tmp_path):
    (tmp_path / "file").write_text("before")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "file") as partial:
        partial.write_text("aft")
        raise KeyboardInterrupt
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_sentence_that_cannot_be_forgotten_is_still_there(tmp_path):
    readings = Readings(tmp_path)
    readings.add("One.", RECORDING)
    (tmp_path / "read.tsv.part").mkdir()
    with pytest.raises(ModelError, match="cannot be written"):
        readings.drop_last()
    assert readings.texts == ["One."] and len(readings.recordings()) == 1
