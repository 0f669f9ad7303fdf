"""A Whisper of a few thousand random weights, written to files as a real one is."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH, HEADS, LAYERS, BANDS, MOST_TOKENS = 16, 2, 2, 80, 64
LANGUAGES = ("en", "de", "ja")
WORDS = (" the", " times", " best", " worst", " of", "Hello", " ...", "...", ' "', " $", "5", "日本", ".")
TYPES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def ct2_bytes(
    variables: Mapping[str, np.ndarray], aliases: Mapping[str, str], kind: str = "WhisperSpec", version: int = 6
) -> bytes:
    """A model file of CTranslate2."""
    parts = [struct.pack("<I", version), _text(kind), struct.pack("<II", 3, len(variables))]
    for name, value in variables.items():
        parts += [_text(name), struct.pack("<B", value.ndim), struct.pack(f"<{value.ndim}I", *value.shape)]
        parts += [struct.pack("<BI", TYPES[value.dtype.name], value.nbytes), value.tobytes()]
    parts.append(struct.pack("<I", len(aliases)))
    parts += [_text(text) for pair in aliases.items() for text in pair]
    return b"".join(parts)


def _text(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def write_tokenizer(path: Path, *, multilingual: bool = True, left_out: str = "") -> None:
    """Bytes, a few words, and the signs of Whisper; those of English alone end at 50256, as the real ones do."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = dict.fromkeys([*alphabet, *_all_parts()])
    if not multilingual:
        pieces |= dict.fromkeys(f"<{number}>" for number in range(50_256 - len(pieces)))
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocabulary, _merges()))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    signs = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe", "startofprev", "nospeech"]
    signs += ["notimestamps", "0.00"]
    tokenizer.add_special_tokens([AddedToken(f"<|{sign}|>", special=True) for sign in signs if sign != left_out])
    tokenizer.save(str(path))


def _byte_pieces(word: str) -> list[str]:
    """A word's bytes as the vocabulary writes them."""
    (pair,) = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(word)
    return list(pair[0])


def _merges() -> list[tuple[str, str]]:
    merges = []
    for word in WORDS:
        pieces = _byte_pieces(word)
        merges += [("".join(pieces[:at]), pieces[at]) for at in range(1, len(pieces))]
    return list(dict.fromkeys(merges))


def _all_parts() -> list[str]:
    return [first + second for first, second in _merges()]


def weights(size: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights for `size` tokens, float32, large enough for texts that differ."""
    random = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return random.normal(scale=scale / np.sqrt(shape[-1]), size=shape).astype(np.float32)

    found = {
        "encoder/num_heads": np.int16(HEADS).reshape(()),
        "decoder/num_heads": np.int16(HEADS).reshape(()),
        "encoder/conv1/weight": normal(WIDTH, BANDS, 3),
        "encoder/conv1/bias": normal(WIDTH),
        "encoder/conv2/weight": normal(WIDTH, WIDTH, 3),
        "encoder/conv2/bias": normal(WIDTH),
        "encoder/position_encodings/encodings": normal(1500, WIDTH),
        "decoder/embeddings/weight": normal(size, WIDTH, scale=4.0),
        "decoder/position_encodings/encodings": normal(MOST_TOKENS, WIDTH, scale=4.0),
    }
    for part in ("encoder", "decoder"):
        for name in (f"{part}/layer_norm", *_norms(part)):
            found[f"{name}/gamma"], found[f"{name}/beta"] = normal(WIDTH) + 1.0, normal(WIDTH)
        for layer in range(LAYERS):
            for name, rows, columns in _linears(part):
                found[f"{part}/layer_{layer}/{name}/weight"] = normal(rows, columns, scale=2.0)
                found[f"{part}/layer_{layer}/{name}/bias"] = normal(rows)
    return found


def _norms(part: str) -> list[str]:
    inside = ["self_attention", "ffn", *(["attention"] if part == "decoder" else [])]
    return [f"{part}/layer_{layer}/{name}/layer_norm" for layer in range(LAYERS) for name in inside]


def _linears(part: str) -> list[tuple[str, int, int]]:
    found = [("self_attention/linear_0", 3 * WIDTH, WIDTH), ("self_attention/linear_1", WIDTH, WIDTH)]
    if part == "decoder":
        found += [("attention/linear_0", WIDTH, WIDTH), ("attention/linear_1", 2 * WIDTH, WIDTH)]
        found += [("attention/linear_2", WIDTH, WIDTH)]
    return [*found, ("ffn/linear_0", 4 * WIDTH, WIDTH), ("ffn/linear_1", WIDTH, 4 * WIDTH)]


ALIASES = {"decoder/projection/weight": "decoder/embeddings/weight"}


def write_folder(folder: Path, *, seed: int = 0) -> Path:
    """A whole model that knows `LANGUAGES`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    size = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    (folder / "model.bin").write_bytes(ct2_bytes(weights(size, seed), ALIASES))
    (folder / "config.json").write_text(json.dumps({"alignment_heads": [[1, 0]], "suppress_ids": []}))
    return folder
