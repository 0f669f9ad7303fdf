"""Who speaks, told as it is heard: `python bench/who.py online`.

Sound goes through voice activity and the network of voices once, as in a live run; what they say is kept, so that the
persons of a run (`Persons`, `Review`) can be judged again in seconds. Vectors of voices are biometric data: they are
kept only in a folder that is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from who_scores import Turn, right_words

from lipstream.config import VadConfig
from lipstream.events import SpeakerChanged, TranscriptFinal, Word
from lipstream.models.speech.vad import SileroVad
from lipstream.models.voice.diarization import Heard
from lipstream.models.voice.embedding import VoiceEmbedder
from lipstream.models.voice.mel import SAMPLE_RATE
from lipstream.models.voice.persons import Persons
from lipstream.pipeline import Packet, micros, seconds
from lipstream.pipeline.testing import run_stage
from lipstream.stages.payloads import AudioBlock
from lipstream.stages.speaker.payloads import SegmentHeard
from lipstream.stages.speaker.review import Review
from lipstream.stages.speaker.voice_prints import Voices
from lipstream.stages.speech.voice_activity import VoiceActivity

Float32 = npt.NDArray[np.float32]
Labels = list[int]

_BLOCK = 512
_FULL = 1.5
_SURE = 0.05
_LEVEL, _FLOOR = 0.05, 0.0004


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is heard live.

    Attributes:
        early: the windows that are known at each of the times at which there is a new one, before its end.
        windows: those known at its end.
    """

    early: tuple[tuple[Heard, ...], ...]
    windows: tuple[Heard, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a recording, of each of its windows but for `shown`.

    Attributes:
        shown: the speaker of each partial.
        at_once: of each final.
        soon: by the corrections that came before the end.
        end: by all of them.
    """

    shown: Labels
    at_once: Labels
    soon: Labels
    end: Labels


def joined(pieces: Sequence[Float32], seed: int) -> Float32:
    """Pieces of sound one after the other, with pauses of 0.6 to 2 s, their levels within 6 dB, over faint noise."""
    chance = np.random.default_rng(seed)
    parts = [np.zeros(SAMPLE_RATE // 2, np.float32)]
    for piece in pieces:
        level = _LEVEL / max(1e-4, float(np.sqrt(np.mean(piece**2)))) * 10 ** (chance.uniform(-3, 3) / 20)
        parts += [piece * np.float32(level), np.zeros(int(chance.uniform(0.6, 2.0) * SAMPLE_RATE), np.float32)]
    sound = np.concatenate([*parts, np.zeros(3 * SAMPLE_RATE // 4, np.float32)])
    return (sound + np.random.default_rng(seed + 1).normal(0, _FLOOR, len(sound))).astype(np.float32)


def in_pieces(sounds: Sequence[Float32], seed: int) -> list[Float32]:
    """40 s of somebody's speech in pieces of 1.2 to 6 s."""
    chance = np.random.default_rng((seed, 7))
    pieces: list[Float32] = []
    total = 0
    for sound in [sounds[at] for at in chance.permutation(len(sounds))]:
        at = 0
        while len(sound) - at > SAMPLE_RATE and total < 40 * SAMPLE_RATE:
            take = int(chance.uniform(1.2, 6) * SAMPLE_RATE)
            pieces.append(sound[at : at + take])
            at, total = at + take, total + take
    return pieces


class Ear:
    """Hears sound as a live run does.

    Args:
        kept: folder in which what is heard is kept; None for nowhere.
    """

    def __init__(self, kept: Path | None) -> None:
        self._kept = kept
        self._vad, self._voices = SileroVad(), VoiceEmbedder()

    def segments(self, sound: Float32) -> list[Segment]:
        """The segments of a sound at 16 kHz."""
        if self._kept is None:
            return list(_segments(*self._hear(sound)))
        path = self._kept / f"{hashlib.sha256(sound.tobytes()).hexdigest()[:24]}.npz"
        if not path.is_file():
            ends, times, vectors = self._hear(sound)
            self._kept.mkdir(parents=True, exist_ok=True)
            np.savez(path, ends=json.dumps(ends), times=times, vectors=vectors)
        with np.load(path, allow_pickle=False) as held:
            ends = {int(number): end for number, end in json.loads(str(held["ends"])).items()}
            return list(_segments(ends, held["times"], held["vectors"]))

    def _hear(self, sound: Float32) -> tuple[dict[int, int], npt.NDArray[np.int64], Float32]:
        blocks = [
            Packet(micros(at / SAMPLE_RATE), AudioBlock(sound[at : at + _BLOCK]), micros(_BLOCK / SAMPLE_RATE))
            for at in range(0, len(sound) // _BLOCK * _BLOCK, _BLOCK)
        ]
        chunks = run_stage(VoiceActivity(self._vad, VadConfig()), {"audio": blocks}).on("speech")
        ends = {packet.payload.segment: packet.end for packet in chunks if packet.payload.last}
        prints = run_stage(Voices(self._voices, early=True), chunks).on("voices")
        times = [(each.timestamp, each.payload.segment, each.payload.start, each.payload.end) for each in prints]
        vectors = [each.payload.voice for each in prints]
        return ends, np.array(times, np.int64).reshape(-1, 4), np.array(vectors, np.float32)


def _segments(ends: Mapping[int, int], times: npt.NDArray[np.int64], vectors: Float32) -> Iterator[Segment]:
    of: dict[int, list[tuple[int, Heard]]] = defaultdict(list)
    for (at, number, start, end), voice in zip(times.tolist(), vectors, strict=True):
        of[number].append((at, Heard(number, seconds(start), seconds(end), voice)))
    for number, windows in of.items():
        last = windows[-1][0]
        # Those that come with its end are in no partial.
        before = len(windows) if last < ends[number] - micros(0.1) else sum(at < last for at, _ in windows)
        known = [heard for _, heard in windows]
        yield Segment(tuple(_counted(known[: upto + 1]) for upto in range(before)), _counted(known))


def _counted(windows: Sequence[Heard]) -> tuple[Heard, ...]:
    """Short windows count only where there are no others, as in the stage `Who`."""
    return tuple(window for window in windows if window.seconds > _FULL) or tuple(windows)


def told_of(segments: Sequence[Segment]) -> Told:
    """Let the persons of a run tell who speaks, and the review correct it."""
    persons = Persons()
    shown: Labels = []
    places: dict[int, slice] = {}
    at_once: Labels = []
    heard, finals = [], []
    for segment in segments:
        shown += [persons.so_far(windows, frozenset())[-1] for windows in segment.early]
        numbers = persons.settled(segment.windows, frozenset())
        number, end = segment.windows[0].segment, micros(segment.windows[-1].end)
        places[number] = slice(len(at_once), len(at_once) + len(numbers))
        at_once += numbers
        known = SegmentHeard(number, segment.windows, tuple(numbers), frozenset(), dict(persons.revised))
        heard.append(Packet(end, known))
        finals.append(Packet(end, _final(segment.windows, numbers)))
    events = run_stage(Review(soon=True), {"heard": heard, "finals": finals}).events
    changes = [event for event in events if isinstance(event, SpeakerChanged)]
    if not segments:
        return Told([], [], [], [])
    soon, all_of_it = list(at_once), list(at_once)
    reached = segments[-1].windows[-1].end
    early = [change for change in changes if change.emitted < reached - _SURE]
    for changed, corrections in ((soon, early), (all_of_it, changes)):
        for change in corrections:
            changed[places[change.segment]] = [int(number or 0) for number in change.words]
    return Told(shown, at_once, soon, all_of_it)


def _final(windows: Sequence[Heard], numbers: Sequence[int]) -> TranscriptFinal:
    """A final with a word in the middle of each window."""
    middles = [(window.start + window.end) / 2 for window in windows]
    words = tuple(
        Word(word="w", start=middle, end=middle, confidence=1.0, speaker=number)
        for middle, number in zip(middles, numbers, strict=True)
    )
    return TranscriptFinal(
        segment=windows[0].segment, start=middles[0], end=middles[-1], text="", words=words, speaker=numbers[0]
    )


def right_windows(segments: Sequence[Segment], labels: Labels, turns: Sequence[Turn]) -> tuple[int, int]:
    """Windows in whose middle one person speaks: how many have the right speaker, and how many there are."""
    pairs = []
    for window, label in zip((each for of in segments for each in of.windows), labels, strict=True):
        middle = (window.start + window.end) / 2
        who = {name for start, end, name in turns if start - _SURE <= middle <= end + _SURE}
        if len(who) == 1:
            pairs.append((label, *who))
    return right_words(pairs), len(pairs)


def kept_numbers(people: Mapping[str, Sequence[Segment]]) -> tuple[list[int], int]:
    """Everybody speaks, is away while others speak for 30 s or more, and speaks again, 5 s or more each time.

    Args:
        people: segments of each one's speech, with pauses between them.

    Returns:
        Of how many it was the same number again, and nobody else's: in finals, by corrections that came before the end
        and in the end; and how many cases there are.
    """
    order = sorted(people)
    right, count = [0, 0, 0], 0
    for at, who in enumerate(order):
        own = _long(people[who], 5.0)
        back = _long(people[who][len(own) :], 5.0)
        between: list[Segment] = []
        for step in range(1, len(order)):
            if _spoken(between) < 30.0:
                between += _long(people[order[(at + step) % len(order)]], 12.0)
        if _spoken(own) < 5.0 or _spoken(back) < 5.0 or _spoken(between) < 30.0:
            continue
        told = told_of(list(_one_after_the_other([*own, *between, *back])))
        first, last = (sum(len(segment.windows) for segment in part) for part in (own, back))
        for index, labels in enumerate((told.at_once, told.soon, told.end)):
            number = _usual(labels[:first])
            right[index] += _usual(labels[-last:]) == number != _usual(labels[first:-last])
        count += 1
    return right, count


def _usual(labels: Labels) -> int:
    return max(set(labels), key=labels.count)


def _spoken(segments: Sequence[Segment]) -> float:
    return sum(segment.windows[-1].end - segment.windows[0].start for segment in segments)


def _long(segments: Sequence[Segment], least: float) -> list[Segment]:
    """The first of them, so many that they are so many seconds long together."""
    found: list[Segment] = []
    for segment in segments:
        if _spoken(found) >= least:
            break
        found.append(segment)
    return found


def _one_after_the_other(segments: Sequence[Segment]) -> Iterator[Segment]:
    at = 0.5
    for number, segment in enumerate(segments, start=1):
        shift = at - segment.windows[0].start
        early = tuple(_moved(windows, number, shift) for windows in segment.early)
        yield Segment(early, _moved(segment.windows, number, shift))
        at += _spoken([segment]) + 0.8


def _moved(windows: Sequence[Heard], number: int, shift: float) -> tuple[Heard, ...]:
    return tuple(Heard(number, each.start + shift, each.end + shift, each.voice) for each in windows)
