"""Which model a folder holds, found from its files: an unpacked archive of sherpa-onnx's releases.

The library itself is told the kind by whoever calls it, and ends the process where a file is not what it was told. So
all that it relies on is looked at before: names, the metadata its exporters write, and the list of tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from lipstream.models.errors import ModelError
from lipstream.models.speech.sherpa.onnx_file import metadata_of


class Kind(Enum):
    """How a model works, and so how the library is to be called. Values are what people call it."""

    TRANSDUCER = "transducer"
    NEMO_TRANSDUCER = "NeMo transducer"
    ZIPFORMER_CTC = "Zipformer CTC"
    NEMO_CTC = "NeMo CTC"
    SENSE_VOICE = "SenseVoice"
    PARAFORMER = "Paraformer"
    WHISPER = "Whisper"
    MOONSHINE = "Moonshine"
    MOONSHINE_MERGED = "Moonshine, merged decoder"


@dataclass(frozen=True, slots=True)
class SherpaModel:
    """A model in a folder.

    Attributes:
        kind: what it is.
        parts: its files, by the part they are ("encoder", "model", ..., "tokens").
        metadata: what its exporter wrote into it: into `model`, or into the encoder.
    """

    kind: Kind
    parts: Mapping[str, Path]
    metadata: Mapping[str, str]


def kind_of(folder: Path) -> SherpaModel:
    """Find out which model a folder holds. Nothing is loaded.

    Where a file is there in several precisions the int8 one is taken, but for the small decoder of a transducer, which
    is taken unquantised, as the library's own examples do.

    Raises:
        ModelError: there is no model of a kind that is known, or more than one, or a file is damaged or lacks what the
            library needs; the message says what was found and what was expected.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; {_EXPECTED}")
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise ModelError(f"cannot look into {folder}: {error.strerror}") from error
    layouts = [found for layout in _LAYOUTS if (found := _files(layout, names))]
    layouts += _whispers(names)
    if not layouts:
        raise ModelError(f"{folder} has {_listed(names)}; {_EXPECTED}")
    if len(layouts) > 1:
        both = " and also ".join(_listed(sorted(layout.values())) for layout in layouts)
        raise ModelError(f"{folder} has more than one model: {both}; expected one, leave the other out")
    parts = {part: folder / name for part, name in layouts[0].items()}
    return _checked(folder, parts)


_EXPECTED: Final = (
    "expected a model of sherpa-onnx: tokens.txt with encoder*, decoder* and joiner*.onnx (transducer), with "
    "model*.onnx (CTC, SenseVoice, Paraformer), with preprocess, encode, uncached_decode and cached_decode.onnx or "
    "encoder_model and decoder_model_merged (Moonshine), or NAME-tokens.txt with NAME-encoder and NAME-decoder.onnx "
    "(Whisper)"
)
_MOST_NAMES: Final = 8

_LAYOUTS: Final = (
    {"encoder": r"encoder(?!_model)", "decoder": r"decoder(?!_model)", "joiner": r"joiner"},
    {"model": r"model"},
    {"preprocess": "preprocess$", "encode": "encode$", "uncached": "uncached_decode$", "cached": "cached_decode$"},
    {"encoder": r"encoder_model$", "decoder": r"decoder_model_merged$"},
)
"""Files of each way to lay out a model, by what their names begin with; all but Whisper's."""

_NETWORK = re.compile(r"(?P<stem>.+?)(?P<precision>\.int8|\.fp16|[-_]fp16|\.quant)?\.(?:onnx|ort)")
_PRECISIONS: Final = (".int8", ".quant", None, ".fp16", "-fp16", "_fp16")
"""The most wanted first."""


