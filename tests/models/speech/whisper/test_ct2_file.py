"""Model files of CTranslate2, made by hand, whole and broken."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.speech.whisper.ct2_file import read_ct2
from tests.models.speech.whisper.small_whisper import ct2_bytes

VALUES = np.array([[1.0, -2.0, 0.5], [0.25, 4.0, -8.0]], np.float32)


def written(tmp_path, content: bytes):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    return path


def refusal(path) -> str:
    with pytest.raises(ModelError) as caught:
        read_ct2(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("kept_as", ["float32", "float16"])
def test_numbers_come_as_float32_whatever_they_are_kept_as(tmp_path, kept_as):
    file = read_ct2(written(tmp_path, ct2_bytes({"a/weight": VALUES.astype(kept_as)}, {})))
    assert file.kind == "WhisperSpec"
    assert file.variables["a/weight"].dtype == kept_as
    assert file.floats("a/weight").dtype == np.float32
    assert np.array_equal(file.floats("a/weight"), VALUES)


@pytest.mark.parametrize("scale_as", ["float32", "float16"])
def test_each_row_of_int8_weights_has_its_scale(tmp_path, scale_as):
    scales = 127 / np.abs(VALUES).max(axis=1)
    rows = np.rint(VALUES * scales[:, None]).astype(np.int8)
    file = read_ct2(written(tmp_path, ct2_bytes({"w": rows, "w_scale": scales.astype(scale_as)}, {})))
    assert file.floats("w") == pytest.approx(VALUES, abs=8 / 127)


def test_int16_weights_have_one_scale(tmp_path):
    scale = np.float32(1000.0).reshape(())
    file = read_ct2(written(tmp_path, ct2_bytes({"w": (VALUES * 1000).astype(np.int16), "w_scale": scale}, {})))
    assert file.floats("w") == pytest.approx(VALUES)


def test_whole_numbers_without_a_scale_are_what_they_are(tmp_path):
    file = read_ct2(written(tmp_path, ct2_bytes({"heads": np.int16(6).reshape(()), "n": np.arange(3, dtype="i4")}, {})))
    assert int(file.variables["heads"]) == 6
    assert file.floats("n").tolist() == [0.0, 1.0, 2.0]


def test_an_alias_is_the_variable_it_stands_for(tmp_path):
    file = read_ct2(written(tmp_path, ct2_bytes({"a": VALUES}, {"b": "a", "c": "b"})))
    assert np.array_equal(file.floats("b"), VALUES)
    assert np.array_equal(file.floats("c"), VALUES)


def test_what_is_read_can_be_changed_without_changing_the_file(tmp_path):
    path = written(tmp_path, ct2_bytes({"a": VALUES}, {}))
    file = read_ct2(path)
    file.floats("a")[:] = 0.0
    assert np.array_equal(file.floats("a"), VALUES)
    with pytest.raises(ValueError, match="read-only"):
        file.variables["a"][:] = 0.0


def test_an_unknown_name_is_a_key_error(tmp_path):
    with pytest.raises(KeyError, match="nothing"):
        read_ct2(written(tmp_path, ct2_bytes({"a": VALUES}, {}))).floats("nothing")


GOOD = ct2_bytes({"a/weight": VALUES, "b": VALUES.astype(np.float16)}, {"c": "a/weight"})


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_a_file_that_ends_too_early_is_one_clear_line(tmp_path, length):
    refusal(written(tmp_path, GOOD[:length]))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04" + bytes(100), "version 67324752, expected 4 to 6"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "expected 4 to 6"),
        (ct2_bytes({"a": VALUES}, {}, version=3), "version 3, expected 4 to 6"),
        (ct2_bytes({"a": VALUES}, {}, version=7), "version 7, expected 4 to 6"),
        (ct2_bytes({"a": VALUES}, {"b": "nothing"}), "no nothing for b"),
        (GOOD.replace(struct.pack("<BI", 0, 24), struct.pack("<BI", 5, 24)), "a/weight is kept as numbers of kind 5"),
        (GOOD.replace(struct.pack("<BI", 0, 24), struct.pack("<BI", 0, 23)), "a/weight has 23 bytes, expected 24"),
        (GOOD.replace(b"a/weight\0", b"\xff\xfe\xffeight\0"), "utf-8"),
        (struct.pack("<IH", 6, 2) + b"x\0" + struct.pack("<II", 3, 2**31), "announces 2147483648 entries"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_foreign_or_damaged_file_is_one_clear_line(tmp_path, content, reason):
    assert reason in refusal(written(tmp_path, content))


def test_a_missing_file_and_a_folder_are_one_clear_line(tmp_path):
    assert "No such file" in refusal(tmp_path / "nothing.bin")
    assert "cannot read" in refusal(tmp_path)
