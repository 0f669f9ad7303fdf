"""Error of the word times of Moonshine against the alignments of the GRID corpus.

    python bench/word_times.py --data DIR [--clips N] [--snr DB]

DIR holds `words.tsv` and `clips/` (see grid.py). The clips that the aligner was tuned on are left out. The true text
is put through the decoder (many commands are misheard); then once more with 1 s of the clip's own silence put between
two words; then the words of the recogniser's own text that match the truth are timed, as the product does it. --snr
adds white noise that many decibels below the words.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from clips import read_audio
from grid import CHOSEN_ON, DIGITS, Clip, Speller, SpokenWord, read_clips
from machine import describe, percentile

from lipstream.models.assets import resolve
from lipstream.models.speech.alignment import CrossAttentionAligner, frame_levels
from lipstream.models.speech.engine import SAMPLE_RATE
from lipstream.models.speech.moonshine import MoonshineEngine
from lipstream.models.speech.tokenizer import Tokenizer

Float32 = npt.NDArray[np.float32]
PAUSE = 1.0
"""Seconds of silence put between two words."""


class Errors:
    """Absolute errors of starts and ends in seconds, a row of the table."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.starts: list[float] = []
        self.ends: list[float] = []

    def add(self, word: SpokenWord, start: float | None = None, end: float | None = None) -> None:
        """Compare a word's times, where they are given, with the truth."""
        if start is not None:
            self.starts.append(start - word.start)
        if end is not None:
            self.ends.append(end - word.end)

    def __str__(self) -> str:
        return f"{self.name:44} start {_row(self.starts)}   end {_row(self.ends)}   n={len(self.starts)}"


def _row(errors: Sequence[float]) -> str:
    sizes = [1000 * abs(error) for error in errors]
    bias = 1000 * percentile(errors, 0.5)
    return f"median {percentile(sizes, 0.5):3.0f}  p90 {percentile(sizes, 0.9):3.0f}  bias {bias:+4.0f} ms"


class Bench:
    """The networks and the rows."""

    def __init__(self, snr: float | None = None) -> None:
        """`snr`: ratio of words to added white noise in decibels; None adds none."""
        self.snr = snr
        self.engine = MoonshineEngine()
        self.engine.load()
        self.aligner = CrossAttentionAligner(resolve("moonshine-tiny-en/decoder_model_merged.ort"))
        self.aligner.load()
        self.speller = Speller(Tokenizer.from_file(resolve("moonshine-tiny-en/tokenizer.bin")))
        self.random = np.random.default_rng(0)
        self.forced = {level: Errors(f"true text{level}") for level in ("", ", with sound level")}
        self.paused = {level: Errors(f"beside a 1 s pause{level}") for level in ("", ", with sound level")}
        self.heard = Errors("recognised words that match")

    def measure(self, clip: Clip) -> None:
        """Add one clip to every row."""
        audio = clip.audio() if self.snr is None else self._noisy(clip, clip.audio(), self.snr)
        for row, times in zip(self.forced.values(), self._forced_times(clip, audio), strict=True):
            for word, (start, end) in zip(clip.words, times, strict=True):
                row.add(word, start, end)
        cut = int(self.random.integers(1, len(clip.words)))
        at = clip.words[cut].start
        paused = self._forced_times(clip, insert_pause(audio, clip, at))
        for row, times in zip(self.paused.values(), paused, strict=True):
            row.add(clip.words[cut - 1], end=times[cut - 1][1])
            row.add(clip.words[cut], start=times[cut][0] - PAUSE)
        self._measure_heard(clip, audio)

    def _noisy(self, clip: Clip, audio: Float32, snr: float) -> Float32:
        spoken = audio[int(clip.words[0].start * SAMPLE_RATE) : int(clip.words[-1].end * SAMPLE_RATE)]
        noise = self.random.standard_normal(len(audio), np.float32)
        return audio + noise * np.sqrt(np.mean(spoken**2)) * np.float32(10 ** (-snr / 20))

    def _forced_times(self, clip: Clip, audio: Float32) -> list[list[tuple[float, float]]]:
        """Times of the true words, without and with the sound level."""
        tokens, firsts = self.speller.command(clip)
        lasts = [*(first - 1 for first in firsts[1:]), len(tokens) - 1]
        encoding = self.engine.encode(audio)
        levels = frame_levels(audio, len(encoding.features), encoding.frame_rate)
        both = [self.aligner.token_times(encoding, tokens, level) for level in (None, levels)]
        return [[(float(t[a, 0]), float(t[b, 1])) for a, b in zip(firsts, lasts, strict=True)] for t in both]

    def _measure_heard(self, clip: Clip, audio: Float32) -> None:
        encoding = self.engine.encode(audio)
        words = self.engine.align(encoding, self.engine.decode(encoding))
        said = [word.text for word in clip.words]
        matcher = SequenceMatcher(None, said, [plain(word.text) for word in words], autojunk=False)
        for true_at, heard_at, size in matcher.get_matching_blocks():
            for word, timed in zip(clip.words[true_at:], words[heard_at : heard_at + size], strict=False):
                self.heard.add(word, timed.start, timed.end)


def plain(word: str) -> str:
    """A recognised word as the corpus writes it."""
    bare = "".join(letter for letter in word.lower() if letter.isalnum())
    return DIGITS[int(bare)] if bare in "0123456789" and bare else bare


def insert_pause(audio: Float32, clip: Clip, at: float) -> Float32:
    """Silence from before the first word, to and fro, put in at a time."""
    lead = audio[800 : max(3000, int((clip.words[0].start - 0.1) * SAMPLE_RATE))]
    silence = np.resize(np.concatenate([lead, lead[::-1]]), int(PAUSE * SAMPLE_RATE))
    return np.insert(audio, int(at * SAMPLE_RATE), silence)


def cost(bench: Bench, repeats: int = 20) -> str:
    """Time of one call on 10 s of read speech."""
    encoding = bench.engine.encode(read_audio(resolve("media/two_cities.wav"))[: 10 * SAMPLE_RATE])
    tokens = bench.engine.decode(encoding).tokens[:30]
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        bench.aligner.token_times(encoding, tokens)
        times.append(time.perf_counter() - began)
    took = 1000 * percentile(times, 0.5)
    return f"{len(tokens)} tokens on 10 s: median {took:.0f} ms a call, {torch.get_num_threads()} torch threads"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with words.tsv and clips/")
    parser.add_argument("--clips", type=int, default=200, help="how many clips (default 200)")
    parser.add_argument("--snr", type=float, help="add white noise: decibels below the words")
    arguments = parser.parse_args()
    print(describe())
    clips = read_clips(arguments.data)[CHOSEN_ON:][: arguments.clips]
    bench = Bench(arguments.snr)
    print(cost(bench))
    for clip in clips:
        bench.measure(clip)
    print(f"{len(clips)} clips, {sum(len(clip.words) for clip in clips)} words")
    for row in (*bench.forced.values(), *bench.paused.values(), bench.heard):
        print(row)


if __name__ == "__main__":
    main()
