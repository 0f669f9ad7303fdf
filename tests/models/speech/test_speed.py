"""How fast this machine reads: measured, kept, and read back for this machine alone."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lipstream.models import assets
from lipstream.models.errors import ModelError
from lipstream.models.speech import speed
from lipstream.models.speech.speed import Machine, kept, known
from lipstream.models.speech.whisper import recogniser

MACHINE = Machine(processor="Some Processor", cores=4, threads=1, version="1.2.3")


@pytest.fixture
def measured(monkeypatch) -> list[int]:
    """Each time the machine is measured, the threads; takes 0.4 s of speech."""
    seen: list[int] = []

    def measure(threads: int) -> float:
        seen.append(threads)
        return 0.4

    monkeypatch.setattr(speed, "measure", measure)
    monkeypatch.setattr(speed, "_is_there", lambda: True)
    return seen


def test_it_is_measured_once_kept_and_read_back(measured, speed_file):
    assert kept(MACHINE) is None
    assert known(MACHINE) == 0.4
    assert kept(MACHINE) == 0.4
    assert known(MACHINE) == 0.4
    assert measured == [1]
    # Nothing of an unfinished file is left.
    assert [each for each in speed_file.parent.iterdir() if each.stem.startswith(f"{speed_file.stem}.")] == []


@pytest.mark.parametrize(
    "change",
    [{"processor": "Another"}, {"cores": 8}, {"threads": 2}, {"version": "1.2.4"}],
    ids=lambda each: next(iter(each)),
)
def test_what_was_kept_of_another_machine_does_not_count(measured, change):
    speed.keep(replace(MACHINE, **change), 0.1)
    assert kept(MACHINE) is None
    assert known(MACHINE) == 0.4
    assert kept(MACHINE) == 0.4


TOLD = {"processor": "Some Processor", "cores": 4, "threads": 1, "version": "1.2.3"}


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff\xfe\x00",
        b'{"processor": "Some Pro',
        b"[" * 100_000,
        b"null",
        b"[0.1]",
        json.dumps(TOLD).encode(),
        *(
            json.dumps({**TOLD, "seconds": bad}).encode()
            for bad in ("0.1", None, True, 0, -1, [0.1], 10**400, 1e999, float("nan"))
        ),
        json.dumps({**TOLD, "seconds": 0.1, "more": 1}).encode(),
    ],
)
def test_a_damaged_or_foreign_file_is_measured_anew(measured, speed_file, damaged):
    speed_file.write_bytes(damaged)
    assert kept(MACHINE) is None
    assert known(MACHINE) == 0.4
    assert measured == [1]
    assert kept(MACHINE) == 0.4


def test_a_file_as_it_is_kept_is_taken(speed_file):
    speed_file.write_text(json.dumps({**TOLD, "seconds": 0.25}))
    assert kept(MACHINE) == 0.25


def test_a_folder_in_its_place_is_told(measured, speed_file):
    speed_file.mkdir()
    assert kept(MACHINE) is None
    with pytest.raises(ModelError, match=r"\.json: cannot be written .*LIPSTREAM_SPEED"):
        known(MACHINE)


def test_it_is_in_the_cache_unless_another_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LIPSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LIPSTREAM_SPEED")
    assert speed.kept_at() == tmp_path / "cache" / "speed.json"
    speed.keep(MACHINE, 0.5)
    assert (tmp_path / "cache" / "speed.json").is_file()
    monkeypatch.setenv("LIPSTREAM_SPEED", str(tmp_path / "named.json"))
    assert kept(MACHINE) is None
    speed.keep(MACHINE, 0.6)
    assert kept(MACHINE) == 0.6


@pytest.mark.parametrize("states", [[], ["missing", "missing"], ["ready", "missing"], ["altered", "ready"]])
def test_nothing_is_measured_where_whisper_base_is_not_there(monkeypatch, states):
    found = [SimpleNamespace(name=f"whisper-base/{number}", state=state) for number, state in enumerate(states)]
    other = SimpleNamespace(name="face_landmarker.task", state="ready")
    monkeypatch.setattr(assets, "status", lambda: [other, *found])
    monkeypatch.setattr(speed, "measure", lambda threads: pytest.fail("measured"))
    assert known(MACHINE) is None
    assert kept(MACHINE) is None


def test_what_is_measured_is_the_median_of_three_without_the_loading(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    costs = iter([5.0, 0.3, 0.4])
    made = []

    class Whisper:
        def __init__(self, model: str, threads: int) -> None:
            made.append((model, threads))

        def load(self) -> None:
            clock.now += 60.0

        def rehearse(self, sound, tokens: int) -> None:
            made.append((len(sound), tokens))
            clock.now += next(costs)

    monkeypatch.setattr(recogniser, "WhisperRecogniser", Whisper)
    monkeypatch.setattr(speed, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    assert speed.measure(2) == pytest.approx(0.4)
    assert made == [("base", 2), *[(96_000, 25)] * 3]


@pytest.mark.media
def test_the_real_network_can_be_measured():
    assert speed.measure(1) > 0.0


def test_this_machine_has_a_name():
    machine = speed.this_machine(3, "1.2.3")
    assert machine.processor.strip() and machine.cores >= 1
    assert (machine.threads, machine.version) == (3, "1.2.3")
