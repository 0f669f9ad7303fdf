"""Who speaks in windows whose voices are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lipstream.models.voice.diarization import Heard, covered, most_likely, speakers_of
from lipstream.models.voice.known import KnownVoice
from lipstream.models.voice.persons import MOST, Persons, renumbered
from tests.models.voice.voices import Choir


def test_nobody_speaks_in_no_windows():
    assert speakers_of([]).tolist() == []


@pytest.mark.parametrize("seed", range(4))
def test_two_people_who_take_turns_are_two(seed: int):
    choir = Choir(seed)
    script = ["ann", "bob", "ann", "bob", "bob", "ann"]
    windows = [window for name in script for window in choir.says(name)]
    labels = speakers_of(windows)
    assert labels.tolist() == [0 if name == "ann" else 1 for name in script for _ in range(6)]


@pytest.mark.parametrize("seed", range(4))
def test_one_person_is_one(seed: int):
    choir = Choir(seed)
    assert set(speakers_of([window for _ in range(8) for window in choir.says("ann")]).tolist()) == {0}


def test_windows_over_a_change_make_no_third_person():
    choir = Choir(1)
    windows = [window for _ in range(5) for window in choir.says("ann", "bob", windows=5)]
    assert set(speakers_of(windows).tolist()) == {0, 1}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_there_are_so_many_as_is_known(count: int):
    choir = Choir(2)
    windows = [window for name in ("ann", "bob", "cy", "di") * 2 for window in choir.says(name)]
    assert len(set(speakers_of(windows, count).tolist())) == count


def test_faces_in_one_picture_are_two_people_however_alike_their_voices_are():
    choir = Choir(3)
    windows = [window for face in (1, 2, 1, 2) for window in choir.says("ann", face=face)]
    assert set(speakers_of(windows).tolist()) == {0}
    labels = speakers_of(windows, apart={frozenset((1, 2))})
    assert labels.tolist() == [number for number in (0, 1, 0, 1) for _ in range(6)]


def test_a_face_that_is_silent_is_not_the_voice():
    choir = Choir(4, noise=0.6)
    seen = [window for _ in range(3) for window in choir.says("ann", face=1)]
    # A voice like hers, while her mouth is in view and shut.
    choir._people["bob"] = choir._people["ann"] + 1.8 * choir._people.setdefault("x", np.eye(64)[0])
    choir._people["bob"] /= np.linalg.norm(choir._people["bob"])
    unseen = [window for _ in range(3) for window in choir.says("bob", not_of=frozenset((1,)))]
    labels = speakers_of([*seen, *unseen])
    assert set(labels[: len(seen)].tolist()) == {0} and set(labels[len(seen) :].tolist()) == {1}
    heard = [dataclasses.replace(window, not_of=frozenset()) for window in unseen]
    assert set(speakers_of([*seen, *heard]).tolist()) == {0}


def test_more_windows_than_can_be_compared_are_put_together_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.models.voice.diarization.MOST_UNITS", 20)
    choir = Choir(5)
    script = ["ann", "bob"] * 6
    windows = [window for name in script for window in choir.says(name)]
    assert speakers_of(windows).tolist() == [0 if name == "ann" else 1 for name in script for _ in range(6)]


def test_a_change_costs():
    worth = np.zeros((13, 2))
    worth[:, 0] = 1.0
    worth[6] = [0.0, 1.5]
    assert most_likely(worth, np.zeros(13, np.intp)).tolist() == [0] * 13
    worth[6, 1] = 50.0
    assert most_likely(worth, np.zeros(13, np.intp)).tolist() == [*[0] * 6, 1, *[0] * 6]


def test_overlapping_windows_are_not_counted_twice():
    voice = np.zeros(4, np.float32)
    windows = [Heard(1, 0.0, 1.6, voice), Heard(1, 0.4, 2.0, voice), Heard(2, 5.0, 6.0, voice)]
    assert covered(windows) == pytest.approx(3.0)


# As it is heard.


def test_persons_keep_their_numbers():
    choir, persons = Choir(6), Persons()
    script = ["ann", "bob", "ann", "cy", "bob", "ann", "cy"]
    told = [set(persons.settled(choir.says(name), frozenset())) for name in script]
    assert told == [{1}, {2}, {1}, {3}, {2}, {1}, {3}]


def like(persons: Persons, likeness: float) -> np.ndarray:
    """A voice that is so much like the mean one of the first person."""
    own = persons.all[0].centre
    other = np.eye(64)[5] - own[5] * own
    return (likeness * own + np.sqrt(1 - likeness**2) * other / np.linalg.norm(other)).astype(np.float32)


def test_little_speech_in_another_mood_is_nobody_new_and_much_of_it_is():
    choir, persons = Choir(11), Persons()
    for _ in range(3):
        persons.settled(choir.says("ann"), frozenset())
    loud = like(persons, 0.25)
    short = [Heard(4, 20.0, 21.6, loud)]
    assert persons.so_far(short, frozenset()) == [1]
    assert persons.settled(short, frozenset()) == [1]
    assert persons.revised == {}
    more = [Heard(5, 30.0 + 0.4 * index, 31.6 + 0.4 * index, loud) for index in range(12)]
    assert set(persons.settled(more, frozenset())) == {2}
    # What was told of the little of it is known better now.
    assert persons.revised == {4: (2,)}


def test_a_mouth_that_was_beside_hers_makes_little_speech_enough():
    choir, both = Choir(11), {frozenset((1, 2))}
    told = {}
    for face in (None, 1, 2):
        persons = Persons()
        for _ in range(3):
            persons.settled(choir.says("ann", face=1), both)
        voice = like(persons, 0.25)
        told[face] = persons.settled([Heard(choir.segment + 1, choir.time, choir.time + 1.6, voice, face)], both)
    assert told == {None: [1], 1: [1], 2: [2]}


def test_before_the_end_of_a_segment_nothing_is_learnt():
    choir, persons = Choir(7), Persons()
    windows = choir.says("ann")
    assert set(persons.so_far(windows, frozenset())) == {1}
    assert persons.all == []
    persons.settled(windows, frozenset())
    assert set(persons.so_far(choir.says("bob"), frozenset())) == {2}
    assert set(persons.so_far(choir.says("ann"), frozenset())) == {1}
    assert len(persons.all) == 1


def test_the_voice_names_speech_off_camera_whose_face_was_seen_before():
    choir, persons = Choir(8), Persons()
    persons.settled(choir.says("ann", face=1, not_of=frozenset((2,))), {frozenset((1, 2))})
    persons.settled(choir.says("bob", face=2, not_of=frozenset((1,))), {frozenset((1, 2))})
    assert set(persons.settled(choir.says("bob"), frozenset())) == {2}
    assert persons.with_face(1) == 1 and persons.with_face(2) == 2 and persons.with_face(3) is None


def test_what_is_looked_back_on_does_not_grow():
    choir, persons = Choir(9), Persons()
    for _ in range(MOST // 20 + 30):
        persons.settled(choir.says("ann", windows=20), frozenset())
    assert len(persons._windows) <= MOST and len(persons._windows) == len(persons._told)
    assert set(persons._told) == {1}


def test_somebody_who_was_added_is_called_by_name_once():
    choir = Choir(10)
    known = [KnownVoice("Ann", choir.voice("ann"), 10.0), KnownVoice("Bob", choir.voice("bob"), 10.0)]
    persons = Persons(known=known)
    persons.settled(choir.says("cy"), frozenset())
    assert persons.newly_named() == []
    persons.settled(choir.says("bob", windows=10), frozenset())
    assert persons.newly_named() == [(2, "Bob")]
    persons.settled(choir.says("bob"), frozenset())
    assert persons.newly_named() == []


def test_numbers_go_to_whoever_has_most_of_them():
    assert renumbered([0, 0, 1, 1, 2], [2, 2, 1, 1, 1], [1.0] * 5) == [2, 2, 1, 1, 3]
    assert renumbered([0, 1], [], [1.0] * 2, highest=4) == [5, 6]
