"""Who speaks: words with the right speaker, diarization error rate, clips of one person, and what it costs.

    python bench/who.py sound --data DIR [--people tune|judge]    turns composed of single people's recordings
                          [--corpus talking_faces] [--peer moonshine]      ... beside moonshine-voice's diarizer
    python bench/who.py clips --data DIR [--people tune|judge]    recordings of one person each: is it one speaker?
    python bench/who.py online --data DIR [--people tune|judge] [--kept FOLDER]    both, told as it is heard
    python bench/who.py names --data DIR [--people tune|judge] [--kept FOLDER]     people who were added by name, or not
    python bench/who.py words --data DIR [--people tune|judge] [--seeds 4]         people who follow each other at once
    python bench/who.py recordings FOLDER                         NAME.mp4 with NAME.json, of bench/who_clips.py
    python bench/who.py cost RECORDING                            processor time with and without, at live pace

DIR is as for bench/voices.py. People are parted by the hash of their name: one half of them has taught the space in
which voices are compared, a quarter chose the thresholds (tune), the last quarter is judged. In `sound` and `clips`
voice activity is that of each single recording, so that what is counted is who and not when.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from voices import clips, speech_of
from who_names import Spoken, names_told
from who_online import Ear, Segment, in_pieces, joined, kept_numbers, right_windows, told_of
from who_peer import Moonshine, within
from who_scores import Errors, Turn, diarization_errors, right_words
from who_words import follow_each_other, read_by_file, write_sound
from words_texts import word_errors

from lipstream import Pipeline
from lipstream.events import SpeakerChanged, SpeechEnded, SpeechStarted, TranscriptFinal, TranscriptPartial
from lipstream.models.speech.vad import SileroVad
from lipstream.models.training.media import read_sound
from lipstream.models.voice.diarization import Heard, speakers_of
from lipstream.models.voice.embedding import VoiceEmbedder
from lipstream.models.voice.mel import SAMPLE_RATE
from lipstream.stages.sinks import RttmWriter

Float32 = npt.NDArray[np.float32]

VAD = 512
_PAUSE, _HANG = 0.3, 0.5
_WILD = ("trial", "easycom", "mer_")
"""Talking faces in whose clips others may be heard."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The speech of a recording: its sound, and the probability of speech every 32 ms."""

    sound: Float32
    voiced: Float32


def part_of(person: str) -> str:
    """Which part of the people somebody belongs to."""
    first = hashlib.sha256(person.encode()).digest()[0]
    return "taught" if not first & 1 else "judge" if first & 2 else "tune"


