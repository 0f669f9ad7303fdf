"""How far expected terms help, and what they spoil: listed words found, other words wrong, terms nobody said.

    python bench/terms.py CLIPS.tsv TERMS.txt [--recogniser moonshine] [--bonus 0,4,6,8] [--partial]

CLIPS.tsv has a line `path<TAB>text` a recording of at most 30 s, TERMS.txt a term a line (those of all recordings, and
others that nobody says). Each recording is read as one stretch of speech, with Whisper as English; with --partial
as speech that goes on is read, which is greedily.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jiwer
from clips import RATE, read_audio
from machine import describe
from whisper_normalizer.english import EnglishTextNormalizer

from lipstream.models.speech.engine import Float32
from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.moonshine import MoonshineEngine
from lipstream.models.speech.recogniser import Hints, Utterance
from lipstream.models.speech.whisper.recogniser import WhisperRecogniser

Read = Callable[[Terms], str]

_LONGEST = 30 * RATE
_NORMALISE = EnglishTextNormalizer()


@dataclass
class Count:
    """Sums over recordings."""

    said: int = 0
    found: int = 0
    invented: int = 0
    others: int = 0
    wrong: int = 0

    def add(self, said: str, read: str, terms: list[str]) -> None:
        """Count one recording; all texts normalised."""
        own = [term for term in terms if _has(said, term)]
        self.said += len(own)
        self.found += sum(_has(read, term) for term in own)
        self.invented += sum(_has(read, term) for term in terms if term not in own)
        words = said.split()
        listed = {
            at + each
            for term in own
            for at in range(len(words))
            if words[at : at + len(term.split())] == term.split()
            for each in range(len(term.split()))
        }
        self.others += len(words) - len(listed)
        for chunk in jiwer.process_words(said, read).alignments[0]:
            places = range(chunk.ref_start_idx, chunk.ref_end_idx)
            if chunk.type == "insert" and not listed & {places.start - 1, places.start}:
                self.wrong += chunk.hyp_end_idx - chunk.hyp_start_idx
            elif chunk.type in ("substitute", "delete"):
                self.wrong += sum(at not in listed for at in places)


def _has(text: str, term: str) -> bool:
    return f" {term} " in f" {text} "


def with_moonshine(sounds: list[Float32], whole: bool) -> list[Read]:
    """What reads each sound; it is encoded only once. Moonshine reads finished speech as it reads any."""
    engine = MoonshineEngine()
    engine.load()

    def reading(sound: Float32) -> Read:
        encoding = engine.encode(sound)
        return lambda terms: engine.decode(encoding, terms=terms).text

    return [reading(sound) for sound in sounds]


def with_whisper(sounds: list[Float32], whole: bool) -> list[Read]:
    """What reads each sound, encoding it anew."""
    recogniser = WhisperRecogniser()
    recogniser.load()

    def reading(sound: Float32) -> Read:
        utterance = Utterance(sound, len(sound) / RATE, whole=whole)
        return lambda terms: recogniser.recognise(utterance, Hints(language="en", terms=terms)).text

    return [reading(sound) for sound in sounds]


RECOGNISERS = {"moonshine": with_moonshine, "whisper": with_whisper}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("terms", type=Path)
    parser.add_argument("--recogniser", choices=RECOGNISERS, default="moonshine")
    parser.add_argument("--bonus", default="0,4,6,8", help="bonuses to compare; 0 is without terms")
    parser.add_argument("--partial", action="store_true", help="read as speech that goes on")
    arguments = parser.parse_args()
    print(describe())
    lines = [line.split("\t") for line in arguments.clips.read_text(encoding="utf-8").splitlines() if line.strip()]
    sounds = [read_audio(Path(path))[:_LONGEST] for path, _ in lines]
    reads = RECOGNISERS[arguments.recogniser](sounds, not arguments.partial)
    texts = [_NORMALISE(text) for _, text in lines]
    terms = Terms.from_file(arguments.terms)
    normalised = [_NORMALISE(phrase) for phrase in terms.phrases]
    for bonus in map(float, arguments.bonus.split(",")):
        expected = Terms(terms.phrases if bonus else (), bonus)
        count = Count()
        begun = time.process_time()
        for read, said in zip(reads, texts, strict=True):
            count.add(said, _NORMALISE(read(expected)), normalised)
        print(
            f"bonus {bonus:4g}: {count.found}/{count.said} listed words, {count.invented} invented, other words wrong "
            f"{100 * count.wrong / count.others:.2f} %, {time.process_time() - begun:.1f} s"
        )


if __name__ == "__main__":
    main()
