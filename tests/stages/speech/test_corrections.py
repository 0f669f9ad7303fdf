"""Live finals that are read once more, with what was said after them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from lipstream.events import TranscriptFinal, Word
from lipstream.models.speech.engine import SAMPLE_RATE, Encoding, TimedWord
from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.interruption import Interrupted
from lipstream.models.speech.recogniser import Front, Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.wording import Wording, WordingOptions
from lipstream.pipeline import Degraded, Packet, Recovered, micros
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.payloads import EncodedSpeech, SpeakerTurn, SpeechChunk
from lipstream.stages.shedding import CORRECTIONS
from lipstream.stages.speech.corrections import correct
from lipstream.stages.speech.corrections.correct import CORRECTED, GIVEN_UP, MANY_FAILURES, READ_AGAIN, Correct
from lipstream.stages.speech.corrections.payloads import Finished
from lipstream.stages.speech.corrections.precedence import FirstReader, Precedence
from lipstream.stages.speech.corrections.seams import apart, as_before
from lipstream.stages.speech.corrections.window import LONGEST
from lipstream.stages.speech.joined import LONGEST_PAUSE
from lipstream.stages.speech.on_camera import UNKNOWN, Speaker
from lipstream.stages.speech.reading.reader import Reading

LENGTH = 2.0
"""Seconds of a segment, all of which is speech."""
PAUSE = 0.5


def words_of(text: str, start: float = 0.0, sure: float = 0.9, length: float = LENGTH) -> list[TimedWord]:
    """The words of a segment that begins at `start`."""
    texts = text.split()
    step = length / max(1, len(texts))
    return [TimedWord(each, start + at * step, start + (at + 1) * step, sure) for at, each in enumerate(texts)]


def said(
    segment: int,
    text: str,
    start: float | None = None,
    *,
    sure: float = 0.9,
    length: float = LENGTH,
    language: str = "en",
    joint: str = "",
    speaker: Speaker = UNKNOWN,
    **told: Any,
) -> Finished:
    """A segment with its final; one after the other where nothing else is said."""
    start = (segment - 1) * (LENGTH + PAUSE) if start is None else start
    begin, end = micros(start), micros(start + length)
    samples = np.full(round(length * SAMPLE_RATE), segment / 100, np.float32)
    frames = told.pop("encoding", Encoding(np.zeros((1, 1), np.float32), 50.0, len(samples)))
    speech = EncodedSpeech(segment, frames, samples, begin, begin, end, end, last=True, **told)
    timed = words_of(text, sure=sure, length=length)
    final = TranscriptFinal(
        segment=segment,
        start=start,
        end=start + length,
        text=text,
        words=tuple(
            Word(word=each.text, start=start + each.start, end=start + each.end, confidence=sure) for each in timed
        ),
        joint=joint,
        language=language,
    )
    return Finished.of(speech, final, Transcript(tuple(timed), language=language), speaker)


class Again(Recogniser):
    """Reads what a script says of segments of `LENGTH`, one text for each that is in the sound.

    Args:
        texts: by the numbers of the segments that are read at once, their texts; others are read as they stand.
    """

    best_length = 24.0
    gives_way = True

    def __init__(self, texts: dict[tuple[int, ...], Sequence[str]], *, sure: float = 0.9, language: str = "en") -> None:
        self.texts = texts
        self.heard: list[tuple[int, ...]] = []
        self.fronts: list[Front | None] = []
        self.told: list[Hints] = []
        self.during: Callable[[], None] = lambda: None
        self._sure, self._language = sure, language

    def load(self) -> None: ...

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        values = np.rint(utterance.sound * 100).astype(int)
        numbers = tuple(dict.fromkeys(values.tolist()))
        self.heard.append(numbers)
        self.fronts.append(utterance.front)
        self.told.append(hints)
        self.during()
        if hints.interruption is not None:
            hints.interruption.check()
        texts = self.texts.get(numbers, [""] * len(numbers))
        found = [word for at, text in enumerate(texts) for word in words_of(text, at * LENGTH, self._sure)]
        joint = None if utterance.front is None else ""
        return Transcript(tuple(found), language=self._language, joint=joint, closing=1.0)


def reread(
    reader: Recogniser,
    script: Iterable[Finished | SpeechChunk],
    *,
    precedence: Precedence | None = None,
    **wishes: object,
) -> StageRun:
    shed = wishes.pop("shed", ())
    stage = Correct(Reading(reader, reader, onward=8.0, **wishes), precedence)
    finished = [Packet(each.speech.end, each) for each in script if isinstance(each, Finished)]
    voice = [Packet(each.speech_end, each) for each in script if isinstance(each, SpeechChunk)]
    return run_stage(stage, {"finished": finished, **({"voice": voice} if voice else {})}, shed=shed)


def corrections(run: StageRun) -> dict[int, str]:
    packets = [packet.payload for packet in run]
    assert len({each.segment for each in packets}) == len(packets), "a final is corrected once at most"
    return {each.segment: each.text for each in packets}


def test_a_final_is_read_with_the_next_and_corrected_once():
    reader = Again({(1, 2): ["we are here", "at least today."], (2, 3): ["at last, today", "we meet."]})
    run = reread(reader, [said(1, "We are hear."), said(2, "at least today"), said(3, "we meet.")])
    assert corrections(run) == {1: "we are here", 2: "at last, today"}
    first, second = run.payloads
    assert (first.previous, first.segment, first.language) == ("We are hear.", 1, "en")
    assert [(each.was, each.now) for each in second.revised] == [("least", "last,")]
    assert (second.start, second.end) == (2.5, 4.5)
    assert run.counters == {READ_AGAIN: 2, CORRECTED: 2}


def test_it_is_read_behind_the_text_that_stands_by_then():
    reader = Again({(1, 2): ["we are here", "at least"], (2, 3): ["at last", "we meet"]})
    reread(reader, [said(1, "We are hear."), said(2, "at least"), said(3, "we meet")])
    assert [front and front.text for front in reader.fronts] == [None, "we are here"]


def test_nothing_is_told_of_a_segment_by_itself_nor_of_one_that_reads_the_same():
    reader = Again({(1, 2): ["we are here", "today."]})
    assert reread(reader, [said(1, "we are hear")]).events == [] and reader.heard == []
    run = reread(reader, [said(1, "we are here"), said(2, "today.")])
    assert not run.payloads and run.counters == {READ_AGAIN: 1}


def test_a_sign_that_the_next_final_has_told_is_no_correction():
    """Outputs have put it there already."""
    reader = Again({(1, 2): ["so it is.", "We go."]})
    run = reread(reader, [said(1, "so it is"), said(2, "We go.", joint=".")])
    assert not run.payloads
    run = reread(reader, [said(1, "so it is"), said(2, "We go.", joint=",")])
    assert corrections(run) == {1: "so it is."}
    # A sign that was told, and is none by the reading that knows what comes next.
    reader = Again({(1, 2): ["so it is", "we go."]})
    assert corrections(reread(reader, [said(1, "so it is"), said(2, "we go.", joint=".")])) == {1: "so it is"}


def test_a_sign_that_the_next_final_told_stays_where_it_was_read_without_that():
    """What is read last, before a segment that is too long to be read with it, does not know what comes next."""
    reader = Again({(1, 2): ["we are", "here, now"]})
    long = said(3, "and then", 2 * (LENGTH + PAUSE), length=LONGEST - 1, joint=".")
    assert corrections(reread(reader, [said(1, "we are"), said(2, "hear now"), long])) == {2: "here, now."}


def test_a_sign_within_quotes_gets_no_second_one_behind_them():
    reader = Again({(1, 2): ["we are", 'here, "now."']})
    long = said(3, "And then", 2 * (LENGTH + PAUSE), length=LONGEST - 1, joint=".")
    assert corrections(reread(reader, [said(1, "we are"), said(2, 'hear "now"'), long])) == {2: 'here, "now."'}


def test_what_nothing_comes_after_is_corrected_by_the_last_reading_when_the_run_of_speech_is_over():
    reader = Again({(1, 2): ["we are", "here, now."]})
    apart_by = LONGEST_PAUSE + 0.1
    last = said(3, "Well.", 2 * LENGTH + PAUSE + apart_by)
    run = reread(reader, [said(1, "we are"), said(2, "hear now."), last])
    assert corrections(run) == {2: "here, now."} and reader.heard == [(1, 2)]
    assert corrections(reread(reader, [said(1, "we are"), said(2, "hear now.")])) == {2: "here, now."}


def chunk(segment: int, start: float, end: float) -> SpeechChunk:
    nothing = np.zeros(0, np.float32)
    return SpeechChunk(segment, nothing, False, False, speech_start=micros(start), speech_end=micros(end))


@pytest.mark.parametrize("later", [(3, 20.0, 20.5), (2, 2.5, 20.5)], ids=["somebody speaks", "nobody does"])
def test_a_long_pause_settles_what_was_said_before_it(later):
    reader = Again({(1, 2): ["we are", "here, now."]})
    over = 2 * LENGTH + PAUSE
    quiet = dataclasses.replace(chunk(*later), speech_end=micros(over if later[0] == 2 else 20.5))
    stage = Correct(Reading(reader, reader, onward=8.0))
    stage.finish = lambda: None  # type: ignore[method-assign]
    finished = [Packet(each.speech.end, each) for each in (said(1, "we are"), said(2, "hear now."))]
    run = run_stage(stage, {"finished": finished, "voice": [Packet(micros(20.5), quiet)]})
    assert corrections(run) == {2: "here, now."} and run[0].timestamp == micros(20.5)


def test_finals_that_come_late_are_read_together_all_the_same():
    """Regression: on a busy machine the sound was several segments ahead, and each final stood alone."""
    reader = Again({(1, 2): ["we are", "here, now."]})
    ahead = chunk(4, 7.5, 9.0)
    stage = Correct(Reading(reader, reader, onward=8.0))
    finished = [Packet(micros(at), each) for at, each in ((9.5, said(1, "we are")), (9.6, said(2, "hear now.")))]
    run = run_stage(stage, {"finished": finished, "voice": [Packet(micros(9.0), ahead)]})
    assert reader.heard == [(1, 2)] and corrections(run) == {2: "here, now."}


def test_speech_that_goes_on_for_long_is_waited_for():
    """What is said before a long segment would be settled without it."""
    reader = Again({(2, 3): ["here, now", "then."]})
    begins = 2 * LENGTH + 2 * PAUSE
    goes_on = [chunk(3, begins, begins + each) for each in (1.0, 3.0, 6.0, 9.0)]
    reread(reader, [said(1, "we are"), said(2, "hear now."), *goes_on, said(3, "then", begins, length=10.0)])
    assert reader.heard == [(1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("old", "new", "first", "both"),
    [
        # The word at the seam is taken for one behind the pause in the one reading, and before it in the other.
        (("we meat", "today at ten"), ("we meet today", "at ten"), {1: "we meet"}, {1: "we meet"}),
        (("we meat today", "at ten"), ("we meet", "today at ten"), {1: "we meet today"}, {1: "we meet today"}),
        # Two words become one: both segments, or none.
        (("we meet to", "day at ten"), ("we meet today", "at ten"), {}, {1: "we meet today", 2: "at ten"}),
        (("we", "we we slept"), ("and we", "slept"), {}, {1: "and", 2: "we slept"}),
        # Nothing moves.
        (("we meat", "today at ten"), ("we meet", "today at ten"), {1: "we meet"}, {1: "we meet"}),
        # What the first reading passed over.
        (("we", "today at ten"), ("we meet", "today at ten"), {1: "we meet"}, {1: "we meet"}),
    ],
)
def test_no_word_is_doubled_or_lost_between_a_corrected_segment_and_one_that_is_not(old, new, first, both):
    """The word would stand on both sides of the seam, or on neither, until the other segment is read again."""
    reader = Again({(1, 2): new})
    two = [Packet(each.speech.end, each) for each in (said(1, old[0]), said(2, old[1]))]
    stage = Correct(Reading(reader, reader, onward=8.0))
    ends, stage.finish = stage.finish, lambda: None  # type: ignore[method-assign]
    run = run_stage(stage, {"finished": two})
    assert corrections(run) == first
    ends()
    assert corrections(run) == both


def test_a_word_that_goes_back_over_a_pause_has_the_time_it_had():
    old = [words_of("we meat"), words_of("today at ten sharp")]
    new = [words_of("we meet today"), words_of("at ten sharp")]
    told = as_before(old, new)
    assert [[word.text for word in each] for each in told] == [["we", "meet"], ["today", "at", "ten", "sharp"]]
    assert (told[1][0].start, told[1][0].end) == (0.0, 0.0), "what is behind it begins at once"
    late = [new[0], [dataclasses.replace(word, start=word.start + 0.5, end=word.end + 0.5) for word in new[1]]]
    assert (as_before(old, late)[1][0].start, as_before(old, late)[1][0].end) == (0.0, 0.5)
    back = as_before([words_of("we meat today"), words_of("at ten")], [words_of("we meet"), words_of("today at ten")])
    assert [word.text for word in back[0]] == ["we", "meet", "today"]
    for words in (*told, *back):
        edges = [edge for word in words for edge in (word.start, word.end)]
        assert edges == sorted(edges)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Whatever was made up, or left out, may be on either side.
        (["a b", "c d"], ["a b x", "c d"]),
        (["a b", "c d"], ["a b", "x c d"]),
        # No segment is emptied, and a phrase is no word at a seam.
        (["a b", "c"], ["c", "d"]),
        (["a", "b c d e"], ["a b c d", "e"]),
    ],
)
def test_words_stay_where_a_reading_has_them_if_it_is_no_matter_of_a_seam(old, new):
    texts = [[words_of(text) for text in told] for told in (old, new)]
    assert [[word.text for word in each] for each in as_before(*texts)] == [text.split() for text in new]


@pytest.mark.parametrize(
    ("old", "new", "groups"),
    [
        (["a b", "c d", "e f"], ["a x", "c d", "e y"], [[0], [1], [2]]),
        (["a b", "c d", "e f"], ["a b c", "d", "e f"], [[0, 1], [2]]),
        (["a b", "c d", "e f"], ["a b", "c d e", "f"], [[0], [1, 2]]),
        (["a b", "c d"], ["a b x", "y c d"], [[0], [1]]),
        (["a b x", "y c d"], ["a b", "c d"], [[0], [1]]),
        # Said once before the pause, and once behind it, by one reading each.
        (["a b", "c d"], ["a b c", "c d"], [[0, 1]]),
        (["a b", "b c"], ["a b", "b c"], [[0], [1]]),
        (["A b,", "c d."], ["a b", "C d"], [[0], [1]]),
    ],
)
def test_segments_over_whose_seam_a_word_moves_hang_together(old, new, groups):
    told = [[text.split() for text in texts] for texts in (old, new)]
    assert [list(group) for group in apart(*told)] == groups


def test_a_reading_that_is_doubtful_or_has_lost_words_does_not_replace_the_first_one():
    two = [said(1, "we are all here"), said(2, "today", sure=0.9)]
    assert not reread(Again({(1, 2): ["we were all here", "today"]}, sure=0.5), two).payloads
    assert not reread(Again({(1, 2): ["here", "today"]}), two).payloads
    assert not reread(Again({(1, 2): ["", "today"]}), two).payloads
    assert not reread(Again({(1, 2): ["wir sind da", "heute"]}, language="de"), two).payloads


@pytest.mark.parametrize(
    "second",
    [
        said(2, "today", 2 * LENGTH + LONGEST_PAUSE),
        said(2, "heute", language="de"),
        dataclasses.replace(said(2, "today"), speaker=Speaker(2, False)),
        dataclasses.replace(said(2, "today"), speaker=Speaker(None, True)),
        said(2, "today", turns=(SpeakerTurn(micros(2.5), micros(4.5), 2),)),
        Finished.of(said(2, "both").speech),
    ],
    ids=["long pause", "language", "face", "off camera", "voice", "overlap, parts, unclear or failed"],
)
def test_speech_that_is_no_run_of_one_person_is_not_read_together(second):
    reader = Again({})
    first = said(1, "we are", turns=(SpeakerTurn(0, micros(2.0), 1),))
    first = dataclasses.replace(first, speaker=Speaker(1, False))
    assert not reread(reader, [first, second]).payloads and reader.heard == []


def test_what_is_read_at_once_is_bounded_and_so_is_what_is_kept():
    reader = Again({})
    stage = Correct(Reading(reader, reader, onward=8.0))
    packets = [Packet(each.speech.end, each) for each in (said(at + 1, "one two") for at in range(60))]
    kept: list[float] = []
    process = stage.process

    def watched(port, packet):
        process(port, packet)
        kept.append(sum(len(held.speech.samples) for held in stage._window.held) / SAMPLE_RATE)

    stage.process = watched  # type: ignore[method-assign]
    run_stage(stage, {"finished": packets})
    assert max(kept) <= LONGEST
    assert max(map(len, reader.heard)) * LENGTH <= LONGEST
    assert len(stage._so_far._sound) <= 8.0 * SAMPLE_RATE


def test_a_final_interrupts_it_and_it_is_read_again_later_with_what_is_there_then():
    precedence = Precedence()
    reader = Again({(1, 2): ["we are here", "at last"], (2, 3): ["at last", "today."]})
    final = FirstReader(Again({(7,): ["seven"]}), precedence)
    sound = np.full(SAMPLE_RATE, 0.07, np.float32)

    def comes() -> None:
        if len(reader.heard) == 1:
            final.recognise(Utterance(sound, 1.0), Hints())

    reader.during = comes
    run = reread(reader, [said(1, "we are hear"), said(2, "at last"), said(3, "today.")], precedence=precedence)
    assert reader.told[0].interruption.asked and reader.heard == [(1, 2), (1, 2), (2, 3)]
    assert corrections(run) == {1: "we are here"}
    assert GIVEN_UP not in run.counters


def test_it_does_not_begin_while_a_final_is_read_and_speech_that_goes_on_does_not_keep_it_from_reading():
    precedence = Precedence()
    reader = Again({(1, 2): ["we are here", "now"]})
    two = [said(1, "we are hear"), said(2, "now")]
    with precedence.first():
        run = reread(reader, two, precedence=precedence)
    assert reader.heard == [] and run.counters == {GIVEN_UP: 1}
    first = FirstReader(Again({}), precedence)
    reader.during = lambda: first.recognise(Utterance(np.zeros(9, np.float32), 0.0, whole=False), Hints()) and None
    assert corrections(reread(reader, two, precedence=precedence)) == {1: "we are here"}


def test_at_its_end_a_run_waits_for_it_no_longer_than_it_has_to(monkeypatch):
    reader, waited = Again({}), []

    class Timer:
        """Time is over as soon as it is read."""

        def __init__(self, seconds: float, work: Callable[[], None]) -> None:
            waited.append(seconds)
            reader.during = work

        def start(self) -> None: ...
        def cancel(self) -> None: ...

    monkeypatch.setattr(correct.threading, "Timer", Timer)

    def waits() -> None:
        reader.told[-1].interruption.ask()

    reader.during = waits
    run = reread(reader, [said(1, "we are"), said(2, "now")], precedence=Precedence())
    assert waited == [correct.AT_END]
    assert run.counters[GIVEN_UP] == 1 and not run.payloads


def test_under_load_it_is_left_out():
    reader = Again({(1, 2): ["we are here", "now"]})
    run = reread(reader, [said(1, "we are hear"), said(2, "now")], shed={CORRECTIONS.name})
    assert reader.heard == [] and not run.payloads and run.events == []


def test_a_failure_loses_nothing_and_is_told_once_it_stays():
    reader = Again({})

    def fails() -> None:
        raise RuntimeError("scripted failure")

    reader.during = fails
    many = [said(at + 1, "one two") for at in range(MANY_FAILURES + 2)]
    run = reread(reader, many)
    assert [type(event) for event in run.events] == [Degraded] and not run.payloads
    reader = Again({})
    reader.during = lambda: fails() if len(reader.heard) <= MANY_FAILURES else None
    run = reread(reader, many)
    assert [type(event) for event in run.events] == [Degraded, Recovered]
    reader = Again({})
    reader.during = lambda: fails() if len(reader.heard) % 2 else None
    assert reread(reader, many).events == []


def test_an_interruption_is_no_failure():
    precedence, reader = Precedence(), Again({})

    def interrupted() -> None:
        raise Interrupted

    reader.during = interrupted
    many = [said(at + 1, "one two") for at in range(MANY_FAILURES + 2)]
    assert reread(reader, many, precedence=precedence).events == []


def test_words_are_as_the_user_wants_them_with_their_speakers_and_lips():
    gate = np.linspace(0.0, 1.0, 100, dtype=np.float32)
    turns = (SpeakerTurn(0, micros(2.0), 3, "Ann"),)
    reader = Again({(1, 2): ["um i am here", "now"]})
    first = said(1, "i am hear", lip_gate=gate, turns=turns)
    wording = Wording(WordingOptions(fillers="drop"))
    [told] = reread(reader, [first, said(2, "now")], wording=wording).payloads
    assert told.text == "I am here" and (told.speaker, told.speaker_name) == (3, "Ann")
    assert [word.speaker for word in told.words] == [3, 3, 3]
    assert [word.lip_gate for word in told.words] == sorted(word.lip_gate for word in told.words) != [0.0] * 3


def test_words_that_fusion_doubts_are_left_out():
    frames = Encoding(
        np.zeros((1, 1), np.float32), 50.0, 2 * SAMPLE_RATE, least_confidence=np.full(100, 0.95, np.float32)
    )
    reader = Again({(1, 2): ["we are here", "now"]})
    assert not reread(reader, [said(1, "we are hear", encoding=frames), said(2, "now")]).payloads


def test_terms_are_expected():
    reader = Again({(1, 2): ["we are", "now"]})
    stage = Correct(Reading(reader, reader, onward=8.0))
    stage.terms = Terms.from_list(["Lipstream"])
    run_stage(stage, {"finished": [Packet(each.speech.end, each) for each in (said(1, "we are"), said(2, "now"))]})
    assert reader.told[0].terms.phrases == ("Lipstream",)


def test_what_hangs_together_with_a_segment_that_is_read_again_waits_for_that():
    reader = Again({(1, 2): ["we meet today", "at ten"], (1, 2, 3): ["we meet today", "at ten", "sharp"]})
    run = reread(reader, [said(1, "we meet to"), said(2, "day at ten"), said(3, "sharp")])
    assert corrections(run) == {1: "we meet today", 2: "at ten"}
    assert reader.heard == [(1, 2), (1, 2, 3)]
