"""Expressions: how often faces are looked at, and how."""

from __future__ import annotations

import pytest

from lipstream.models.emotion.looks import Look
from lipstream.models.errors import ModelError
from lipstream.pipeline import Degraded, Recovered, UserError
from lipstream.pipeline.testing import run_stage
from lipstream.stages.emotion.expression import Expression
from lipstream.stages.shedding import EMOTION_RATE
from tests.stages.emotion.emotion_fakes import evidence, view


class Looks:
    """Keeps how it was asked to look."""

    def __init__(self, fail_on: int = 0) -> None:
        self.looks: list[Look] = []
        self._fail_on = fail_on

    def load(self) -> None: ...

    def predict_all(self, faces):
        return [self._predict(*face) for face in faces]

    def _predict(self, crop, shape, look):
        assert crop.shape == (48, 48)
        self.looks.append(look)
        if len(self.looks) == self._fail_on:
            raise RuntimeError("scripted failure")
        return evidence("happy")


def test_the_speaker_is_looked_at_ten_times_a_second_and_a_listener_five_whatever_the_frame_rate():
    for fps in (10, 25, 30):
        network = Looks()
        run = run_stage(Expression(network, 10.0), [view(i / fps, (1, 2)) for i in range(4 * fps)])
        looked_at = [face for packet in run for face in packet.payload.faces]
        assert 39 <= looked_at.count(1) <= 41
        assert 19 <= looked_at.count(2) <= 21
        assert len(network.looks) == len(looked_at)


def test_the_rate_can_be_changed_while_it_runs():
    stage = Expression(Looks(), 10.0)
    stage.rate = 2.0
    assert 8 <= len(run_stage(stage, [view(i / 25) for i in range(100)])) <= 9


def test_under_load_faces_are_looked_at_less_often():
    frames = [view(i / 25) for i in range(100)]
    run = run_stage(Expression(Looks(), 10.0), frames, lossless=False, shed=[EMOTION_RATE.name])
    assert 10 <= len(run) <= 11


def test_the_mouth_of_a_talking_face_is_left_out_every_other_time():
    network = Looks()
    run = run_stage(Expression(network, 10.0), [view(i / 10, (1, 2), talking=(2,)) for i in range(8)])
    looks = dict.fromkeys((1, 2), ())
    asked = iter(network.looks)
    for packet in run:
        for face in packet.payload.faces:
            looks[face] = (*looks[face], next(asked))
    assert {(look.talking, look.mouth) for look in looks[1]} == {(False, True)}
    assert {(look.talking, look.mouth) for look in looks[2]} == {(True, True), (True, False)}
    assert sum(look.mouth for look in looks[2]) == 2


def test_a_speaker_whose_lips_move_talks():
    assert run_stage(Expression(Looks(), 10.0), [view(0.0, (1, 2), talking=(1, 2))])[0].payload.talker == 1


def test_a_speaker_whose_lips_are_still_does_not_talk():
    assert run_stage(Expression(Looks(), 10.0), [view(0.0, (1, 2), talking=(2,))])[0].payload.talker is None


def test_a_picture_without_faces_says_that_there_are_none():
    run = run_stage(Expression(Looks(), 10.0), [view(0.0, ())])
    assert run[0].payload.faces == {}


def test_a_network_that_fails_once_costs_one_look():
    run = run_stage(Expression(Looks(fail_on=2), 10.0), [view(i / 10) for i in range(4)])
    assert [packet.timestamp for packet in run] == [0, 200_000, 300_000]
    assert [type(event) for event in run.events] == [Degraded, Recovered]


def test_pictures_that_are_judged_together_give_what_they_give_alone():
    frames = [view(i / 10, (1, 2), talking=(1,)) for i in range(10)]
    alone, together = Looks(), Looks()
    one_by_one = run_stage(Expression(alone, 10.0), frames)
    by_fours = run_stage(Expression(together, 10.0, together=4), frames)
    assert [packet.timestamp for packet in by_fours] == [packet.timestamp for packet in one_by_one]
    assert [set(packet.payload.faces) for packet in by_fours] == [set(packet.payload.faces) for packet in one_by_one]
    assert together.looks == alone.looks


def test_a_picture_that_waits_for_others_holds_the_watermark():
    promised = []

    class Promising(Expression):
        def watermark(self, frontier):
            promised.append(super().watermark(frontier))
            return promised[-1]

    run_stage(Promising(Looks(), 10.0, together=4), [view(i / 10) for i in range(1, 7)])
    assert {100_000, 500_000} <= set(promised)
    assert not {200_000, 300_000, 600_000} & set(promised)


def test_missing_weights_are_one_line_for_the_user():
    class Missing(Looks):
        def load(self) -> None:
            raise ModelError("weights/face.safetensors: no usable weights; reinstall")

    with pytest.raises(UserError, match=r"face\.safetensors"):
        run_stage(Expression(Missing(), 10.0), [view(0.0)])
