"""Which speech of a live run a profile grows from, and the thread that learns from it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from lipstream.models.av_speech.enrolment.quiet_reader import Heard
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings
from lipstream.models.av_speech.training.growing import kept_folder as folders
from lipstream.models.av_speech.training.growing import worker as worker_module
from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech
from lipstream.models.av_speech.training.growing.worker import MOST_WAITING, GrowthWorker
from lipstream.models.errors import ModelError
from lipstream.models.face.lip_features import LipFeatures
from lipstream.models.speech.engine import Encoding
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.enrol.growing import Growing
from lipstream.stages.payloads import EncodedSpeech, FaceFrame, LipFrame

START, END = 1_013_000, 3_013_000


class Learner:
    """Takes what it is offered, as long as there is room."""

    def __init__(self, room=10):
        self.failure, self.taken, self.calls, self.room = None, [], [], room

    def start(self):
        self.calls.append("start")

    def offer(self, recording):
        if len(self.taken) >= self.room:
            return False
        self.taken.append(recording)
        return True

    def finish(self):
        self.calls.append("finish")


def lips(number, face=1):
    at = round(number * 40_000)
    features = LipFeatures(face, np.full((96, 96), number, np.uint8), np.zeros((40, 2), np.float32), np.zeros(27), 0.1)
    return Packet(at, LipFrame(features), 40_000)


def faces(number, count=1):
    return Packet(number * 40_000, FaceFrame((None,) * count, 1, 640, 360, None), 40_000)


def speech(own=0.9, last=True, failed=False, made_up=0.3, **encoding):
    ramp = np.arange(round((2.0 + made_up) * 16_000), dtype=np.float32) / 100_000
    frames = Encoding(np.zeros((80, 288), np.float32), 41.6, len(ramp), **encoding)
    judged = None if own is None else np.full(80, own, np.float32)
    segment = EncodedSpeech(
        1, frames, ramp, START, START + 300_000, END - 100_000, END, last, active_speaker=judged, failed=failed
    )
    return Packet(END, segment)


def grown(said, count=1, face=lambda number: 1, learner=None):
    learner = learner or Learner()
    seen = [faces(number, count) for number in range(100)]
    mouths = [lips(number, face(number)) for number in range(100)]
    run_stage(Growing(learner, 30.0), {"lips": mouths, "faces": seen, "speech": [said]})
    return learner


def test_clean_speech_is_offered_with_its_lips_from_a_lip_frame_on_and_without_what_was_made_up():
    (recording,) = grown(speech()).taken
    # The first lip frame after the start is number 26, at 1.04 s.
    assert recording.lips.crops[0, 0, 0] == 26
    assert recording.pcm[0] / 32768 * 100_000 == pytest.approx(0.027 * 16_000, abs=4)
    assert len(recording.pcm) == pytest.approx((2.0 - 0.027) * 16_000, abs=1)
    assert recording.lips.mask.all()


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (speech(last=False), {}),
        (speech(failed=True), {}),
        (speech(own=None), {}),
        (speech(own=0.3), {}),
        (speech(own=np.nan), {}),
        (speech(least_confidence=np.full(80, 0.35, np.float32)), {}),
        (speech(others=0.4), {}),
        (speech(), {"count": 2}),
        (speech(), {"count": 0}),
        (speech(), {"face": lambda number: 1 if number < 50 else 2}),
    ],
    ids=["open", "failed", "not judged", "another's voice", "unseen", "others", "more others", "two", "none", "change"],
)
def test_what_may_not_be_one_persons_clean_speech_is_left(said, seen):
    assert grown(said, **seen).taken == []


def test_the_learner_begins_and_ends_with_the_run():
    assert grown(speech()).calls == ["start", "finish"]


def test_a_learner_that_has_no_room_holds_nothing_up():
    assert grown(speech(), learner=Learner(room=0)).taken == []


def recording(seconds=2.0):
    return Recording(np.zeros(int(seconds * 16_000), np.int16), LipTrack.unseen(int(seconds * 25)))


def kept():
    clean = EncodedStretch(np.zeros((4, 288), np.float16), 0.0, 2.0)
    shape, look = np.zeros((4, 107), np.float16), np.zeros((4, 12, 12), np.float16)
    return KeptSpeech(Encodings(clean, clean, ()), shape, look, np.ones(4, np.bool_), "go", (("go", 1.0),), 2.0, None)


class Keeper:
    """Keeps what it is told to; waits at the first until it may go on."""

    def __init__(self, answers):
        self.answers, self.numbers, self.may = list(answers), [], threading.Event()
        self.read_as_one = []

    def unusable(self, piece):
        assert self.may.wait(60)
        return None

    def read(self, pieces):
        self.read_as_one.append(len(pieces))
        return [Heard(f"text {sum(self.read_as_one)}", (), 1.0) for _ in pieces]

    def keep(self, piece, number, heard):
        self.numbers.append(number)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def work(keeper, folder, count, permitted=lambda: True):
    worker = GrowthWorker(folder, lambda: keeper, permitted)
    worker.start()
    taken = [worker.offer(recording()) for _ in range(count)]
    keeper.may.set()
    worker.finish()
    return worker, taken


def test_speech_is_read_together_as_far_as_it_may_and_the_rest_when_the_run_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_module, "TOGETHER", 5.0)
    folder = KeptFolder(tmp_path / "ann.growing")
    keeper = Keeper([kept()] * 4)
    work(keeper, folder, 4)
    assert keeper.read_as_one == [2, 2]
    assert [number for number, _ in folder.load()] == [1, 2, 3, 4]


def test_what_waits_for_more_is_read_when_none_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_module, "LONGEST_SILENCE", 0.0)
    folder = KeptFolder(tmp_path / "ann.growing")
    keeper = Keeper([kept()])
    keeper.may.set()
    read = threading.Event()
    keeper.keep = lambda *_: read.set() or "not sure"
    worker = GrowthWorker(folder, lambda: keeper)
    worker.start()
    worker.offer(recording())
    assert read.wait(60)
    worker.finish()


def test_what_waits_for_more_is_let_go_when_the_yes_is_taken_back(tmp_path):
    keeper = Keeper([kept()])
    answers = iter([True])
    folder = KeptFolder(tmp_path / "ann.growing")
    work(keeper, folder, 1, lambda: next(answers, False))
    assert keeper.read_as_one == []
    assert folder.files() == []


def test_features_are_numbered_by_what_was_kept_and_all_are_there_when_the_run_ends(tmp_path):
    folder = KeptFolder(tmp_path / "ann.growing")
    keeper = Keeper([kept(), "too noisy", kept()])
    work(keeper, folder, 3)
    assert keeper.numbers == [1, 2, 2]
    assert [number for number, _ in folder.load()] == [1, 2]


def test_no_more_than_a_few_recordings_wait_in_memory(tmp_path):
    keeper = Keeper(["no"] * 20)
    _, taken = work(keeper, KeptFolder(tmp_path / "ann.growing"), 20)
    assert MOST_WAITING <= sum(taken) <= MOST_WAITING + 1


def test_a_paused_profile_keeps_nothing(tmp_path):
    folder = KeptFolder(tmp_path / "ann.growing")
    folder.change(paused=True)
    keeper = Keeper([kept()])
    work(keeper, folder, 1)
    assert keeper.numbers == []
    assert folder.files() == []


@pytest.mark.parametrize("error", [ModelError("the disk is full"), RuntimeError("the network broke")])
def test_what_goes_wrong_ends_the_growth_and_not_the_run(tmp_path, error):
    keeper = Keeper([error, kept()])
    worker, _ = work(keeper, KeptFolder(tmp_path / "ann.growing"), 2)
    assert str(error) in worker.failure
    assert len(keeper.numbers) == 1
    assert not worker.offer(recording())


def test_a_long_stretch_is_cut_before_it_is_learnt_from(tmp_path):
    worker = GrowthWorker(KeptFolder(tmp_path / "ann.growing"), lambda: keeper)
    keeper = Keeper(["no"] * 9)
    keeper.may.set()
    worker.start()
    worker.offer(recording(20.0))
    worker.finish()
    assert keeper.read_as_one == [len(keeper.numbers)]
    assert len(keeper.numbers) >= 3


def test_the_folder_is_of_the_profiles_name(tmp_path, monkeypatch):
    from lipstream.models import profile_files

    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path)
    assert folders.kept_folder("ann").path == tmp_path / "ann.growing"
    with pytest.raises(ModelError, match="expected a name"):
        folders.kept_folder("../ann")
