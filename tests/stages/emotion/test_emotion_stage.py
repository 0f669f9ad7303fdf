"""Emotion: the grid of updates, whose voice it is, and what is not known."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from lipstream.events import EmotionChanged, EmotionUpdate
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.emotion.emotion import Emotion
from lipstream.stages.emotion.payloads import Expressions
from lipstream.stages.payloads import PeopleKnown
from lipstream.stages.shedding import EMOTION_RATE
from tests.stages.emotion.emotion_fakes import CountingFusion, heard, seen

AHEAD = 1.0


def emotion(network: CountingFusion | None = None, look_ahead: float = AHEAD) -> Emotion:
    return Emotion(network or CountingFusion(), 0.5, look_ahead)


def run(expressions=(), windows=(), **options):
    return run_stage(emotion(), {"expressions": expressions, "windows": windows}, **options).events


def updates(events) -> list[EmotionUpdate]:
    return [event for event in events if isinstance(event, EmotionUpdate)]


def changes(events) -> list[tuple[int | None, float, str, str]]:
    return [(e.face, e.time, e.previous, e.label) for e in events if isinstance(e, EmotionChanged)]


def looks(until: float, faces: dict[int, str], talker: int | None = None, start: float = 0.0):
    count = round((until - start) * 10)
    return [seen(start + i / 10, faces, talker) for i in range(count + 1)]


# The grid.


@pytest.mark.parametrize("interval", [1, 2, 4])
def test_where_pictures_are_far_apart_a_face_counts_until_the_next_one(interval):
    pictures = [replace(seen(time, {1: "happy"}), duration=interval * 1_000_000) for time in range(0, 17, interval)]
    events = updates(run(pictures))
    assert {event.face for event in events} == {1} and len(events) == 32
    assert all(event.weights["face"] == 1 for event in events)


def test_updates_come_twice_a_second_on_a_fixed_grid():
    events = updates(run(looks(3.03, {1: "happy"}, start=0.03)))
    assert [(event.start, event.end) for event in events] == [(i / 2, i / 2 + 0.5) for i in range(6)]
    assert {event.face for event in events} == {1}


def test_a_rest_at_the_end_has_an_update_if_it_is_long_enough():
    assert [event.end for event in updates(run(looks(1.3, {1: "sad"})))] == [0.5, 1.0, 1.3]
    assert [event.end for event in updates(run(looks(1.2, {1: "sad"})))] == [0.5, 1.0]


def test_an_update_waits_for_its_look_ahead_and_sees_all_that_came_by_then():
    network = CountingFusion()
    late = heard(0.0, 0.4, "sad", at=1.4)
    run_stage(emotion(network), {"expressions": looks(3.0, {1: "sad"}), "windows": [late]})
    assert network.calls[0] == (0.5, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], [0.4])


def test_what_comes_later_still_counts_for_later_updates():
    network = CountingFusion()
    later = heard(0.0, 0.4, "sad", at=1.6)
    run_stage(emotion(network), {"expressions": looks(3.0, {1: "sad"}), "windows": [later]})
    assert [voices for _, _, voices in network.calls[:3]] == [[], [0.4], [0.4]]


def test_a_window_counts_for_all_the_moments_that_it_is_heard_in_and_for_a_while_after():
    network = CountingFusion()
    run_stage(emotion(network), {"expressions": looks(5.0, {1: "sad"}), "windows": [heard(0.5, 1.7, "sad")]})
    assert [now for now, _, voices in network.calls if voices] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    for now, faces, voices in network.calls:
        assert max([*faces, *voices]) <= now


def test_a_window_replaces_those_that_it_holds_and_what_is_heard_now_what_was_heard_before():
    network = CountingFusion()
    windows = [heard(0.0, 0.75, "sad"), heard(0.0, 1.25, "sad"), heard(0.0, 1.6, "angry"), heard(2.2, 3.0, "happy")]
    run_stage(emotion(network, look_ahead=4.0), {"windows": windows, "expressions": looks(4.0, {1: "sad"})})
    heard_at = {now: voices for now, _, voices in network.calls}
    assert [heard_at[now] for now in (0.5, 1.0, 2.0, 2.5, 3.5)] == [[0.5], [1.0], [1.6], [2.5], [1.6, 3.0]]


def test_how_often_the_frontier_moves_makes_no_difference():
    expressions = looks(4.0, {1: "happy", 2: "sad"}, talker=2)
    script = {"expressions": expressions, "windows": [heard(0.2, 1.7, "angry", at=2.1)]}
    plain = run_stage(emotion(), script).events

    class Restless(Emotion):
        def process(self, port: str, packet: Packet) -> None:
            for step in range(packet.timestamp - 90_000, packet.timestamp + 1, 30_000):
                self.advance(step)
            super().process(port, packet)

    restless = run_stage(Restless(CountingFusion(), 0.5, AHEAD), script).events
    fields = [[(type(event), event.to_dict() | {"emitted": 0}) for event in events] for events in (plain, restless)]
    assert fields[0] == fields[1]


def test_the_interval_can_be_changed_while_it_runs_and_is_longer_under_load():
    stage = emotion()
    stage.update_interval = 1.0
    script = {"expressions": looks(4.0, {1: "happy"})}
    assert [event.end for event in updates(run_stage(stage, script).events)] == [1.0, 2.0, 3.0, 4.0]
    shed = run_stage(emotion(), script, lossless=False, shed=[EMOTION_RATE.name]).events
    assert [event.end for event in updates(shed)] == [2.0, 4.0]


def test_live_an_hour_without_input_is_not_made_up_for():
    script = [*looks(1.0, {1: "happy"}), *looks(3602.0, {2: "happy"}, start=3600.0)]
    events = updates(run(script, lossless=False))
    assert len(events) < 30
    assert [event.end for event in events if event.face == 2] == [3600.0, 3600.5, 3601.0, 3601.5, 3602.0]


def test_live_a_silent_microphone_or_a_dead_camera_stalls_nothing():
    only_seen = run_stage(emotion(look_ahead=0.2), {"expressions": looks(3.0, {1: "sad"})}, lossless=False).events
    assert [event.end for event in updates(only_seen)] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    windows = [heard(max(0.0, i / 2 - 3), i / 2, "sad", at=i / 2 + 0.3) for i in range(2, 9)]
    only_heard = run_stage(emotion(look_ahead=0.2), {"windows": windows}, lossless=False).events
    assert [event.end for event in updates(only_heard)][-1] >= 4.0


# Whose voice it is.


def by_face(events, at: float) -> dict[int | None, dict[str, float]]:
    return {event.face: event.weights for event in updates(events) if event.end == at}


def test_a_voice_counts_for_the_face_that_talks():
    events = run(looks(3.0, {1: "happy", 2: "sad"}, talker=2), [heard(0.0, 2.0, "sad")])
    assert by_face(events, 2.0)[1] == {"face": 1.0, "voice": 0.0}
    assert by_face(events, 2.0)[2]["voice"] > 0


def test_a_voice_counts_for_the_only_face_even_if_its_lips_seem_still():
    assert by_face(run(looks(3.0, {7: "sad"}), [heard(0.0, 2.0, "sad")]), 2.0)[7]["voice"] > 0


def test_a_voice_of_nobody_in_the_picture_stands_by_itself():
    weights = by_face(run(looks(3.0, {1: "happy", 2: "sad"}), [heard(0.0, 2.0, "angry")]), 2.0)
    assert weights[None] == {"face": 0.0, "voice": 1.0}
    assert weights[1] == weights[2] == {"face": 1.0, "voice": 0.0}


def test_one_stray_movement_of_lips_does_not_claim_a_voice():
    expressions = looks(3.0, {1: "happy", 2: "sad"})
    expressions[10] = seen(1.0, {1: "happy", 2: "sad"}, talker=1)
    assert by_face(run(expressions, [heard(0.0, 2.0, "angry")]), 2.0)[None]["voice"] == 1.0


def test_without_a_picture_there_is_the_voice_alone():
    events = run_stage(emotion(), {"windows": [heard(0.5, 1.5, "angry"), heard(0.5, 2.0, "angry")]}).events
    labels = {event.end: event.label for event in updates(events)}
    assert labels == {0.5: "unknown", 1.0: "angry", 1.5: "angry", 2.0: "angry"}
    assert by_face(events, 2.0) == {None: {"face": 0.0, "voice": 1.0}}


def test_without_sound_there_are_the_faces_alone():
    events = run_stage(emotion(), {"expressions": looks(2.0, {1: "happy"})}).events
    assert [event.weights for event in updates(events)] == [{"face": 1.0, "voice": 0.0}] * 4


# What is not known, and what changes.


def test_without_any_evidence_the_emotion_is_unknown_and_belongs_to_no_face():
    events = updates(run([seen(i / 10, {}) for i in range(31)]))
    assert {(event.face, event.label) for event in events} == {(None, "unknown")}
    assert all(event.weights == {"face": 0.0, "voice": 0.0} for event in events)
    assert all((event.valence, event.arousal) == (0.0, 0.0) for event in events)
    assert all(len(set(event.probabilities.values())) == 1 for event in events)
    assert changes(run([seen(i / 10, {}) for i in range(31)])) == []


def test_the_labels_of_one_face_form_a_chain_from_unknown_to_unknown():
    moods = {**dict.fromkeys(range(30), "happy"), **dict.fromkeys(range(30, 60), "angry")}
    expressions = [seen(i / 10, {3: mood}) for i, mood in moods.items()]
    gone = [seen(6 + i / 10, {}) for i in range(30)]
    chain = changes(run([*expressions, *gone]))
    assert [(face, before, after) for face, _, before, after in chain] == [
        (3, "unknown", "happy"),
        (3, "happy", "unclear"),
        (3, "unclear", "angry"),
        (3, "angry", "unknown"),
    ]
    assert [time for _, time, _, _ in chain] == sorted(time for _, time, _, _ in chain)


def test_no_update_contradicts_its_own_probabilities():
    rng = random.Random(0)
    moods = [mood for _ in range(12) for mood in [rng.choice(["happy", "sad", "neutral", "angry"])] * 30]
    windows = [heard(max(0.0, i / 2 - 3), i / 2, rng.choice(["sad", "angry"]), at=i / 2 + 0.3) for i in range(2, 72)]
    seen_events = run([seen(i / 10, {1: mood}) for i, mood in enumerate(moods)], windows)
    labelled = [(event.label, event.probabilities) for event in [*updates(seen_events)]]
    labelled += [(event.label, event.probabilities) for event in seen_events if isinstance(event, EmotionChanged)]
    named = [(label, shown) for label, shown in labelled if label in shown]
    assert all(shown[label] == max(shown.values()) for label, shown in named)
    assert len(named) > 20 and {label for label, _ in labelled} - set(labelled[0][1]) <= {"unclear", "unknown"}


def test_who_stays_in_view_is_not_forgotten_for_all_the_others_who_come_by():
    """Regression: whoever had come first was forgotten, and judged as somebody new, all day in view or not."""

    def last(passers_by: int) -> EmotionUpdate:
        looks_at = [
            seen(i / 10, {1: "sad", **({2 + i // 5: "happy"} if i // 5 < passers_by else {})}) for i in range(350)
        ]
        return [event for event in updates(run(looks_at)) if event.face == 1][-1]

    assert last(70).probabilities == last(0).probabilities


def test_after_a_while_a_face_is_judged_against_what_is_usual_for_it_and_a_new_one_is_not():
    events = updates(run([*looks(20.0, {1: "sad"}), *looks(22.0, {1: "sad", 2: "sad"}, start=20.1)]))
    known = {(event.face, event.end): event for event in events}
    assert {known[key].label for key in ((1, 2.0), (1, 22.0), (2, 22.0))} == {"sad"}
    sad, sad_of_new = (known[face, 22.0].probabilities["sad"] for face in (1, 2))
    assert 0.6 < sad < 0.75 < sad_of_new
    assert next(event for event in events if event.end == 2.0).valence < 0


def test_a_change_is_published_only_when_the_label_of_the_updates_changes():
    moods = ["happy", "sad", "neutral", "angry"] * 15
    events = run([seen(i / 10, {1: mood}) for i, mood in enumerate(moods)])
    labels = ["unknown", *(event.label for event in updates(events))]
    assert len(changes(events)) == sum(one != other for one, other in pairwise(labels))


def test_a_voice_that_gets_a_face_is_forgotten_as_a_voice_alone():
    events = run(
        [*[seen(i / 10, {}) for i in range(20)], *looks(6.0, {1: "neutral"}, talker=1, start=2.0)],
        [heard(max(0.0, i / 2 - 1), i / 2, "angry") for i in range(2, 12)],
    )
    assert (None, "unknown", "angry") in [(face, before, after) for face, _, before, after in changes(events)]
    assert (None, "angry", "unknown") in [(face, before, after) for face, _, before, after in changes(events)]
    assert {event.face for event in updates(events) if event.end > 5} == {1}


def test_the_probabilities_are_those_of_the_moment_and_sum_to_one():
    events = updates(run(looks(3.0, {1: "happy"})))
    for event in events:
        assert sum(event.probabilities.values()) == pytest.approx(1, abs=1e-3)
        # Neutral, a sixth of the other tenth, counts three times: of a face that is new, calm is the likeliest.
        assert event.probabilities["happy"] == pytest.approx(0.9 / (1 + 2 * 0.1 / 6), abs=1e-3)
        assert -1 <= event.valence <= 1 and -1 <= event.arousal <= 1


def test_a_fusion_that_fails_is_reported_and_the_next_update_comes():
    class Failing(CountingFusion):
        def predict(self, faces, voices, now):
            if now == 1.0:
                raise RuntimeError("scripted failure")
            return super().predict(faces, voices, now)

    events = run_stage(Emotion(Failing(), 0.5, AHEAD), {"expressions": looks(3.0, {1: "happy"})}).events
    assert [event.end for event in updates(events)] == [0.5, 1.5, 2.0, 2.5, 3.0]
    assert "Degraded" in [type(event).__name__ for event in events]


def test_memory_does_not_grow_with_the_run():
    stage = emotion()
    packets = ((seen(i / 10, {1: "happy"})) for i in range(3000))
    run_stage(stage, {"expressions": packets, "windows": [heard(i / 2, i / 2 + 1, "sad") for i in range(600)]})
    kept = stage._witnesses
    assert len(kept._seen) < 80
    assert len(kept._heard) < 10
    assert all(isinstance(each.expressions, Expressions) for each in kept._seen)


def test_the_voice_of_one_track_is_not_that_of_the_face_of_another():
    mine, others = (
        [replace(packet, payload=replace(packet.payload, speaker=number)) for packet in packets]
        for number, packets in ((1, [heard(1.0, 3.0, "happy", 1.5)]), (2, [heard(1.0, 3.0, "angry", 1.5)]))
    )
    stage = Emotion.of_streams(2)(CountingFusion(), 0.5, AHEAD)
    inputs = {
        "expressions": looks(4.0, {7: "neutral"}, talker=7),
        "windows": mine,
        "windows2": others,
        "people": [Packet(0, PeopleKnown({7: 1}, None))],
    }
    during = [event for event in updates(run_stage(stage, inputs).events) if 1.0 < event.end <= 3.0]
    seen_and_heard = [event for event in during if event.face == 7]
    assert all(event.speaker == 1 and event.weights["voice"] > 0 for event in seen_and_heard) and seen_and_heard
    unseen = [event for event in during if event.face is None]
    assert all(event.speaker == 2 for event in unseen) and len(unseen) == len(seen_and_heard)
    assert max(seen_and_heard[-1].probabilities["angry"], unseen[-1].probabilities["happy"]) < 0.1
