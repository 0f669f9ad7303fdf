"""Failures that users of other systems have reported in public, each a test that it does not happen here."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from lipstream import Pipeline
from lipstream.commands.main import main
from lipstream.events import SpeechStarted, TranscriptFinal
from lipstream.pipeline import End
from lipstream.pipeline.testing import EventRecorder
from tests.faults.scripts import fail
from tests.faults.world import STEP, World
from tests.media_factory import Picture, moving, write_media
from tests.pipeline.fakes import PATIENCE, trap
from tests.stages.fakes import buzz, hummed

SKEW = (-0.125, 0.045)
"""How far the time of sound may be from that of the picture, in seconds: sound early, sound late (ITU-R BT.1359)."""


def test_a_microphone_is_not_blocked_by_slow_inference(happens):
    sentences = 20

    def script(world: World) -> None:
        with trap() as stuck:
            world.engine.before = lambda call, _: stuck() if call == "decode" else None
            world.speak(1, 2, 3)
            world.until(stuck.entered.is_set)
            for _ in range(sentences - 1):
                world.speak(4, 5, 6)
            # Half a minute of sound has been taken while the network has not moved.
            assert len(world.recorder.of(TranscriptFinal)) == 0
            assert world.runner.stats().counters["audio.captured_seconds"] > 30.0
        world.until(lambda: len(world.recorder.of(TranscriptFinal)) == sentences)

    result = happens(script)
    assert "audio.lost_seconds" not in result.counters
    assert result.text == ["one two three", *["four five six"] * (sentences - 1)]


@pytest.mark.parametrize("share", [4, 6], ids=["25 %", "17 %"])
def test_dropped_buffers_are_not_closed_up(happens, share: int):
    said: list[float] = []

    def script(world: World) -> None:
        for _ in range(10):
            said.append(world.clock.now() / 1e6)
            world.speak(1, 2, tail=0.6)
            for step in range(90):
                if step % share == 0:
                    world.lose(STEP / 16_000)
                else:
                    # Every loss is reported with the block behind it, as sound systems do.
                    world.hear(buzz(STEP, 0.01), overflow=step % share == 1)
            world.quiet(1.0)

    result = happens(script, "--camera", "none")
    heard = [event["start"] for event in result.of("SpeechStarted")]
    assert len(heard) == len(said) == 10
    # Closed up, the last sentence would be 4 to 7 s early.
    assert all(SKEW[0] <= is_at - was_at <= SKEW[1] for is_at, was_at in zip(heard, said, strict=True))


def test_an_unplugged_camera_does_not_return_its_last_frame_for_ever(happens, world: World):
    looked_at: list[int] = []

    def script(world: World) -> None:
        world.speak(1, 2, 3)
        world.freeze()
        world.quiet(2.0)
        looked_at.append(world.faces.seen)
        world.quiet(30.0)
        looked_at.append(world.faces.seen)

    result = happens(script)
    assert looked_at[0] == looked_at[1]
    assert result.reports == ["picture: camera 0 is frozen, trying again"]
    assert max(event["time"] for event in result.of("LipActivity")) < 3.1
    assert result.of("FaceLost")[0]["emitted"] < 4.0


@pytest.mark.parametrize("where", ["decode", "encode", "faces", "camera", "hook"])
def test_shutdown_does_not_hang(where: str, happens, world: World, quick_stop):
    with trap() as stuck:

        def script(world: World) -> None:
            world.speak(1, 2, 3)
            world.until_written("one two three")
            if where == "faces":
                world.faces.before = stuck
            elif where == "camera":
                world.camera.stuck = True
                world.every = sys.maxsize
                stuck.entered.set()
            elif where == "hook":
                world.runner.bus.add_hook(SpeechStarted, stuck)
            else:
                world.engine.before = lambda call, _: stuck() if call == where else None
            world.speak(4, 5, 6)
            world.until(stuck.entered.is_set)

        result = happens(script)
        # It has come back, and what is stuck has not.
        assert not stuck.released.is_set()
    world.camera.never.set()
    assert result.code == 0
    assert result.text[0] == "one two three"
    assert result.events[-1]["event"] == "End"


def test_an_end_of_stream_is_not_lost_behind_a_slow_stage(world: World, tmp_path: Path):
    path = tmp_path / "talk.wav"
    save(path, hummed([1, 2, 3], tail=0.1))
    recorder = EventRecorder()
    with world.in_place(), trap() as slow:
        world.engine.before = lambda call, _: slow() if call == "decode" else None
        pipeline = Pipeline.from_config("file", input=path, **{"emotion.enabled": False})
        pipeline.add_sink("test", recorder)
        pipeline.start()
        assert slow.entered.wait(PATIENCE)
        # The file is at its end, and so is every stage before the slow one.
        for name in ("audio", "vad", "encode"):
            world.runner.nodes[name].thread.join(PATIENCE)
            assert not world.runner.nodes[name].thread.is_alive()
        assert recorder.of(End) == []
        slow.released.set()
        assert pipeline.wait(PATIENCE)
    assert [event.text for event in recorder.of(TranscriptFinal)] == ["one two three"]
    assert recorder.ended and recorder.events[-1].reason == "finished"


def test_captions_of_a_recording_are_never_silently_empty(world: World, tmp_path: Path, capsys):
    path = tmp_path / "talk.wav"
    save(path, hummed([1, 2, 3]))
    fail(world, "decode")
    with world.in_place():
        code = main(["file", str(path), "-o", str(tmp_path / "out"), "--set", "emotion.enabled=false"])
    lines = capsys.readouterr().err.splitlines()
    assert code == 1
    assert "lipstream: sound: the speech decoder failed: out of memory" in lines
    assert lines[-2].endswith("; recognition failed on 1 of 1 stretches of speech")
    assert lines[-1] == f"lipstream: error: {path}: there is speech, but recognition failed on all of it"


def test_captions_of_a_live_run_are_never_silently_empty(happens, world: World):
    world.engine.mute = True
    result = happens("nothing")
    assert result.captions == []
    assert result.closing.endswith("; speech was heard, but nothing could be understood")
    assert "nobody spoke" not in result.closing


def test_memory_does_not_grow_for_hours(happens):
    sizes: list[int] = []

    def script(world: World) -> None:
        for part in range(4):
            for _ in range(3):
                world.hear(hummed([1, 2, 3, 4, 5, 6], tail=0.8))
                world.quiet(1.0)
            if part in (1, 3):
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        result = happens(script, "--camera", "none", "-f", "txt")
    finally:
        tracemalloc.stop()
    assert len(result.text) == 12
    # Of 22 s of sound, which are 1.4 MB, nothing stays; the events kept for late readers are bounded.
    assert sizes[1] - sizes[0] < 200_000


def test_a_file_without_sound_does_not_crash(world: World, tmp_path: Path, capsys):
    path = write_media(tmp_path / "silent.mp4", picture=Picture(moving(20)))
    with world.in_place():
        code = main(["file", str(path), "-o", str(tmp_path / "out"), "-f", "json", "--set", "emotion.enabled=false"])
    assert code == 0
    assert "lipstream: sound: the file has no sound, going on with the picture only" in capsys.readouterr().err
    assert world.faces.seen == 20
    assert '"faces": [\n' in (tmp_path / "out" / "silent.json").read_text()


def save(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
