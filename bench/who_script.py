"""What happens in a composed recording, decided by a seed before it is drawn: who speaks when, who is where.

Kinds of recordings:

- alone: one person, in view.
- beside: people side by side, all in view, who take turns.
- overlap: the same, and every other turn begins before the one before it is over.
- together: side by side, and two at a time say a whole clip each at the same time, one pair after the other.
- cuts: the picture is cut at turns and now and then within one: one person fills it, or all are side by side, in
  another order and in other light each time.
- cross: people change places, one in front of the other, every few seconds.
- absence: one leaves the picture and comes back, after `away` seconds, at another place and in other light; from three
  people on a new one takes the place meanwhile.
- offcamera: side by side, but for the last one, who is only heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from who_sources import FPS, HEADROOM, Source

KINDS = ("alone", "beside", "overlap", "together", "cuts", "cross", "absence", "offcamera")
LEAD, TAIL = 0.1, 0.15
"""Seconds of a clip that are taken along before and after its speech."""
_PAUSE = (0.2, 0.9)
_OVERLAP = (0.4, 1.2)
_TURN = (2.0, 6.0)
_STAGGER = 0.4
_REST = (1.0, 1.6)
_CROSSING = (1.4, 2.4)
_EDGE = 1.0


@dataclass(frozen=True)
class Turn:
    """Someone speaks.

    Attributes:
        person: index of the person.
        clip: index of the clip among that person's.
        offset: second of the clip at which it begins.
        start: second of the recording.
        end: second of the recording.
        speech: start and end of each stretch of speech in it, in seconds of the recording.
        whole: whether it has all of the clip's speech.
    """

    person: int
    clip: int
    offset: float
    start: float
    end: float
    speech: tuple[tuple[float, float], ...]
    whole: bool


@dataclass(frozen=True)
class Place:
    """Where a person is during a shot.

    Attributes:
        person: index of the person.
        path: second, x and y of the face's middle in pixels; in between it moves evenly.
        face: height of the face in pixels.
        cell: left and right end in pixels of what may be drawn; None for a head without surroundings.
        gamma: exponent of the brightness, 1 for as it is.
    """

    person: int
    path: tuple[tuple[float, float, float], ...]
    face: float
    cell: tuple[int, int] | None
    gamma: float = 1.0

    def at(self, time: float) -> tuple[float, float]:
        """The middle of the face, in pixels, at a second of the recording."""
        times, xs, ys = (np.array(column) for column in zip(*self.path, strict=True))
        return float(np.interp(time, times, xs)), float(np.interp(time, times, ys))


@dataclass(frozen=True)
class Shot:
    """A stretch without a cut. Places are drawn in order, the last one in front.

    Attributes:
        start: second of the recording.
        end: second of the recording.
        places: who is in view.
    """

    start: float
    end: float
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Script:
    """All that happens.

    Attributes:
        seconds: length of the recording.
        turns: by start.
        shots: one behind the other, without a gap.
        events: what was arranged: kind, seconds and persons.
    """

    seconds: float
    turns: tuple[Turn, ...]
    shots: tuple[Shot, ...]
    events: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class Wish:
    """What a recording is to be like.

    Attributes:
        kind: one of `KINDS`.
        seconds: about how long.
        size: width and height in pixels.
        away: seconds of an absence.
        face: height of the faces in pixels; 0 for as large as there is room.
    """

    kind: str
    seconds: float = 60.0
    size: tuple[int, int] = (640, 360)
    away: float = 30.0
    face: float = 0.0


def write_script(wish: Wish, people: Sequence[Sequence[Source]], seed: int) -> Script:
    """Decide what happens.

    Args:
        wish: what it is to be like.
        people: the clips of each person, at least one each.
        seed: of all that is left to chance.

    Raises:
        ValueError: an unknown kind, or too few people for it.
    """
    least = {"alone": 1, "offcamera": 2}.get(wish.kind, 1 if wish.kind in ("cuts", "absence") else 2)
    if wish.kind not in KINDS or len(people) < least:
        raise ValueError(f"{wish.kind!r} with {len(people)} people: expected one of {KINDS} with at least {least}")
    chance = np.random.default_rng(seed)
    seconds = max(wish.seconds, wish.away + 24.0) if wish.kind == "absence" else wish.seconds
    absent = _absences(wish, len(people), chance)
    if wish.kind == "together":
        turns = _pairs(people, seconds, chance)
    else:
        turns = _turns(wish, people, seconds, absent, chance)
    seconds = max([seconds, *(turn.end + 0.5 for turn in turns)])
    shots, events = _shots(wish, len(people), seconds, turns, absent, chance)
    return Script(seconds, turns, shots, events)


def _absences(wish: Wish, people: int, chance: np.random.Generator) -> list[tuple[int, float, float]]:
    """Person, and the seconds from which on and until which they are out of the picture."""
    if wish.kind != "absence":
        return []
    leaves = float(chance.uniform(8.0, 11.0))
    gone = [(0, leaves, leaves + wish.away)]
    if people >= 3:
        gone.append((people - 1, -10.0, leaves + min(wish.away / 3, 6.0)))
    return gone


def _turns(
    wish: Wish,
    people: Sequence[Sequence[Source]],
    seconds: float,
    absent: Sequence[tuple[int, float, float]],
    chance: np.random.Generator,
) -> tuple[Turn, ...]:
    """Who has spoken least is likely to speak next, if they are in view for all of it."""
    parts = [_parts(clips) for clips in people]
    taken, spoken = [0] * len(people), [0.0] * len(people)
    turns: list[Turn] = []
    time = float(chance.uniform(0.5, 1.2))
    while time < seconds:
        able = []
        for person, own in enumerate(parts):
            part = own[taken[person] % len(own)]
            again = bool(turns) and turns[-1].person == person
            if _in_view(absent, person, time, time + part.end - part.start):
                able.append((again, spoken[person] + float(chance.uniform(0.0, 3.0)), person, part))
        if not able:
            time += 0.5
            continue
        _, _, person, part = min(able, key=lambda each: each[:3])
        turn = part.as_turn(person, time)
        if turn.end > seconds + 4.0:
            break
        turns.append(turn)
        taken[person] += 1
        spoken[person] += part.end - part.start
        pause = float(chance.uniform(*_PAUSE))
        if wish.kind == "overlap" and len(turns) % 2 and turn.end - turn.start > 2 * _OVERLAP[1]:
            pause = -float(chance.uniform(*_OVERLAP))
        time = turn.end + pause
    return tuple(turns)


def _pairs(people: Sequence[Sequence[Source]], seconds: float, chance: np.random.Generator) -> tuple[Turn, ...]:
    """Two people at a time who begin within a moment of each other; once at least, each clip no more than once."""
    left = [list(range(len(clips))) for clips in people]
    turns: list[Turn] = []
    time = float(chance.uniform(0.3, 0.6))
    while True:
        able = sorted((person for person, clips in enumerate(left) if clips), key=lambda person: -len(left[person]))
        if len(able) < 2 or (turns and time > seconds):
            return tuple(turns)
        first, second = (able[index] for index in chance.permutation(2).tolist())
        pair = []
        for person, start in ((first, time), (second, time + float(chance.uniform(0.0, _STAGGER)))):
            clip = left[person].pop(0)
            pair.append(_whole(clip, people[person][clip]).as_turn(person, start))
        turns += pair
        time = max(turn.end for turn in pair) + float(chance.uniform(*_REST))


def _in_view(absent: Sequence[tuple[int, float, float]], person: int, start: float, end: float) -> bool:
    """Whether a person is in the picture from a moment until another, and somewhat longer."""
    return not any(
        who == person and start < back + _EDGE + 0.2 and end > gone - _EDGE - 0.2 for who, gone, back in absent
    )


@dataclass(frozen=True)
class _Part:
    """A few seconds of a clip that begin and end in a pause; `whole` if nobody speaks in the rest of it."""

    clip: int
    start: float
    end: float
    speech: tuple[tuple[float, float], ...]
    whole: bool

    def as_turn(self, person: int, time: float) -> Turn:
        shift = time - self.start
        speech = tuple((round(start + shift, 3), round(end + shift, 3)) for start, end in self.speech)
        return Turn(person, self.clip, self.start, round(time, 3), round(self.end + shift, 3), speech, self.whole)


def _whole(clip: int, source: Source) -> _Part:
    start, end = max(0.0, source.speech[0][0] - LEAD), min(source.seconds, source.speech[-1][1] + TAIL)
    return _Part(clip, start, end, tuple(source.speech), True)


def _parts(clips: Sequence[Source]) -> list[_Part]:
    found = []
    for clip, source in enumerate(clips):
        groups: list[list[tuple[float, float]]] = []
        for stretch in source.speech:
            group = groups[-1] if groups else []
            if group and stretch[1] - group[0][0] <= _TURN[1] and group[-1][1] - group[0][0] < _TURN[0]:
                group.append(stretch)
            else:
                groups.append([stretch])
        for group in groups:
            start, end = max(0.0, group[0][0] - LEAD), min(source.seconds, group[-1][1] + TAIL)
            found.append(_Part(clip, start, end, tuple(group), len(groups) == 1))
    return found


def _shots(
    wish: Wish,
    people: int,
    seconds: float,
    turns: Sequence[Turn],
    absent: Sequence[tuple[int, float, float]],
    chance: np.random.Generator,
) -> tuple[tuple[Shot, ...], tuple[dict[str, object], ...]]:
    if wish.kind == "cuts":
        return _cuts(wish, people, seconds, turns, chance)
    if wish.kind == "cross":
        return _crossings(wish, people, seconds, chance)
    if wish.kind == "absence":
        return _comings(wish, people, seconds, absent, chance)
    seen = range(people - 1) if wish.kind == "offcamera" else range(people)
    events = ({"kind": "off camera", "person": people - 1},) if wish.kind == "offcamera" else ()
    return (Shot(0.0, seconds, side_by_side(wish, list(seen), [1.0] * people)),), events


def side_by_side(wish: Wish, order: Sequence[int], gammas: Sequence[float]) -> tuple[Place, ...]:
    """Everybody of `order`, from left to right, each in a cell of the picture; `gammas` by person."""
    width, height = wish.size
    cell = width / len(order)
    face = wish.face or height / HEADROOM
    return tuple(
        Place(
            person,
            ((0.0, (index + 0.5) * cell, height / 2),),
            face,
            (round(index * cell), round((index + 1) * cell)),
            gammas[person],
        )
        for index, person in enumerate(order)
    )


def _cuts(
    wish: Wish, people: int, seconds: float, turns: Sequence[Turn], chance: np.random.Generator
) -> tuple[tuple[Shot, ...], tuple[dict[str, object], ...]]:
    times: list[tuple[float, int]] = [(0.0, turns[0].person if turns else 0)]
    for turn in turns:
        at = turn.start + float(chance.uniform(-0.2, 0.3))
        if at > times[-1][0] + 0.8 and turn is not turns[0]:
            times.append((at, turn.person))
        within = turn.start + float(chance.uniform(1.2, 3.0))
        if chance.random() < 0.3 and within < turn.end - 0.8 and within > times[-1][0] + 0.8:
            times.append((within, turn.person))
    shots, events = [], []
    for index, (start, speaker) in enumerate(times):
        end = times[index + 1][0] if index + 1 < len(times) else seconds
        shown = [speaker] if chance.random() < 0.6 else chance.permutation(people).tolist()
        gammas = chance.uniform(0.75, 1.35, people).tolist()
        shots.append(Shot(start, end, side_by_side(wish, shown, gammas)))
        if index:
            events.append({"kind": "cut", "time": round(start, 3)})
    return tuple(shots), tuple(events)


def _crossings(
    wish: Wish, people: int, seconds: float, chance: np.random.Generator
) -> tuple[tuple[Shot, ...], tuple[dict[str, object], ...]]:
    width, height = wish.size
    face = wish.face or min(height / HEADROOM, 0.75 * width / people / 1.2)
    spots = [(index + 0.5) * width / people for index in range(people)]
    places = list(range(people))
    paths = [[(0.0, spots[person], height / 2)] for person in range(people)]
    events: list[dict[str, object]] = []
    time = float(chance.uniform(5.0, 8.0))
    while time + _CROSSING[1] < seconds - 2.0:
        left = int(chance.integers(people - 1))
        one, other = places[left], places[left + 1]
        lasts = float(chance.uniform(*_CROSSING))
        for person, start, end in ((one, left, left + 1), (other, left + 1, left)):
            paths[person] += [(time, spots[start], height / 2), (time + lasts, spots[end], height / 2)]
        places[left], places[left + 1] = other, one
        events.append({"kind": "cross", "time": round(time, 3), "end": round(time + lasts, 3), "persons": [one, other]})
        time += lasts + float(chance.uniform(4.0, 8.0))
    order = chance.permutation(people).tolist()
    drawn = tuple(Place(person, tuple(paths[person]), face, None) for person in order)
    return (Shot(0.0, seconds, drawn),), tuple(events)


def _comings(
    wish: Wish,
    people: int,
    seconds: float,
    absent: Sequence[tuple[int, float, float]],
    chance: np.random.Generator,
) -> tuple[tuple[Shot, ...], tuple[dict[str, object], ...]]:
    width, height = wish.size
    face = wish.face or min(height / HEADROOM, 0.75 * width / max(2, people) / 1.2)
    out = -0.6 * HEADROOM * face
    spots = [(index + 0.5) * width / max(2, people) for index in range(max(2, people))]
    free = 0 if people < 3 else people - 1
    places, events = [], []
    for person in range(people):
        gone = next(((away, back) for who, away, back in absent if who == person), None)
        if gone is None:
            places.append(Place(person, ((0.0, spots[person], height / 2),), face, None))
            continue
        away, back = gone
        newcomer = away < 0
        spot = spots[person if not newcomer else 0]
        returns = spots[0] if newcomer else (spots[free] if people >= 3 else spots[0] + 0.15 * width)
        side = out if chance.random() < 0.5 or people < 3 else width - out
        darker = float(chance.choice([0.75, 1.3]))
        before = ((away - _EDGE, spot, height / 2), (away, out, height / 2))
        after = ((back, side, height / 2), (back + _EDGE, returns, height / 2))
        if not newcomer:
            places.append(Place(person, (*before, (away + 1e-3, 10 * out, height / 2)), face, None))
        places.append(Place(person, ((back - 1e-3, 10 * out, height / 2), *after), face * 0.9, None, darker))
        events.append(
            {"kind": "enters", "person": person, "time": round(back, 3)}
            if newcomer
            else {"kind": "absence", "person": person, "time": round(away, 3), "end": round(back, 3)}
        )
    return (Shot(0.0, seconds, tuple(places)),), tuple(events)


def frames(script: Script) -> int:
    """How many pictures the recording has."""
    return int(script.seconds * FPS)