def material(data: Path, part: str) -> dict[str, dict[str, list[Speech]]]:
    """By corpus and person, the speech of those of a part who say 8 s or more."""
    vad = SileroVad()
    vad.load()
    found: dict[str, dict[str, list[Speech]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips(data):
        if part_of(clip.person) != part or clip.corpus == "emodb" or clip.person.startswith(_WILD):
            continue
        if sum(len(each.sound) for each in found[clip.corpus][clip.person]) > 60 * SAMPLE_RATE:
            continue
        sound = read_sound(clip.path)
        first, last, voiced = speech_of(sound, vad)
        if last - first >= SAMPLE_RATE // 2:
            first = max(0, first - 1536)
            cut = Speech(sound[first : last + 1536], voiced[first // VAD : (last + 1536) // VAD])
            found[clip.corpus][clip.person].append(cut)
    return {
        corpus: {who: of for who, of in people.items() if sum(len(each.sound) for each in of) >= 8 * SAMPLE_RATE}
        for corpus, people in found.items()
    }


def compose(
    people: dict[str, list[Speech]], count: int, seed: int, overlap: float, short: bool
) -> tuple[Speech, list[Turn]]:
    """45 s in which people take turns, and who speaks when."""
    chance = np.random.default_rng((seed, count))
    names = [sorted(people)[at] for at in chance.permutation(len(people))[:count]]
    queues = {name: [people[name][at] for at in chance.permutation(len(people[name]))] for name in names}
    places = dict.fromkeys(names, (0, 0))
    sound, voiced = np.zeros(70 * SAMPLE_RATE, np.float32), np.zeros(70 * SAMPLE_RATE // VAD + 1, np.float32)
    turns: list[Turn] = []
    at, before = 0.5, ""
    while at < 45.0:
        others = [name for name in names if name != before]
        name = before = others[chance.integers(len(others))]
        length = chance.uniform(1, 2.5) if short or chance.random() < 0.5 else chance.uniform(2.5, 6)
        queue, (which, begin) = queues[name], places[name]
        take = round(length * SAMPLE_RATE)
        whole = queue[which % len(queue)]
        if len(whole.sound) - begin - take < SAMPLE_RATE:
            take = len(whole.sound) - begin
            places[name] = which + 1, 0
        else:
            places[name] = which, begin + take
        piece, speech = whole.sound[begin : begin + take], whole.voiced[begin // VAD : (begin + take) // VAD]
        level = 0.05 / max(1e-4, float(np.sqrt(np.mean(np.square(piece))))) * 10 ** (chance.uniform(-3, 3) / 20)
        first = round(at * SAMPLE_RATE)
        sound[first : first + take] += piece * np.float32(level)
        spot = slice(first // VAD, first // VAD + len(speech))
        voiced[spot] = np.maximum(voiced[spot], speech)
        turns += [(at + start, at + end, name) for start, end in stretches(speech, _PAUSE)]
        gap = -chance.uniform(0.2, 1.0) if chance.random() < overlap else chance.uniform(0.05, 0.6)
        at = max(at + 0.5, at + take / SAMPLE_RATE + gap)
    last = round((max(end for _, end, _ in turns) + 0.5) * SAMPLE_RATE)
    return Speech(sound[:last], voiced[: last // VAD]), turns


def stretches(voiced: Float32, pause: float) -> Iterator[tuple[float, float]]:
    """Speech between pauses, in seconds."""
    step = VAD / SAMPLE_RATE
    where = np.flatnonzero(voiced > 0.5)
    if not len(where):
        return
    breaks = np.flatnonzero(np.diff(where) * step > pause)
    for first, last in zip(np.append(0, breaks + 1), np.append(breaks, len(where) - 1), strict=True):
        yield float(where[first]) * step, float(where[last] + 1) * step


def heard_in(speech: Speech, embedder: VoiceEmbedder) -> list[Heard]:
    """Windows of 1.6 s, at most 0.4 s apart, of each stretch of speech."""
    spans = []
    for number, (start, end) in enumerate(stretches(speech.voiced, _HANG)):
        steps = max(0, int(np.ceil((end - start - 1.6) / 0.4)))
        begins = np.linspace(start, end - 1.6, steps + 1) if steps else [start]
        spans += [(number, float(begin), float(min(end, begin + 1.6))) for begin in begins]
    cuts = [speech.sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] for _, start, end in spans]
    voices = np.concatenate([embedder.embed(cuts[at : at + 16]) for at in range(0, len(cuts), 16)])
    return [Heard(*span, voice) for span, voice in zip(spans, voices, strict=True)]


def turns_of(windows: Sequence[Heard], labels: Sequence[int], speech: Speech) -> list[Turn]:
    """Who is said to speak when: of each moment of speech, the window whose middle is nearest."""
    middles = np.array([(window.start + window.end) / 2 for window in windows])
    found: list[Turn] = []
    for start, end in stretches(speech.voiced, _HANG):
        for moment in np.arange(start, end, 0.02):
            who = str(labels[int(np.argmin(np.abs(middles - moment)))])
            if found and found[-1][2] == who and moment - found[-1][1] < 0.03:
                found[-1] = found[-1][0], moment + 0.02, who
            else:
                found.append((moment, moment + 0.02, who))
    return found


@dataclass(slots=True)
class Score:
    """How well a system told who speaks in several recordings."""

    errors: Errors = field(default_factory=Errors)
    right: int = 0
    count: int = 0

    def add(self, truth: list[Turn], told: list[Turn]) -> None:
        """Account for a recording."""
        self.errors += diarization_errors(truth, told)
        self.right += len({who for _, _, who in told}) == len({who for _, _, who in truth})
        self.count += 1

    def __str__(self) -> str:
        errors = self.errors
        kinds = " | ".join(f"{each / errors.total:.3f}" for each in (errors.missed, errors.false, errors.confused))
        return f"{errors.rate:.3f} | {kinds} | {self.right} of {self.count}"


def sound(args: argparse.Namespace) -> None:
    """Diarization error rates on sound alone."""
    embedder = VoiceEmbedder()
    embedder.load()
    peer = Moonshine() if args.peer else None
    print("| corpus | turns | system | voice activity | DER | missed | false | confused | number of speakers right |")
    print("|" + "---|" * 9)
    for corpus, people in material(args.data, args.people).items():
        if args.corpus not in (None, corpus):
            continue
        for kind, overlap, short in (("1 to 6 s", 0.0, False), ("short", 0.0, True), ("overlapping", 0.25, False)):
            scores: dict[str, Score] = defaultdict(Score)
            for number in (2, 3, 4):
                for seed in range(args.seeds if len(people) >= number else 0):
                    speech, truth = compose(people, number, seed, overlap, short)
                    windows = heard_in(speech, embedder)
                    told = turns_of(windows, speakers_of(windows).tolist(), speech)
                    scores["Lipstream | the truth's"].add(truth, told)
                    if peer is not None:
                        theirs = peer.turns(speech.sound)
                        scores["moonshine-voice | the truth's"].add(
                            truth, within(theirs, stretches(speech.voiced, _HANG))
                        )
                        scores["Lipstream, whole pipeline | its own"].add(truth, _by_file(speech.sound))
                        scores["moonshine-voice | its own"].add(truth, theirs)
            for system, score in scores.items():
                print(f"| {corpus} | {kind} | {system} | {score} |", flush=True)


def _by_file(sound: Float32) -> list[Turn]:
    """The turns of the RTTM that `file` writes of sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turns.wav"
        write_sound(sound, path)
        return _run(path)[2]


def one_each(args: argparse.Namespace) -> None:
    """Whether a recording of one person has one speaker."""
    embedder = VoiceEmbedder()
    embedder.load()
    for corpus, people in material(args.data, args.people).items():
        counts = [
            len(set(speakers_of(heard_in(each, embedder)).tolist()))
            for speeches in people.values()
            for each in speeches
            if len(each.sound) > 3 * SAMPLE_RATE
        ]
        if counts:
            print(f"{corpus}: one speaker in {counts.count(1)} of {len(counts)} clips of 3 s or more")


def online(args: argparse.Namespace) -> None:
    """What is told as it is heard: shares of recordings of one person with one speaker, and of windows told wrongly."""
    ear = Ear(args.kept)
    one: dict[str, list[list[bool]]] = defaultdict(list)
    wrong: dict[str, list[list[int]]] = defaultdict(list)
    speech: dict[str, list[Segment]] = {}
    alone = ((kind, who, spoken, None) for kind, who, spoken in of_one_person(args.data, args.people))
    several = ((kind, "", spoken, turns) for kind, spoken, turns in of_several(args.data, args.people))
    for kind, who, spoken, turns in [*alone, *several]:
        segments = ear.segments(spoken)
        if kind.endswith("6 s") and who:
            speech.setdefault(who, segments)
        if not segments:
            continue
        told = told_of(segments)
        if turns is None:
            each = [told.shown + told.at_once, told.at_once, told.soon, told.end]
            one[kind].append([len(set(labels)) == 1 for labels in each])
        else:
            rights = [right_windows(segments, labels, turns) for labels in (told.at_once, told.soon, told.end)]
            wrong[kind].append([*(count - right for right, count in rights), rights[0][1]])
    print("| one person | recordings | one speaker, partials too | in finals | corrected soon | in the end |")
    print("|" + "---|" * 6)
    for kind, found in one.items():
        shares = " | ".join(f"{share:.3f}" for share in np.mean(found, axis=0))
        print(f"| {kind} | {len(found)} | {shares} |")
    print("\n| turns | recordings | windows told wrongly in finals | corrected soon | in the end |\n|" + "---|" * 5)
    for kind, counts in wrong.items():
        total = np.sum(counts, axis=0)
        shares = " | ".join(f"{share:.3f}" for share in total[:3] / total[3])
        print(f"| {kind} | {len(counts)} | {shares} |")
    kept, cases = kept_numbers(speech)
    told = ", ".join(f"{number} {when}" for number, when in zip(kept, ("in finals", "soon", "in the end"), strict=True))
    print(f"\nthe same number after an absence of 30 s, of {cases}: {told}")


def of_one_person(data: Path, part: str) -> Iterator[tuple[str, str, Float32]]:
    """Kind, person and sound: clips of talking faces, all of somebody's, some of an actor's, speech in pieces."""
    of: dict[tuple[str, str], list[Float32]] = defaultdict(list)
    for clip in clips(data):
        if part_of(clip.person) != part or clip.corpus == "emodb" or clip.person.startswith(_WILD):
            continue
        if clip.corpus != "ravdess_speech" or len(of[clip.corpus, clip.person]) < 24:
            of[clip.corpus, clip.person].append(read_sound(clip.path))
    for (corpus, who), sounds in sorted(of.items()):
        if corpus == "ravdess_speech":
            for seed in range(3):
                yield "RAVDESS, 8 clips joined", who, joined(sounds[8 * seed : 8 * seed + 8], seed)
            continue
        for seed, whole in enumerate(sounds):
            if len(whole) > 3 * SAMPLE_RATE:
                yield "talking faces, a clip", who, joined([whole], seed)
        if len(sounds) > 1:
            yield "talking faces, clips joined", who, joined(sounds[:12], 5)
    for who, speeches in sorted(material(data, part)["talking_faces"].items()):
        for seed in range(2):
            pieces = in_pieces([each.sound for each in speeches], seed)
            yield "talking faces, pieces of 1.2 to 6 s", who, joined(pieces, seed)


def names(args: argparse.Namespace) -> None:
    """Whether people who were added are called by name, and others are not."""
    ear = Ear(args.kept)
    of: dict[str, dict[str, list[Spoken]]] = defaultdict(lambda: defaultdict(list))
    for kind, who, spoken in of_one_person(args.data, args.people):
        segments = [segment.windows for segment in ear.segments(spoken)]
        if kind.endswith("6 s"):
            half = len(segments) // 2
            of["talking faces, the same recording"].setdefault(who, [segments[:half], segments[half:]])
        elif not kind.endswith("clips joined") or kind.startswith("RAVDESS"):
            of["RAVDESS" if kind.startswith("RAVDESS") else "talking faces, another clip"][who].append(segments)
    print("| people | known | named | as another | not named | unknown | named |\n|" + "---|" * 7)
    for kind, people in of.items():
        known, unknown = names_told({who: spoken for who, spoken in people.items() if len(spoken) > 1})
        shares = f"{known['right']} | {known['wrong']} | {known['none']}"
        print(f"| {kind} | {known.total()} | {shares} | {unknown.total()} | {unknown['wrong']} |")


def of_several(data: Path, part: str) -> Iterator[tuple[str, Float32, list[Turn]]]:
    """People who take turns."""
    for corpus, people in material(data, part).items():
        wild = corpus == "talking_faces"
        for kind, overlap, short in (("1 to 6 s", 0.0, False), ("short", 0.0, True), ("overlapping", 0.25, False)):
            for number in (2, 3, 4):
                for seed in range((4 if wild else 0 if overlap else 2) if len(people) >= number else 0):
                    speech, truth = compose(people, number, seed, overlap, short)
                    yield f"{corpus}, {kind}", speech.sound, truth


def words(args: argparse.Namespace) -> None:
    """Word errors where somebody else takes over without a pause."""
    pairs = []
    for seed in range(args.seeds):
        spoken = follow_each_other(
            args.data, lambda who: part_of(who) == args.people and not who.startswith(_WILD), seed
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "turns.wav"
            pairs.append((spoken.text, read_by_file(spoken, path, args.live, args.quality, args.as_one)))
        print(f"seed {seed}: {word_errors(pairs[-1:], 'en')}", flush=True)
    total = word_errors(pairs, "en")
    print(f"all: {total}, WER {total.rate or 0.0:.3f}")


def recordings(args: argparse.Namespace) -> None:
    """Composed recordings through the whole pipeline."""
    print("| recording | words | right as told | right in the end | DER | missed | false | confused | speakers |")
    print("|" + "---|" * 9)
    for path in sorted(args.folder.glob("*.mp4")):
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        turns = [(start, end, f"P{turn['person']}") for turn in truth["turns"] for start, end in turn["speech"]]
        finals, changes, marked = _run(path)
        told, last = [], []
        for final in finals:
            # Of two who speak at once each has a final, by their face.
            change = changes.get((final.segment, final.face), changes.get((final.segment, None)))
            corrected = None if change is None else change.words
            for place, word in enumerate(final.words):
                speaker = word.speaker if corrected is None else corrected[place]
                middle = (word.start + word.end) / 2
                who = {name for start, end, name in turns if start - 0.15 <= middle <= end + 0.15}
                if len(who) == 1:
                    told.append((word.speaker, *who))
                    last.append((speaker, *who))
        shares = f"{right_words(told) / len(told):.3f} | {right_words(last) / len(last):.3f}"
        errors = diarization_errors(turns, marked)
        kinds = " | ".join(f"{each / errors.total:.3f}" for each in (errors.missed, errors.false, errors.confused))
        people = len({who for _, _, who in marked})
        print(f"| {path.stem} | {len(told)} | {shares} | {errors.rate:.3f} | {kinds} | {people} |", flush=True)


def _run(path: Path) -> tuple[list[TranscriptFinal], dict[tuple[int, int | None], SpeakerChanged], list[Turn]]:
    """What was told, what was corrected, and the turns of the RTTM that is written."""
    finals: list[TranscriptFinal] = []
    changes: dict[tuple[int, int | None], SpeakerChanged] = {}
    run = Pipeline.from_config("file", input=path, **{"emotion.enabled": False, "speakers.people": False})
    run.on(TranscriptFinal, finals.append)
    run.on(SpeakerChanged, lambda change: changes.__setitem__((change.segment, change.face), change))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "told.rttm"
        run.add_sink("rttm", RttmWriter(place))
        run.run()
        lines = [line.split() for line in place.read_text(encoding="utf-8").splitlines()]
    return finals, changes, [(float(each[3]), float(each[3]) + float(each[4]), each[7]) for each in lines]


class TextTimes:
    """When text of a run came."""

    def __init__(self, run: Pipeline) -> None:
        self._begun: dict[int, float] = {}
        self._ended: dict[int, float] = {}
        self._shown: dict[int, float] = {}
        self.finals: list[TranscriptFinal] = []
        run.on(SpeechStarted, lambda event: self._begun.setdefault(event.segment, event.start))
        run.on(SpeechEnded, lambda event: self._ended.setdefault(event.segment, event.end))
        run.on(TranscriptPartial, lambda event: self._shown.setdefault(event.segment, event.emitted))
        run.on(TranscriptFinal, self.finals.append)

    def __str__(self) -> str:
        first = [shown - self._begun[segment] for segment, shown in self._shown.items()]
        last = [final.emitted - self._ended[final.segment] for final in self.finals if final.segment in self._ended]
        found = (f"{np.median(each):.2f}, at most {max(each):.2f}" if each else "none" for each in (first, last))
        return "first text after {} s, finals {} s behind the speech".format(*found)


def cost(args: argparse.Namespace) -> None:
    """Processor seconds a second, at the pace of a live run, in turns with and without; and when the text came."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(2 * args.turns):
        wanted = turn % 2 == 0
        changed = {"pace": "realtime", args.setting: wanted, "speakers.people": False, "speech.quality": args.quality}
        run = Pipeline.from_config("file", input=args.recording, **changed)
        times = TextTimes(run)
        before, begun = _processor(), time.monotonic()
        run.run()
        processor = _processor() - before
        spent[wanted].append(processor / (time.monotonic() - begun))
        both = sum(final.overlaps for final in times.finals)
        told = f"{processor:.1f} processor s; {len(times.finals)} finals, {both} of two at once; {times}"
        print(f"{'on ' if wanted else 'off'}: {told}", flush=True)
    for wanted, shares in spent.items():
        print(f"{args.setting} {'on ' if wanted else 'off'}: {', '.join(f'{share:.3f}' for share in shares)} cores")
    print(f"difference of the medians: {np.median(spent[True]) - np.median(spent[False]):.3f} cores")


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(required=True)
    for name, function in (
        ("sound", sound),
        ("clips", one_each),
        ("online", online),
        ("names", names),
        ("words", words),
    ):
        each = what.add_parser(name)
        each.add_argument("--data", type=Path, required=True)
        each.add_argument("--people", choices=("tune", "judge"), default="judge")
        each.add_argument("--seeds", type=int, default=3)
        each.add_argument("--kept", type=Path, help="online: folder for vectors of voices, which are biometric data")
        if function is words:
            each.add_argument("--live", action="store_true", help="each segment by itself, as it is read live")
            each.add_argument("--quality", choices=("fast", "balanced"), default="balanced")
            each.add_argument("--as-one", action="store_true", help="part nothing, to compare with")
        if function is sound:
            each.add_argument("--corpus", choices=("talking_faces", "ravdess_speech"), help="one of them alone")
            each.add_argument("--peer", choices=("moonshine",), help="a diarizer to run beside, which takes minutes")
        each.set_defaults(run=function)
    composed = what.add_parser("recordings")
    composed.add_argument("folder", type=Path)
    composed.set_defaults(run=recordings)
    live = what.add_parser("cost")
    live.add_argument("recording", type=Path)
    live.add_argument("--turns", type=int, default=2)
    live.add_argument("--setting", choices=("speakers.enabled", "speakers.overlaps"), default="speakers.enabled")
    live.add_argument("--quality", choices=("fast", "balanced"), default="balanced")
    live.set_defaults(run=cost)
    args = parser.parse_args()
    random.seed(0)
    args.run(args)


if __name__ == "__main__":
    main()
