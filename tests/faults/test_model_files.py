"""What happens when a model file is not what it should be: it is refused before it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from lipstream.models import assets
from tests.faults.world import World

NAME = "face_landmarker.task"


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


def altered(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("damage", [cut_short, altered])
def test_a_damaged_model_file_is_refused_with_the_command_that_mends_it(
    happens, world: World, damage, tmp_path: Path, monkeypatch
):
    data = assets.resolve(NAME).read_bytes()
    monkeypatch.setenv("LIPSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    path = tmp_path / "cache" / NAME
    path.parent.mkdir()
    path.write_bytes(damage(data))
    world.real.add("lipstream.models.face.backend.create")
    result = happens("nothing")
    assert result.code == 2
    assert result.lines[1:] == [
        f"lipstream: error: {path} is not the file it should be (altered or damaged); "
        f"mend it with: lipstream models pull --force {NAME}"
    ]
    assert result.captions == [] and result.files == {}
    # Nobody repairs or removes it behind the user's back.
    assert path.read_bytes() == damage(data)
