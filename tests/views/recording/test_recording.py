"""A live run that is recorded: what is in the file, and that it is there whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import Recording, SpeakerNamed, TranscriptCorrected, TranscriptFinal, Word
from lipstream.pipeline import Degraded, End, Event, Graph, Packet, UserError
from lipstream.pipeline.session import Session
from lipstream.pipeline.testing import EventRecorder
from lipstream.stages.media.probe import probe
from lipstream.stages.payloads import AudioBlock
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.views.recording import settling
from lipstream.views.recording.captions import RecordedCaptions
from lipstream.views.recording.recorder import Recorder
from lipstream.views.recording.settling import settle
from tests.packaging.rooms import ROOT
from tests.views.recording.room import Tone, recorded

SECONDS = 5.0
KILLED_AT = 7.0
WITHIN = 2.0


def what_is_in(path: Path) -> dict[str, Any]:
    """What plays: how long the tracks are in seconds, how many pictures there are, captions with their times."""
    with av.open(str(path)) as container:
        frames = [frame.time for frame in container.decode(video=0)] if container.streams.video else []
    with av.open(str(path)) as container:
        sound = [block.to_ndarray()[0] for block in container.decode(audio=0)]
    return {
        "sound": sum(map(len, sound)) / 16_000,
        "picture": max(frames, default=0.0),
        "frames": len(frames),
        "samples": np.concatenate(sound),
        "captions": captions_of(path),
    }


def captions_of(path: Path) -> list[tuple[float, str]]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(*container.streams.subtitles) if packet.pts is not None]
        return [(float(packet.pts * packet.time_base), bytes(packet).decode()) for packet in packets]


def order_of(path: Path) -> list[str]:
    """Kinds of the packets in the order of the file."""
    with av.open(str(path)) as container:
        return [packet.stream.type for packet in container.demux() if packet.pts is not None]


def test_a_program_that_is_killed_leaves_a_file_that_plays_almost_to_the_end_with_its_captions(tmp_path: Path):
    path = tmp_path / "talk.mkv"
    command = [sys.executable, "-m", "tests.views.recording.room", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reached = 0.0
        for line in process.stdout:
            reached = float(line)
            if reached >= KILLED_AT:
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    found = what_is_in(path)
    assert found["sound"] >= reached - WITHIN
    assert found["picture"] >= reached - WITHIN
    # Those of what was finished by then: of 2, 4 and 6 s, the last of which may be in what was not written yet.
    assert [text for _, text in found["captions"]][:2] == ["Sentence 1.", "Sentence 2."]
    assert found["captions"][0][0] == pytest.approx(0.0, abs=0.01)
    # And `file` can read it.
    media = probe(path)
    assert media.has_audio and media.has_video


def test_a_run_that_ends_has_all_of_its_sound_and_picture_and_its_captions_in_their_places(tmp_path: Path):
    path = tmp_path / "talk.mkv"
    session, recorder, captions = recorded(path, SECONDS)
    session.run()
    assert recorder.end()
    assert captions.cues
    before = order_of(path)
    assert settle(path, captions.cues)
    found = what_is_in(path)
    assert found["sound"] == pytest.approx(SECONDS, abs=0.001)
    assert found["frames"] == SECONDS * 25
    at = np.arange(len(found["samples"]))
    expected = 0.3 * np.sin(2 * np.pi * 440 * at / 16_000)
    assert np.abs(found["samples"] / 32768 - expected).max() < 1e-3
    # Cut as they are for readers: with what comes next.
    assert found["captions"] == [(cue.start / 1000, "\n".join(cue.lines)) for cue in captions.cues]
    assert " ".join(text for _, text in found["captions"]) == "Sentence 1. Sentence 2."
    after = order_of(path)
    # The first caption begins with the sound: it has to be there before a player gets there.
    assert before.index("subtitle") > 30 > after.index("subtitle")
    assert [each for each in before if each != "subtitle"].count("video") == after.count("video")
    assert list(tmp_path.iterdir()) == [path]


def test_captions_of_two_voices_are_put_in_one_order(tmp_path: Path):
    path = tmp_path / "talk.mkv"
    session, recorder, _ = recorded(path, 2.0)
    session.run()
    recorder.end()
    cues = [Cue(800, 1500, ("b",)), Cue(200, 900, ("a",)), Cue(800, 1200, ("c",)), Cue(100, 101, ("gone",))]
    assert settle(path, [*cues, Cue(100, 101, ("too",))])
    assert captions_of(path) == [(0.1, "gone"), (0.2, "a"), (0.8, "b"), (0.801, "c")]


def test_captions_have_the_names_and_signs_that_were_told_after_them():
    """Regression: they had "Speaker 1" and no full stop where the SRT of the same run had both."""
    captions = RecordedCaptions(lambda cues: None, SubtitlesConfig(speakers="names"))
    said = [
        TranscriptFinal(
            segment=number,
            start=2.0 * number,
            end=2.0 * number + 1,
            text=text,
            words=(Word(word=text, start=2.0 * number, end=2.0 * number + 1, confidence=1.0, speaker=1),),
            speaker=1,
            joint=joint,
        )
        for number, text, joint in ((1, "Home", ""), (2, "Then", "."))
    ]
    for event in (*said, SpeakerNamed(speaker=1, name="Ann"), End(reason="stopped", duration=5.0)):
        captions.handle(event)
    assert "Ann: Home. Then" in " ".join(" ".join(cue.lines) for cue in captions.cues)


def test_captions_have_the_texts_that_were_corrected_after_them():
    written: list[Cue] = []
    captions = RecordedCaptions(written.extend, SubtitlesConfig())
    word = Word(word="Wether", start=0.0, end=1.0, confidence=1.0)
    final = TranscriptFinal(segment=1, start=0.0, end=1.0, text=word.word, words=(word,))
    better = replace(word, word="Weather")
    told = TranscriptCorrected(
        segment=1, start=0.0, end=1.0, previous=word.word, text=better.word, words=(better,), revised=()
    )
    for event in (final, told, End(reason="stopped", duration=5.0)):
        captions.handle(event)
    assert [cue.lines for cue in captions.cues] == [("Weather",)]
    assert [each.text for each in captions.finals] == ["Weather"]
    assert [cue.lines for cue in written] == [("Wether",)], "in a file that only grows, what was known then"


def test_what_is_played_has_a_track_of_its_own(tmp_path: Path):
    path = tmp_path / "talk.mkv"
    graph = Graph()
    graph.add("audio", Tone(25, say=False))
    graph.add("system_audio", Tone(25, say=False))
    recorder = Recorder.on(graph, path, load_config("live"))
    Session(graph, lossless=False, media_time=False).run()
    assert recorder.end()
    with av.open(str(path)) as container:
        assert [stream.metadata["title"] for stream in container.streams.audio] == ["Microphone", "System sound"]
        for number in range(2):
            container.seek(0)
            assert sum(frame.samples for frame in container.decode(audio=number)) == 16_000


def test_sound_and_picture_keep_together(tmp_path: Path):
    path = tmp_path / "talk.mkv"
    session, recorder, _ = recorded(path, 2.0)
    session.run()
    recorder.end()
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx(np.arange(50) / 25, abs=0.0015)
    with av.open(str(path)) as container:
        assert next(container.decode(audio=0)).time == 0


def test_sound_alone(tmp_path: Path):
    path = tmp_path / "talk.mkv"
    session, recorder, _ = recorded(path, 1.0, picture=False)
    session.run()
    assert recorder.end()
    assert what_is_in(path)["sound"] == pytest.approx(1.0, abs=0.001)


def test_whoever_follows_the_run_is_told_that_it_is_recorded(tmp_path: Path):
    session, recorder, _ = recorded(tmp_path / "talk.mkv", 0.4)
    events = EventRecorder()
    session.add_sink("events", events)
    session.run()
    recorder.end()
    told = [event for event in events.events if isinstance(event, Recording)]
    assert [(event.on, event.file) for event in told] == [(True, "talk.mkv")]


def test_a_run_without_sound_or_picture_leaves_no_file(tmp_path: Path):
    path = tmp_path / "talk.mkv"
    _, recorder, _ = recorded(path, 1.0)
    assert path.exists()
    assert not recorder.end()
    assert not path.exists()


def test_a_full_disk_ends_the_recording_and_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    session, recorder, _ = recorded(tmp_path / "talk.mkv", 2.0)
    events = EventRecorder()
    session.add_sink("events", events)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lipstream.views.recording.file.RecordingFile.add_picture", full)
    assert session.run().reason == "finished"
    (told,) = [event.reason for event in events.events if isinstance(event, Degraded)]
    assert "No space left on device" in told
    assert "captions go on" in told
    assert [event.on for event in events.events if isinstance(event, Recording)] == [True, False]
    assert recorder.failure == "No space left on device"


class Pages:
    """Stands in for the file: keeps the captions that are written."""

    def __init__(self, *_: object) -> None:
        self.captions: list[str] = []

    def add_sound(self, *_: object) -> None:
        """Room for everything."""

    def add_captions(self, cues: list[Cue]) -> None:
        if any(cue.lines == ("too much",) for cue in cues):
            raise OSError(28, "No space left on device")
        self.captions += [line for cue in cues for line in cue.lines]


def sound(recorder: Recorder) -> None:
    recorder.process("audio", Packet(0, AudioBlock(np.zeros(640, np.float32)), 40_000))


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """One whose file keeps nothing but captions."""
    monkeypatch.setattr("lipstream.views.recording.recorder.RecordingFile", Pages)
    made = Recorder(tmp_path / "talk.mkv", (320, 240), {"audio": "Microphone"}, picture=False)
    made.claim()
    told: list[Event] = []
    made.attach(SimpleNamespace(name="recorder", publish=told.append, told=told))
    return made


def test_captions_that_come_while_the_file_begins_are_written_once_and_in_order(recorder: Recorder):
    class Slow(list):
        """Sound comes, on its thread, in the midst of what is added here."""

        def __iadd__(self, cues):
            super().__iadd__(cues)
            threads.append(threading.Thread(target=sound, args=(recorder,)))
            threads[-1].start()
            threads[-1].join(0.1)
            return self

    threads: list[threading.Thread] = []
    recorder.put([Cue(0, 1, ("first",))])
    recorder._cues = Slow(recorder._cues)
    recorder.put([Cue(2, 3, ("second",))])
    threads[0].join(30)
    sound(recorder)
    recorder.put([Cue(4, 5, ("third",))])
    assert recorder._file.captions == ["first", "second", "third"]


def test_captions_that_cannot_be_written_are_reported_on_the_thread_of_the_recorder_and_once(recorder: Recorder):
    sound(recorder)
    recorder.put([Cue(0, 1, ("too much",))])
    told = recorder.context.told
    assert recorder.failure == "No space left on device" and not any(isinstance(each, Degraded) for each in told)
    recorder.finish()
    sound(recorder)
    assert [type(each) for each in told] == [Recording, Degraded, Recording]


def test_a_place_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write there"):
        recorded(tmp_path / "file" / "talk.mkv", 1.0)


def test_a_recording_is_as_it_was_where_its_captions_cannot_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "talk.mkv"
    session, recorder, captions = recorded(path, 2.4)
    session.run()
    recorder.end()
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(settling, "_packets", full)
    with pytest.raises(UserError, match="No space left"):
        settle(path, captions.cues)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
