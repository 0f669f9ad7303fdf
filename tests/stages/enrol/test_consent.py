"""Whether a profile may grow: the answer on this machine, which runs may ask, and that a no is heeded at once."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder
from lipstream.models.av_speech.training.growing.worker import GrowthWorker
from lipstream.pipeline.testing import run_stage
from lipstream.stages.enrol import consent as consents
from lipstream.stages.enrol.consent import GrowthConsent, may_be_asked
from lipstream.stages.enrol.growing import Growing
from lipstream.stages.enrol.growth_of import LateLearner
from tests.stages.enrol.test_growing import Keeper, Learner, faces, kept, lips, recording, speech


@pytest.fixture
def consent(tmp_path):
    return GrowthConsent(tmp_path / "user" / "growing.json")


def test_nobody_has_agreed_at_first_and_an_answer_is_remembered_and_taken_back(consent, tmp_path):
    other = GrowthConsent(tmp_path / "user" / "growing.json")
    assert consent.answer is None and not consent.given
    consent.give()
    assert consent.given and other.given
    # In another window, or the page.
    other.refuse()
    assert consent.answer is False and other.answer is False


@pytest.mark.parametrize("content", [b"", b"[]", b'{"grow": 1}', b"\xff{", b"null"])
def test_an_answer_that_cannot_be_read_is_a_no(consent, tmp_path, content):
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "growing.json").write_bytes(content)
    assert consent.answer is False


def test_an_ordinary_live_run_may_ask():
    assert may_be_asked(load_config("live"))


@pytest.mark.parametrize(
    "settings",
    [
        {"video.camera": "talk.mp4"},
        {"video.camera": "rtsp://camera.example/1"},
        {"audio.source": "system"},
        {"audio.source": "both"},
        {"audio.enabled": False},
        {"video.enabled": False},
        {"fusion.general": False},
        {"fusion.ask": False},
        {"fusion.grow": "ann"},
        {"fusion.profile": "ann"},
        {"speech.language": "de"},
        {"speech.task": "translate"},
    ],
)
def test_a_run_of_other_sources_or_that_could_learn_nothing_asks_nothing(settings):
    assert not may_be_asked(load_config("live", settings))


def test_without_what_learning_needs_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(consents, "find_spec", lambda name: None)
    assert not may_be_asked(load_config("live"))


def test_a_recording_asks_nothing(tmp_path):
    assert not may_be_asked(load_config("file", {"input": str(tmp_path / "talk.mp4")}))


def grown(permitted):
    """What is offered of a clean segment, with a permission asked at every packet."""
    learner = Learner()
    seen, mouths = [faces(number) for number in range(100)], [lips(number) for number in range(100)]
    stage = Growing(learner, 30.0, permitted)
    run_stage(stage, {"lips": mouths, "faces": seen, "speech": [speech()]})
    return learner.taken, stage


def test_without_a_yes_nothing_that_is_seen_is_kept_even_for_a_moment():
    taken, stage = grown(lambda: False)
    assert taken == [] and not stage._lips and not stage._faces


def test_speech_that_was_begun_before_the_yes_is_not_learnt_from():
    """The segment is from 1.01 to 3.01 s; each moment before it has a packet of lips and one of faces."""
    early, late = iter([False] * 40 + [True] * 1000), iter([False] * 60 + [True] * 1000)
    assert len(grown(lambda: next(early))[0]) == 1
    assert grown(lambda: next(late))[0] == []


def test_a_yes_makes_the_learner_and_the_end_of_the_run_waits_no_longer_than_it_may():
    made = []

    class Worker(Learner):
        def finish(self, longest):
            self.calls.append(longest)

    late = LateLearner(lambda: made.append(Worker()) or made[0], patience=1.0)
    late.start()
    late.finish()
    assert made == []
    assert late.offer(np.zeros(1))
    late.finish()
    assert made[0].calls == ["start", 1.0]


def test_what_waits_when_the_yes_is_taken_back_is_let_go(tmp_path):
    may = [True]
    folder = KeptFolder(tmp_path / "me.growing")

    class Hesitant(Keeper):
        def keep(self, piece, number, heard):
            made = super().keep(piece, number, heard)
            may[0] = len(self.numbers) < 2
            return made

    keeper = Hesitant([kept(), kept(), kept()])
    keeper.may.set()
    worker = GrowthWorker(folder, lambda: keeper, lambda: may[0])
    worker.start()
    for _ in range(3):
        worker.offer(recording())
    worker.finish()
    assert keeper.numbers == [1, 2]
    assert len(folder.files()) == 1


def test_what_is_being_written_while_it_is_deleted_does_not_come_back(tmp_path):
    may = [True]

    class DeletedMeanwhile(KeptFolder):
        def add(self, kept, number):
            may[0] = False
            self.delete()
            super().add(kept, number)

    folder = DeletedMeanwhile(tmp_path / "me.growing")
    KeptFolder.add(folder, kept(), 1)
    keeper = Keeper([kept()])
    keeper.may.set()
    worker = GrowthWorker(folder, lambda: keeper, lambda: may[0])
    worker.start()
    worker.offer(recording())
    worker.finish()
    assert keeper.numbers and not folder.path.exists()
