"""How far expected terms help, and what they spoil: listed words found, other words wrong, terms nobody said.

    python bench/terms.py CLIPS.tsv TERMS.txt [--bonus 0,4,6,8]

CLIPS.tsv has a line `path<TAB>text` a recording of at most 30 s, TERMS.txt a term a line (those of all recordings, and
others that nobody says). Each recording goes through Moonshine as one stretch of speech.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import jiwer
from clips import RATE, read_audio
from machine import describe
from whisper_normalizer.english import EnglishTextNormalizer

from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.moonshine import MoonshineEngine

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("terms", type=Path)
    parser.add_argument("--bonus", default="0,4,6,8", help="bonuses to compare; 0 is without terms")
    arguments = parser.parse_args()
    print(describe())
    engine = MoonshineEngine()
    engine.load()
    lines = [line.split("\t") for line in arguments.clips.read_text(encoding="utf-8").splitlines() if line.strip()]
    encodings = [(engine.encode(read_audio(Path(path))[:_LONGEST]), _NORMALISE(text)) for path, text in lines]
    terms = Terms.from_file(arguments.terms)
    normalised = [_NORMALISE(phrase) for phrase in terms.phrases]
    for bonus in map(float, arguments.bonus.split(",")):
        expected = Terms(terms.phrases if bonus else (), bonus)
        count = Count()
        begun = time.process_time()
        for encoding, said in encodings:
            count.add(said, _NORMALISE(engine.decode(encoding, terms=expected).text), normalised)
        print(
            f"bonus {bonus:4g}: {count.found}/{count.said} listed words, {count.invented} invented, other words wrong "
            f"{100 * count.wrong / count.others:.2f} %, {time.process_time() - begun:.1f} s"
        )


if __name__ == "__main__":
    main()
