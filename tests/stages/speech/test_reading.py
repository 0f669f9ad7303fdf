"""Two recognisers in one run, speech joined across pauses, languages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lipstream.config import SubtitlesConfig
from lipstream.events import Revision, TranscriptFinal, TranscriptPartial
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SAMPLE_RATE, TimedWord
from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.fusion import AudioOnlyFusion, FusedSpeech, Fusion
from lipstream.models.speech.moonshine import MoonshineEngine, MoonshineFiles
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.second_opinion import SecondOpinion
from lipstream.pipeline import Degraded, Graph, Packet, Recovered, UserError, micros
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.payloads import EncodedSpeech, SpeakerTurn
from lipstream.stages.sinks.subtitles.cutter import cut
from lipstream.stages.speaker.parted import PAUSE, parts_of
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.joined import LONGEST_PAUSE
from lipstream.stages.speech.readers import expect
from lipstream.stages.speech.reading.reader import Reading
from tests.stages.fakes import CountingEngine, spoken
from tests.stages.speech.test_speech_stages import START, chunks

WORDS = dict(enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")))


class Reader(Recogniser):
    """Reads the word "n" where the samples have the value n / 10, each run of equal values a word.

    Args:
        change: what it makes of a word.
        language: that it tells.
    """

    languages = frozenset({"en", "de"})

    def __init__(self, change: Callable[[str], str] = str, language: Callable[[Hints], str] | str = "en") -> None:
        self.heard: list[tuple[float, bool, Hints]] = []
        self._change = change
        self._language = language
        self.fails_over = 1e9

    def load(self) -> None: ...

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        self.heard.append((round(utterance.duration, 2), utterance.whole, hints))
        if utterance.duration > self.fails_over:
            raise RuntimeError("scripted failure")
        values = np.rint(utterance.sound * 10).astype(int)
        edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
        words = [
            TimedWord(self._change(WORDS[values[first]]), first / SAMPLE_RATE, last / SAMPLE_RATE, 0.9)
            for first, last in pairwise(edges)
            if values[first] > 0
        ]
        language = self._language if isinstance(self._language, str) else self._language(hints)
        return Transcript(tuple(words), language=language)


def read(
    reading: Reading,
    *segments: tuple[list[int], float],
    interval: float | None = None,
    fusion: Fusion | None = None,
) -> StageRun:
    """Run the stage on segments: their words, and the second at which each begins."""
    packets = [
        packet
        for number, (words, start) in enumerate(segments, 1)
        for packet in chunks(spoken(words), [512], number, round(start * 1e6))
    ]
    encoded = run_stage(Encode(CountingEngine(), interval), packets)
    return run_stage(Decode(reading), run_stage(Fuse(fusion or AudioOnlyFusion(), 30.0), {"speech": encoded}))


def finals(run: StageRun) -> list[TranscriptFinal]:
    return [event for event in run.events if isinstance(event, TranscriptFinal)]


def test_one_recogniser_reads_what_goes_on_and_the_other_what_is_finished():
    first, final = Reader(lambda word: word.upper()), Reader()
    run = read(Reading(first, final), ([1, 2, 3, 4, 5, 6], 1.0), interval=0.4)
    partials = [event for event in run.events if isinstance(event, TranscriptPartial)]
    assert partials and all(partial.text == partial.text.upper() for partial in partials)
    assert [event.text for event in finals(run)] == ["one two three four five six"]
    assert not any(whole for _, whole, _ in first.heard) and all(whole for _, whole, _ in final.heard)


def test_the_final_says_what_it_changes_of_what_stood():
    first = Reader(lambda word: "too" if word == "two" else word)
    run = read(Reading(first, Reader()), ([1, 2, 3, 4, 5, 6], 1.0), interval=0.4)
    (final,) = finals(run)
    assert final.revised == (Revision(was="too", now="two"),)
    assert any("too" in event.stable for event in run.events if isinstance(event, TranscriptPartial))


def test_neighbouring_speech_is_read_as_one_and_given_back_to_its_segments():
    reader = Reader()
    run = read(Reading(reader, reader, join=24.0), ([1, 2], 1.0), ([3, 4], 2.5), ([5], 4.0))
    assert [event.text for event in finals(run)] == ["one two", "three four", "five"]
    assert [event.segment for event in finals(run)] == [1, 2, 3]
    assert [round(event.start, 2) for event in finals(run)] == [1.0, 2.5, 4.0]
    assert len(reader.heard) == 1 and reader.heard[0][0] == pytest.approx(0.64 * 2 + 0.32 + 3 * 0.4, abs=0.01)


def told(encoded: StageRun, *speakers: list[tuple[float, int]]) -> list[Packet[EncodedSpeech]]:
    """Encoded segments with who speaks in them: from which second of each on, and their number."""
    found = []
    for packet, changes in zip(encoded.on("speech"), speakers, strict=True):
        speech = packet.payload
        edges = [*(speech.start + micros(second) for second, _ in changes), speech.end]
        turns = [SpeakerTurn(*edge, number) for edge, (_, number) in zip(pairwise(edges), changes, strict=True)]
        found.append(replace(packet, payload=replace(speech, turns=tuple(turns))))
    return found


def encoded(*segments: tuple[list[int], float]) -> StageRun:
    packets = [
        packet
        for number, (words, start) in enumerate(segments, 1)
        for packet in chunks(spoken(words), [512], number, round(start * 1e6))
    ]
    return run_stage(Fuse(AudioOnlyFusion(), 30.0), {"speech": run_stage(Encode(CountingEngine(), None), packets)})


def test_who_takes_over_within_a_segment_is_read_apart():
    speech = encoded(([1, 2, 3, 0, 4, 5, 6], 1.0), ([7, 8], 4.0), ([9], 6.0))
    whole = finals(run_stage(Decode(Reading(Reader(), Reader(), join=24.0)), speech))
    reader = Reader()
    # The change is told 0.2 s late; the quietest place near it is between the words.
    packets = told(speech, [(0.0, 1), (1.3, 2)], [(0.0, 2)], [(0.0, 1)])
    run = run_stage(Decode(Reading(reader, reader, join=24.0)), {"speech": packets})
    assert [event.text for event in finals(run)] == ["one two three four five six", "seven eight", "nine"]
    assert [word.speaker for word in finals(run)[0].words] == [1, 1, 1, 2, 2, 2]
    times = [[(round(word.start, 3), round(word.end, 3)) for word in event.words] for event in finals(run)]
    assert times == [[(round(word.start, 3), round(word.end, 3)) for word in event.words] for event in whole]
    # The second speaker's part is read with their next segment.
    lengths = [length for length, _, _ in reader.heard]
    assert len(lengths) == 3 and 0.96 <= lengths[0] - PAUSE <= 1.28


class Bilingual(Reader):
    """Reads Chinese from "four" on."""

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        read = super().recognise(utterance, hints)
        chinese = any(word.text in ("four", "five", "six") for word in read.words)
        words = [
            replace(word, text={"four": "\u56db", "five": "\u4e94"}.get(word.text, word.text)) for word in read.words
        ]
        return replace(read, words=tuple(words), language="zh" if chinese else "en")


@pytest.mark.parametrize(
    ("words", "change", "text", "language"),
    [
        ([1, 2, 3, 0, 4, 5], 1.3, "one two three \u56db\u4e94", "en"),
        ([4, 5, 4, 0, 1, 2], 1.3, "\u56db\u4e94\u56db one two", "zh"),
    ],
)
def test_each_part_of_a_segment_is_written_in_its_own_language(words, change, text, language):
    packets = told(encoded((words, 1.0)), [(0.0, 1), (change, 2)])
    (final,) = finals(run_stage(Decode(Reading(Bilingual(), Bilingual(), join=24.0)), {"speech": packets}))
    assert (final.text, final.language) == (text, language)


def test_what_follows_a_segment_or_a_part_of_one_that_cannot_be_read_is_read():
    speech = encoded(([1, 2, 3, 4, 5, 6], 1.0), ([1, 2, 3, 4, 5, 0, 6], 4.0), ([7], 8.0))
    reader = Reader()
    reader.fails_over = 1.8
    decode = Decode(Reading(reader, reader, join=24.0))
    run = run_stage(decode, {"speech": told(speech, [(0.0, 1)], [(0.0, 2), (1.8, 1)], [(0.0, 2)])})
    assert [(event.segment, event.text) for event in finals(run)] == [(2, "six"), (3, "seven")]
    assert run.counters["speech.failed_segments"] == 2
    assert isinstance(run.events[0], Degraded) and isinstance(run.events[-2], Recovered)
    assert decode._parted == {}


def test_where_one_person_speaks_or_a_change_is_not_sure_speech_is_read_as_it_is():
    speech = encoded(([1, 2, 3, 0, 4, 5, 6], 1.0), ([7, 8], 4.0))
    for turns in ([(0.0, 1)], [(0.0, 1), (1.0, 2), (1.4, 1)]):
        (packet, _) = told(speech, turns, [(0.0, 1)])
        assert parts_of(packet.payload) == [packet.payload]
        reader = Reader()
        run_stage(Decode(Reading(reader, reader, join=24.0)), {"speech": told(speech, turns, [(0.0, 1)])})
        assert len(reader.heard) == 1


def test_a_final_behind_which_the_picture_goes_on_is_not_stamped_before_what_was_promised():
    late = 9_000_000

    class Outlasted(Decode):
        def finish(self) -> None:
            self.advance(late)
            self.context.advance(self.watermark(late))
            super().finish()

    packets = chunks(spoken([1, 2]), [512], 1, 1_000_000)
    encoded = run_stage(Encode(CountingEngine(), None), packets)
    run = run_stage(Outlasted(Reading(Reader(), Reader(), join=24.0)), encoded)
    assert [event.text for event in finals(run)] == ["one two"]
    assert [packet.timestamp for packet in run.on("finals")] == [late]


@pytest.mark.parametrize(("asked", "seen"), [((0.6, 0.8), True), ((0.6, 0.2), False), ((0.0, 0.0), False)])
def test_who_reads_is_told_where_somebody_is_seen_to_speak_beside_others(asked, seen):
    def beside_others(packet, share):
        encoding = packet.payload.encoding
        least = np.where(np.arange(len(encoding.features)) < share * len(encoding.features), 0.3, 0.0)
        told = replace(encoding, least_confidence=least.astype(np.float32))
        return replace(packet, payload=replace(packet.payload, encoding=told))

    class Told(Reader):
        def recognise(self, utterance, hints):
            told.append(utterance.seen)
            return super().recognise(utterance, hints)

    told: list[bool] = []
    packets = [each for n in (1, 2) for each in chunks(spoken([n]), [512], n, round(1.5e6 * n))]
    encoded = run_stage(Encode(CountingEngine(), None), packets)
    beside = [beside_others(packet, share) for packet, share in zip(encoded, asked, strict=True)]
    run_stage(Decode(Reading(Told(), Told(), join=24.0)), beside)
    assert told == [seen]


@pytest.mark.parametrize(
    ("join", "second", "read_together"), [(24.0, 1.5 + LONGEST_PAUSE, 1), (24.0, 9.0, 0), (1.5, 2.5, 0), (0.0, 2.5, 0)]
)
def test_speech_is_not_joined_over_long_pauses_or_beyond_what_is_read_well(join, second, read_together):
    reader = Reader()
    run = read(Reading(reader, reader, join=join), ([1, 2], 1.0), ([3, 4], second))
    assert [event.text for event in finals(run)] == ["one two", "three four"]
    assert len(reader.heard) == 2 - read_together


def test_what_cannot_be_read_as_one_is_read_by_itself():
    reader = Reader()
    reader.fails_over = 1.5
    run = read(Reading(reader, reader, join=24.0), ([1, 2], 1.0), ([3, 4], 2.5))
    assert [event.text for event in finals(run)] == ["one two", "three four"]
    assert run.counters.get("speech.failed_segments", 0) == 0


class Aside(Reader):
    """Reads segments with a "five" by themselves, and shouts the second of those that it has read together."""

    def reads_alone(self, utterance: Utterance) -> bool:
        return bool((np.rint(utterance.sound * 10) == 5).any())

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        return dataclasses.replace(super().recognise(utterance, hints), fused=self.reads_alone(utterance))

    def reviewed(self, utterances, parts, hints):
        assert len(utterances) == len(parts) > 1
        shouted = [dataclasses.replace(word, text=word.text.upper()) for word in parts[1].words]
        return [parts[0], dataclasses.replace(parts[1], words=tuple(shouted)), *parts[2:]]


def test_what_is_better_read_by_itself_is_not_joined_and_what_was_joined_is_reviewed():
    reader = Aside()
    run = read(Reading(reader, reader, join=24.0), ([1], 1.0), ([2], 2.0), ([5], 3.0), ([6], 4.0), ([7], 5.0))
    assert [event.text for event in finals(run)] == ["one", "TWO", "five", "six", "SEVEN"]
    assert [event.segment for event in finals(run)] == [1, 2, 3, 4, 5]
    assert [duration for duration, _, _ in reader.heard] == pytest.approx([1.44, 0.72, 1.44], abs=0.01)


class Moves(AudioOnlyFusion):
    """Lets the lips move every frame by half."""

    def fuse(self, encoding, sound, lips):
        return FusedSpeech(encoding, np.full(len(encoding.features), 0.5, np.float32))


@pytest.mark.parametrize(("interval", "join"), [(None, 0.0), (None, 24.0), (0.4, 0.0)])
def test_the_gate_is_told_of_words_that_lips_had_a_say_in(interval, join):
    reader = Aside()
    segments = ([5, 6], 1.0), ([3], 2.5), ([4], 4.0)
    run = read(Reading(reader, reader, join=join), *segments, interval=interval, fusion=Moves())
    by_lips, *by_sound = finals(run)
    assert by_lips.lip_gate == 0.5 and [word.lip_gate for word in by_lips.words] == [0.5, 0.5]
    assert [event.lip_gate for event in by_sound] == [0.0, 0.0]
    assert not any(word.lip_gate for event in by_sound for word in event.words)


def test_the_language_so_far_is_told_to_the_recogniser_and_that_of_the_text_to_the_reader():
    reader = Reader(language="de")
    run = read(Reading(reader, reader), ([1, 2, 3, 4], 1.0), ([3, 4, 5, 6], 9.0))
    assert [event.language for event in finals(run)] == ["de", "de"]
    assert [hints.usual for _, _, hints in reader.heard] == [None, "de"]


def test_what_is_translated_is_english_whatever_is_spoken():
    reader = Reader(language="ja")
    run = read(Reading(reader, reader, task="translate"), ([1, 2, 3, 4], 1.0), ([3, 4, 5, 6], 9.0), interval=0.4)
    texts = ["one two three four", "three four five six"]
    assert [(event.text, event.language) for event in finals(run)] == [(text, "en") for text in texts]
    assert "one two" in {event.text for event in run.events if isinstance(event, TranscriptPartial)}
    # The recogniser is told what is spoken.
    assert reader.heard[-1][2].usual == "ja"


def test_partials_are_read_by_the_final_recogniser_once_the_language_is_not_that_of_the_first():
    first, final = Reader(), Reader(language="de")
    first.languages = frozenset({"en"})
    read(Reading(first, final), ([1, 2, 3, 4, 5], 1.0), ([3, 4, 5, 6, 7], 9.0), interval=0.4)
    assert first.heard and not all(whole for _, whole, _ in final.heard)


def test_a_language_that_the_recogniser_does_not_know_is_refused_at_the_start():
    reader = Reader()
    with pytest.raises(UserError, match=r"does not know the language 'fr' .*it knows de, en"):
        read(Reading(reader, reader, language="fr"), ([1, 2], START / 1e6))


class Late(Reader):
    """Knows what can be had before it is loaded."""

    def __init__(self, missing: str = "") -> None:
        super().__init__()
        self.languages = frozenset()
        self.missing = missing

    def load(self) -> None:
        pytest.fail("nobody has spoken")

    def check(self) -> None:
        if self.missing:
            raise ModelError(self.missing)
        self.languages = frozenset({"en", "de"})


def test_where_nobody_speaks_what_the_user_can_mend_is_told_all_the_same():
    """It was told at the first speech, after long work, or never."""
    run_stage(Decode(Reading(Late(), Late(), language="de"), early=False), [])
    with pytest.raises(UserError, match=r"does not know the language 'fr' .*it knows de, en"):
        run_stage(Decode(Reading(Late(), Late(), language="fr"), early=False), [])
    with pytest.raises(UserError, match=r"no model\.bin"):
        run_stage(Decode(Reading(Late(), SecondOpinion(Late("no model.bin"), CountingEngine())), early=False), [])
    files = MoonshineFiles(*[Path("nowhere.ort")] * 3)
    with pytest.raises(UserError, match=r"no file nowhere\.ort"):
        run_stage(Encode(MoonshineEngine(files=files), None, early=False), [])


def test_terms_that_are_expected_are_told_to_the_recogniser_and_may_be_changed():
    reader = Reader()
    reading = Reading(reader, reader, terms=Terms.from_list(["Ada"]))
    stage = Decode(reading)
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1, 2]), [512]))
    run_stage(stage, encoded)
    assert reader.heard[0][2].terms.phrases == ("Ada",)
    graph = Graph()
    graph.add("decode", stage)
    expect(graph, ["Lovelace", "Ada"])
    assert stage.terms.phrases == ("Lovelace", "Ada")
    with pytest.raises(UserError, match="term 2"):
        expect(graph, ["Ada", " "])
    with pytest.raises(UserError, match="no sound"):
        expect(Graph(), ["Ada"])


def test_terms_are_told_to_who_reads_what_goes_on_as_well():
    first, final = Reader(), Reader()
    read(Reading(first, final, terms=Terms.from_list(["Ada"])), ([1, 2, 3, 4], 1.0), interval=0.4)
    told = [(whole, hints.terms.phrases) for _, whole, hints in (*first.heard, *final.heard)]
    assert {whole for whole, _ in told} == {True, False}
    assert {phrases for _, phrases in told} == {("Ada",)}


def test_a_language_without_spaces_is_written_without_them():
    reader = Reader(language="ja")
    (final,) = finals(read(Reading(reader, reader), ([1, 2], 1.0)))
    assert final.text == "onetwo" and [word.word for word in final.words] == ["one", "two"]
    assert [cue.lines for cue in cut([final], SubtitlesConfig())] == [("onetwo",)]
