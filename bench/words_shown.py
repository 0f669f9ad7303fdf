"""What `bench/words.py` measures of how text comes: what was shown when, what was taken back, what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import pairwise

from rapidfuzz.distance import LCSseq
from words_texts import UNSPACED, plain_words


@dataclass(frozen=True)
class Said:
    """A finished segment; `words` are (word, start, end), all times in seconds; `joint` as in `TranscriptFinal`."""

    segment: int
    text: str
    start: float
    end: float
    emitted: float = 0.0
    language: str | None = None
    words: tuple[tuple[str, float, float], ...] = ()
    joint: str = ""


@dataclass(frozen=True)
class Shown:
    """What stood on the screen of a segment from a moment on; of a finished segment `stable` is all of it."""

    segment: int
    emitted: float
    stable: str
    text: str


@dataclass
class Reading:
    """What a system made of one clip.

    Attributes:
        said: finished segments, in order, as they were first told.
        shown: the texts shown, in order, those of finished segments among them; those of corrections not.
        corrected: by segment, the text that took the place of a finished one.
        started: by segment, the first voiced moment, seconds.
        ended: by segment, the last voiced moment in seconds, and why it ended.
        shed: how often work was left out because the processor could not keep up.
        troubles: what went wrong, or was missing, in a run that went on: component and reason.
        error: why there is nothing; empty if all went well.
    """

    said: list[Said] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    corrected: dict[int, str] = field(default_factory=dict)
    started: dict[int, float] = field(default_factory=dict)
    ended: dict[int, tuple[float, str]] = field(default_factory=dict)
    shed: int = 0
    troubles: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def text(self) -> str:
        """The whole transcript."""
        return " ".join(said.text for said in self.said if said.text)

    def at_end(self) -> Reading:
        """The same, with texts as they stand at the end: signs that were told later, and corrections, in them."""
        said = list(self.said)
        for at, each in enumerate(self.said[1:]):
            if each.joint and said[at].text[-1:].isalnum():
                said[at] = replace(said[at], text=said[at].text + each.joint)
        return replace(self, said=[replace(each, text=self.corrected.get(each.segment, each.text)) for each in said])


def taken_back(texts: Sequence[Sequence[str]]) -> int:
    """Tokens taken back between consecutive texts.

    Of each text what lies behind its common beginning with the next. Arivazhagan et al., "Re-translation versus
    Streaming for Simultaneous Translation", IWSLT 2020, section 3.2.
    """
    return sum(len(old) - _common_beginning(old, new) for old, new in pairwise(texts))


def gone(texts: Sequence[Sequence[str]]) -> int:
    """Words taken back between consecutive texts that the next one has nowhere: changed or left out.

    Words behind a changed one that stand there as before are not counted, as a reader does not lose them.
    """
    return sum(len(old) - LCSseq.similarity(old, new) for old, new in pairwise(texts))


def _common_beginning(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


def whole_stable_words(shown: Shown) -> str:
    """The stable text without a last word that goes on in the unstable text: it is not taken back when it grows."""
    stable, rest = shown.stable, shown.text[len(shown.stable) :]
    if not stable or not rest or stable[-1].isspace() or rest[0].isspace():
        return stable
    return stable[: len(stable) - len(stable.split()[-1])]


def shown_tokens(text: str, language: str) -> list[str]:
    """Words as they stand there, with punctuation and capitals; characters where words are not spaced."""
    return list("".join(text.split())) if language in UNSPACED else text.split()


def erasure(reading: Reading, language: str = "en") -> dict[str, int]:
    """Tokens taken back in a clip, and those of its finals, of which the quotient is the normalised erasure.

    "shown" counts stable and unstable text together as it stands there (words with their punctuation and capitals),
    "words" the same without punctuation and capitals, "gone" those of them that are nowhere in the next text, "stable"
    as "shown" the stable text alone. A segment that never gives a final takes back all that was shown of it. What
    corrections take back of finals is apart from all that: "corrected" as "words", "corrected_gone" as "gone".
    """
    names = ("shown", "words", "gone", "stable", "final", "final_words", "corrected", "corrected_gone")
    total = dict.fromkeys(names, 0)
    said = {said.segment: said for said in reading.said}
    for segment in {shown.segment for shown in reading.shown}:
        shown = [shown for shown in reading.shown if shown.segment == segment]
        last = [] if segment in said else [Shown(segment, 0.0, "", "")]
        texts = [each.text for each in shown + last]
        as_shown = [shown_tokens(text, language) for text in texts]
        stable = [each.stable if language in UNSPACED else whole_stable_words(each) for each in shown + last]
        total["shown"] += taken_back(as_shown)
        plain = [plain_words(text, language) for text in texts]
        total["words"] += taken_back(plain)
        total["gone"] += gone(plain)
        total["stable"] += taken_back([shown_tokens(text, language) for text in stable])
        total["final"] += len(as_shown[-1])
        total["final_words"] += len(plain_words(texts[-1], language))
        if segment in reading.corrected:
            both = plain[-1], plain_words(reading.corrected[segment], language)
            total["corrected"] += taken_back(both)
            total["corrected_gone"] += gone(both)
    return total


def word_lags(words: Sequence[tuple[str, float, float]], shown: Sequence[Shown], language: str = "en") -> list[float]:
    """Of each word of a final, the moment it was first shown less its end in the sound, seconds.

    A word counts as shown once a text of the segment has it at its place, whether or not it vanishes again in
    between: places are found by aligning the text with those words of the final that had begun by then.
    """
    keys = ["".join(plain_words(word)) for word, _, _ in words]
    first: dict[int, float] = {}
    for each in shown:
        text = ["".join(plain_words(token)) for token in shown_tokens(each.text, language)]
        begun = sum(start <= each.emitted for _, start, _ in words)
        blocks = SequenceMatcher(None, text, keys[:begun], autojunk=False).get_matching_blocks()
        for _, place, size in blocks:
            for index in range(place, place + size):
                first.setdefault(index, each.emitted)
    return [first[index] - words[index][2] for index in sorted(first) if keys[index]]


def delays(reading: Reading, language: str = "en") -> dict[str, list[float]]:
    """Delays of one clip that was run at its own pace, seconds, of segments that gave text.

    "partial" from a word's end to its first showing; "first" from the start of speech to the first text; "final" from
    the end of speech to the final, of segments that a pause or their length ended; "final_at_end" likewise of those
    that the end of the sound cut.
    """
    found: dict[str, list[float]] = {"partial": [], "first": [], "final": [], "final_at_end": []}
    for said in reading.said:
        shown = [each for each in reading.shown if each.segment == said.segment and each.text.strip()]
        if not said.text.strip() or not shown:
            continue
        found["partial"] += word_lags(said.words, shown, language)
        if said.segment in reading.started:
            found["first"].append(shown[0].emitted - reading.started[said.segment])
        if said.segment in reading.ended:
            end, reason = reading.ended[said.segment]
            found["final_at_end" if reason == "end_of_stream" else "final"].append(said.emitted - end)
    return found


def languages_told(said: Sequence[Said], language: str, shortest: float = 3.0) -> tuple[int, int]:
    """(right, all) of the segments with text that are longer than `shortest` seconds."""
    long = [each for each in said if each.end - each.start > shortest and each.text.strip()]
    return sum((each.language or "").split("-")[0].lower() == language for each in long), len(long)
