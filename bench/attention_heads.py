"""What each cross-attention head of the Moonshine decoder looks at: the table behind the aligner's choice of heads.

    python bench/attention_heads.py [--data DIR] [--clips N]

Without labels, on the recordings of the Moonshine package and the recogniser's own text: `order`, how many of the
peaks of successive tokens follow each other in time, and `focus`, how much of a look lies within 2 frames of its peak.
With --data (laid out as in grid.py), on the first N clips: where the peak of a word's row lies after the word's start
and end (median), and the median deviation from that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from clips import read_audio
from grid import CHOSEN_ON, Speller, read_clips
from machine import describe

from lipstream.models.assets import resolve
from lipstream.models.speech.alignment import (
    BOUNDARY_HEADS,
    CLOSING_TOKENS,
    LOOKAHEAD_HEADS,
    OPENING_TOKENS,
    TOKEN_HEADS,
)
from lipstream.models.speech.engine import SAMPLE_RATE
from lipstream.models.speech.moonshine import FRAME_RATE, MoonshineEngine
from lipstream.models.speech.tokenizer import START, Tokenizer
from lipstream.models.training.torch_decoder import MoonshineDecoder, load_decoder

Floats = npt.NDArray[np.float64]
CHUNK = 10 * SAMPLE_RATE
LONGEST_STEP = 1.5
"""Seconds from one token's peak to the next above which they do not count as following each other."""
ROLES = {"token": TOKEN_HEADS, "boundary": BOUNDARY_HEADS, "look-ahead": LOOKAHEAD_HEADS}


def attention(decoder: MoonshineDecoder, features: npt.NDArray[np.float32], tokens: list[int]) -> Floats:
    """(layers, heads, tokens, T): the row taken after each token."""
    with torch.inference_mode():
        output = decoder(torch.tensor([[START, *tokens]]), torch.tensor(features)[None])
    return output.cross_attention[0, :, :, 1:].double().numpy()


def unlabelled(engine: MoonshineEngine, decoder: MoonshineDecoder) -> tuple[Floats, Floats]:
    """(layers, heads) order and focus on read and acted speech."""
    order, focus = [], []
    for name in ("two_cities.wav", "beckett.wav"):
        audio = read_audio(resolve(f"media/{name}"))
        for at in range(0, len(audio) - CHUNK // 2, CHUNK):
            encoding = engine.encode(audio[at : at + CHUNK])
            tokens = list(engine.decode(encoding).tokens)
            audible = [i for i, token in enumerate(tokens) if token not in CLOSING_TOKENS | OPENING_TOKENS]
            rows = attention(decoder, encoding.features, tokens)[:, :, audible]
            peaks = rows.argmax(axis=-1)
            steps = np.diff(peaks, axis=-1)
            order.append((steps >= 0) & (steps < LONGEST_STEP * FRAME_RATE))
            near = np.abs(np.arange(rows.shape[-1]) - peaks[..., None]) <= 2
            focus.append((rows * near).sum(axis=-1))
    return np.concatenate(order, axis=-1).mean(axis=-1), np.concatenate(focus, axis=-1).mean(axis=-1)


def labelled(engine: MoonshineEngine, decoder: MoonshineDecoder, folder: Path, count: int) -> Iterator[Floats]:
    """(layers, heads, 2) seconds from a word's start and end to the peak of its row, for each word but the last."""
    speller = Speller(Tokenizer.from_file(resolve("moonshine-tiny-en/tokenizer.bin")))
    for clip in read_clips(folder)[: min(count, CHOSEN_ON)]:
        tokens, firsts = speller.command(clip)
        rows = attention(decoder, engine.encode(clip.audio()).features, tokens)
        times = (rows.argmax(axis=-1) + 0.5) / FRAME_RATE
        for word, first, following in zip(clip.words, firsts, firsts[1:], strict=False):
            if following == first + 1:
                yield np.stack([times[..., first] - word.start, times[..., first] - word.end], axis=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with words.tsv and clips/")
    parser.add_argument("--clips", type=int, default=150, help="how many clips (default 150)")
    arguments = parser.parse_args()
    print(describe())
    engine = MoonshineEngine()
    engine.load()
    decoder = load_decoder(resolve("moonshine-tiny-en/decoder_model_merged.ort"))
    order, focus = unlabelled(engine, decoder)
    columns = ""
    if arguments.data:
        peaks = np.stack(list(labelled(engine, decoder, arguments.data, arguments.clips)))
        centre = np.median(peaks, axis=0)
        spread = np.median(np.abs(peaks - centre), axis=0)
        columns = "   after start, ms   after end, ms"
    print(f"head  order  focus{columns}   used for")
    for layer, head in sorted(np.ndindex(order.shape), key=lambda at: -order[at] * focus[at]):
        row = f"{layer}.{head}   {order[layer, head]:5.2f}  {focus[layer, head]:5.2f}"
        if columns:
            for edge in range(2):
                row += f"     {1000 * centre[layer, head, edge]:5.0f} ± {1000 * spread[layer, head, edge]:3.0f}"
        print(row, "  ", ", ".join(role for role, heads in ROLES.items() if (layer, head) in heads))


if __name__ == "__main__":
    main()