def _files(layout: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The files of a layout, by part; none if one of them is missing."""
    found = {}
    for part, pattern in layout.items():
        mine = [name for name in names if (match := _NETWORK.fullmatch(name)) and re.match(pattern, match["stem"])]
        if not mine:
            return {}
        whole_first = part == "decoder" and "joiner" in layout
        found[part] = _preferred(mine, whole_first)
    if "tokens.txt" not in names:
        raise ModelError(f"there is no tokens.txt beside {_listed(sorted(found.values()))}; unpack the model again")
    return {**found, "tokens": "tokens.txt"}


def _whispers(names: Sequence[str]) -> list[dict[str, str]]:
    """The Whisper models among files, by the part."""
    sizes = {match["stem"].removesuffix("-encoder") for name in names if (match := _NETWORK.fullmatch(name))}
    found = []
    for size in sorted(sizes):
        mine = {}
        for part in ("encoder", "decoder"):
            named = [n for n in names if (match := _NETWORK.fullmatch(n)) and match["stem"] == f"{size}-{part}"]
            if named:
                mine[part] = _preferred(named)
        if len(mine) < 2:
            continue
        if f"{size}-tokens.txt" not in names:
            raise ModelError(f"there is no {size}-tokens.txt beside {mine['encoder']}; unpack the model again")
        found.append({**mine, "tokens": f"{size}-tokens.txt"})
    return found


def _preferred(names: Sequence[str], whole_first: bool = False) -> str:
    """The one of several precisions of a file that is to be used.

    Raises:
        ModelError: they are different files.
    """
    matches = {name: _NETWORK.fullmatch(name) for name in names}
    if len({match["stem"] for match in matches.values() if match}) > 1:
        raise ModelError(f"cannot choose between {' and '.join(names)}; leave one of them in the folder")

    def rank(name: str) -> tuple[bool, int]:
        match = matches[name]
        precision = match["precision"] if match else None
        return whole_first and precision is not None, _PRECISIONS.index(precision)

    return min(names, key=rank)


_BY_METADATA: Final = {
    "zipformer2_ctc": Kind.ZIPFORMER_CTC,
    "EncDecCTCModelBPE": Kind.NEMO_CTC,
    "EncDecCTCModel": Kind.NEMO_CTC,
    "EncDecHybridRNNTCTCBPEModel": Kind.NEMO_CTC,
    "sense_voice_ctc": Kind.SENSE_VOICE,
    "paraformer": Kind.PARAFORMER,
}
"""Kinds of models in one file, by what their exporters call them."""
_NEMO_TRANSDUCERS: Final = ("EncDecRNNTBPEModel", "EncDecHybridRNNTCTCBPEModel")
_STREAMING: Final = ("decode_chunk_len", "cache_last_channel_dim1")
"""Metadata that only models for the library's other, streaming recogniser have."""

_LANGUAGES = tuple(f"lang_{code}" for code in ("auto", "zh", "en", "ja", "ko", "yue"))
_FEATURES = ("vocab_size", "lfr_window_size", "lfr_window_shift", "neg_mean", "inv_stddev")
_NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.NEMO_TRANSDUCER: ("vocab_size", "subsampling_factor", "pred_rnn_layers", "pred_hidden"),
    Kind.NEMO_CTC: ("vocab_size", "subsampling_factor"),
    Kind.SENSE_VOICE: (*_FEATURES, "normalize_samples", "with_itn", "without_itn", *_LANGUAGES),
    Kind.PARAFORMER: _FEATURES,
    Kind.WHISPER: (
        *("n_mels", "n_text_layer", "n_text_ctx", "n_text_state", "n_vocab", "sot", "eot", "blank_id", "translate"),
        *("transcribe", "is_multilingual", "no_timestamps", "no_speech", "sot_sequence"),
    ),
}
"""Metadata without which the library ends the process."""
_BLANKS: Final = {"<blk>", "<blank>", "<eps>"}
_BLANK_NEEDED: Final = (Kind.ZIPFORMER_CTC, Kind.NEMO_CTC)


def _checked(folder: Path, parts: Mapping[str, Path]) -> SherpaModel:
    """Tell the kind of what was found, and see that the library can load it."""
    known = {part: metadata_of(path) for part, path in parts.items() if path.suffix == ".onnx"}
    metadata = known.get("model", known.get("encoder", {}))
    kind = _told_kind(parts, metadata)
    if any(key in metadata for key in _STREAMING):
        raise ModelError(f"{folder} holds a streaming model; expected one for whole utterances (a non-streaming one)")
    main = parts.get("model", parts.get("encoder", folder))
    _see_that(main, metadata, _NEEDED.get(kind, ()))
    if kind is Kind.WHISPER and metadata["is_multilingual"] != "0":
        _see_that(main, metadata, ("all_language_tokens", "all_language_codes"))
    if kind is Kind.TRANSDUCER:
        _see_that(parts["decoder"], known["decoder"], ("vocab_size", "context_size"))
    tokens = _tokens(parts["tokens"])
    if kind in _BLANK_NEEDED and not _BLANKS & set(tokens):
        raise ModelError(f"{parts['tokens']} has no <blk>, <blank> or <eps>; unpack the model again")
    size = metadata.get("vocab_size", "")
    if kind is Kind.NEMO_TRANSDUCER and (str(len(tokens) - 1) != size or tokens.get("<blk>") != len(tokens) - 1):
        raise ModelError(f"{parts['tokens']} does not fit {main.name}: expected {size} tokens and <blk> as the last")
    return SherpaModel(kind, parts, metadata)


def _told_kind(parts: Mapping[str, Path], metadata: Mapping[str, str]) -> Kind:
    kind = metadata.get("model_type", "")
    if "joiner" in parts:
        return Kind.NEMO_TRANSDUCER if kind in _NEMO_TRANSDUCERS else Kind.TRANSDUCER
    if "cached" in parts:
        return Kind.MOONSHINE
    if "encoder" in parts:
        return Kind.WHISPER if parts["tokens"].name != "tokens.txt" else Kind.MOONSHINE_MERGED
    if kind in _BY_METADATA:
        return _BY_METADATA[kind]
    said = f"says that it is {kind!r}" if kind else "does not say what it is (metadata 'model_type')"
    raise ModelError(f"{parts['model']} {said}; expected one of {', '.join(_BY_METADATA)}")


def _see_that(path: Path, metadata: Mapping[str, str], needed: Iterable[str]) -> None:
    missing = [key for key in needed if not metadata.get(key)]
    if missing:
        raise ModelError(f"{path} lacks the metadata {_listed(missing)}; expected a file of sherpa-onnx's releases")


def _tokens(path: Path) -> dict[str, int]:
    """The tokens of a list, a line each, with their numbers.

    Raises:
        ModelError: the list cannot be read, or a line is none of it.
    """
    try:
        # Not splitlines: a token may be a sign that it takes for the end of a line.
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read {path} ({error}); unpack the model again") from error
    tokens = {}
    for line in lines:
        text, _, number = line.rstrip().rpartition(" ")
        if not number.isdecimal():
            raise ModelError(f"{path}: {line[:40]!r} is no token and its number; unpack the model again")
        tokens[text] = int(number)
    if not tokens:
        raise ModelError(f"{path} is empty; unpack the model again")
    return tokens


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "no files"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
