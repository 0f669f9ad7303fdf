"""Models of a few hundred weights in the formats of sherpa-onnx: they hear tones and say a piece of a word for each.

A tone is a piece: the loudest of some mel bands tells which. Silence is the blank.
"""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from tests.models.speech.sherpa.onnx_writer import FLOAT, INT32, INT64, node, value, write

RATE = 16_000
TONES = (400.0, 800.0, 1400.0, 2200.0, 3400.0)
"""Hertz; in the order of the pieces."""
PIECES = ("▁hel", "lo", "▁wor", "ld", "▁yes")
BLANK_LOGIT = 7.0


def sound(*parts: tuple[int | None, float]) -> np.ndarray:
    """Tones (their number, or None for silence) and their seconds, one after the other."""
    pieces = []
    for tone, seconds in parts:
        time = np.arange(round(seconds * RATE)) / RATE
        pieces.append(np.zeros(len(time)) if tone is None else 0.3 * np.sin(2 * np.pi * TONES[tone] * time))
    noise = np.random.default_rng(0).normal(0, 1e-4, sum(map(len, pieces)))
    return (np.concatenate(pieces) + noise).astype(np.float32)


def _htk(hertz: float) -> float:
    return 1127.0 * float(np.log(1.0 + hertz / 700.0))


def _slaney(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15.0 + 27.0 * float(np.log(hertz / 1000) / np.log(6.4))


ICEFALL = _htk, 20.0, 7600.0
NEMO = _slaney, 0.0, 8000.0
"""Scales of the mel bands, and where they begin and end in hertz."""


def weights(tokens: int, firsts: int, blank: int, scale=ICEFALL) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (80, tokens) and bias (tokens,): how much louder a tone's band is than all of them on average."""
    matrix = np.zeros((80, tokens), np.float32)
    mel, low, high = scale
    step = (mel(high) - mel(low)) / 81
    mine = [round((mel(tone) - mel(low)) / step) - 1 for tone in TONES]
    for at, band in enumerate(mine):
        matrix[max(0, band - 1) : band + 2, firsts + at] += 1 / 3
        matrix[mine, firsts + at] -= 1 / len(mine)
    bias = np.full(tokens, -50.0, np.float32)
    bias[firsts : firsts + len(mine)] = 0.0
    bias[blank] = BLANK_LOGIT
    return matrix, bias


def _tokens(folder: Path, tokens: tuple[str, ...], name: str = "tokens.txt") -> None:
    (folder / name).write_text("".join(f"{text} {at}\n" for at, text in enumerate(tokens)), encoding="utf-8")


def _hearing(source: str, channels_first: bool) -> list[bytes]:
    """From features to logits (N, T / 4, V), named "logits"."""
    turned = [] if channels_first else [node("Transpose", [source], ["turned"], perm=[0, 2, 1])]
    return [
        *turned,
        node("AveragePool", [source if channels_first else "turned"], ["pooled"], kernel_shape=[4], strides=[4]),
        node("Transpose", ["pooled"], ["slow"], perm=[0, 2, 1]),
        node("MatMul", ["slow", "matrix"], ["heard"]),
        node("Add", ["heard", "bias"], ["logits"]),
    ]


def zipformer_ctc(folder: Path, name: str = "model.onnx", **metadata: object) -> Path:
    tokens = ("<blk>", "<unk>", *PIECES)
    matrix, bias = weights(len(tokens), 2, 0)
    write(
        folder / name,
        [value("x", FLOAT, ["N", "T", 80]), value("x_lens", INT64, ["N"])],
        [value("log_probs", FLOAT, ["N", "S", len(tokens)]), value("log_probs_len", INT64, ["N"])],
        [
            *_hearing("x", False),
            node("LogSoftmax", ["logits"], ["log_probs"], axis=-1),
            node("Div", ["x_lens", "four"], ["log_probs_len"]),
        ],
        {"matrix": matrix, "bias": bias, "four": np.array([4], np.int64)},
        {"model_type": "zipformer2_ctc", "version": 1, **metadata},
    )
    _tokens(folder, tokens)
    return folder


def nemo_ctc(folder: Path) -> Path:
    tokens = (*PIECES, "<blk>")
    matrix, bias = weights(len(tokens), 0, len(PIECES), NEMO)
    write(
        folder / "model.int8.onnx",
        [value("audio_signal", FLOAT, ["N", 80, "T"]), value("length", INT64, ["N"])],
        [value("logprobs", FLOAT, ["N", "S", len(tokens)])],
        # The length is an input that has to be there, and to be used.
        [
            *_hearing("audio_signal", True),
            node("Cast", ["length"], ["lengthened"], to=1),
            node("Mul", ["lengthened", "nought"], ["nothing"]),
            node("Add", ["logits", "nothing"], ["whole"]),
            node("LogSoftmax", ["whole"], ["logprobs"], axis=-1),
        ],
        {"matrix": matrix, "bias": bias, "nought": np.zeros(1, np.float32)},
        {
            "model_type": "EncDecCTCModelBPE",
            "vocab_size": len(PIECES),
            "subsampling_factor": 4,
            "normalize_type": "",
        },
    )
    _tokens(folder, tokens)
    return folder


def transducer(folder: Path, epoch: str = "epoch-99-avg-1") -> Path:
    """A piece is said once: what was said last is held back by the decoder."""
    tokens = ("<blk>", "<unk>", *PIECES)
    size = len(tokens)
    matrix, bias = weights(size, 2, 0)
    write(
        folder / f"encoder-{epoch}.int8.onnx",
        [value("x", FLOAT, ["N", "T", 80]), value("x_lens", INT64, ["N"])],
        [value("encoder_out", FLOAT, ["N", "S", size]), value("encoder_out_lens", INT64, ["N"])],
        [
            *_hearing("x", False),
            node("Identity", ["logits"], ["encoder_out"]),
            node("Div", ["x_lens", "four"], ["encoder_out_lens"]),
        ],
        {"matrix": matrix, "bias": bias, "four": np.array([4], np.int64)},
        {"model_type": "zipformer2", "version": 1},
    )
    held = np.eye(size, dtype=np.float32) * 100
    held[0] = 0
    write(
        folder / f"decoder-{epoch}.onnx",
        [value("y", INT64, ["N", 2])],
        [value("decoder_out", FLOAT, ["N", size])],
        [node("Gather", ["y", "last"], ["said"], axis=1), node("Gather", ["held", "said"], ["decoder_out"], axis=0)],
        {"last": np.array(1, np.int64), "held": held},
        {"vocab_size": size, "context_size": 2},
    )
    write(
        folder / f"joiner-{epoch}.int8.onnx",
        [value("encoder_out", FLOAT, ["N", size]), value("decoder_out", FLOAT, ["N", size])],
        [value("logit", FLOAT, ["N", size])],
        [node("Sub", ["encoder_out", "decoder_out"], ["logit"])],
        {},
        {"joiner_dim": size},
    )
    _tokens(folder, tokens)
    return folder


def nemo_transducer(folder: Path) -> Path:
    tokens = (*PIECES, "<blk>")
    size = len(tokens)
    matrix, bias = weights(size, 0, len(PIECES), NEMO)
    write(
        folder / "encoder.int8.onnx",
        [value("audio_signal", FLOAT, ["N", 80, "T"]), value("length", INT64, ["N"])],
        [value("outputs", FLOAT, ["N", size, "S"]), value("encoded_lengths", INT64, ["N"])],
        [
            *_hearing("audio_signal", True),
            node("Transpose", ["logits"], ["outputs"], perm=[0, 2, 1]),
            node("Div", ["length", "four"], ["encoded_lengths"]),
        ],
        {"matrix": matrix, "bias": bias, "four": np.array([4], np.int64)},
        {
            "model_type": "EncDecRNNTBPEModel",
            "vocab_size": len(PIECES),
            "subsampling_factor": 4,
            "normalize_type": "",
            "pred_rnn_layers": 1,
            "pred_hidden": 2,
        },
    )
    held = np.eye(size, dtype=np.float32) * 100
    held[-1] = 0
    state = [1, "N", 2]
    write(
        folder / "decoder.int8.onnx",
        [
            value("targets", INT32, ["N", 1]),
            value("target_length", INT32, ["N"]),
            value("states.1", FLOAT, state),
            value("onnx::Slice_3", FLOAT, state),
        ],
        [
            value("outputs", FLOAT, ["N", size, 1]),
            value("prednet_lengths", INT32, ["N"]),
            value("states", FLOAT, state),
            value("162", FLOAT, state),
        ],
        [
            node("Gather", ["held", "targets"], ["said"], axis=0),
            node("Transpose", ["said"], ["outputs"], perm=[0, 2, 1]),
            node("Identity", ["target_length"], ["prednet_lengths"]),
            node("Identity", ["states.1"], ["states"]),
            node("Identity", ["onnx::Slice_3"], ["162"]),
        ],
        {"held": held},
        {},
    )
    write(
        folder / "joiner.int8.onnx",
        [value("encoder_outputs", FLOAT, ["N", size, 1]), value("decoder_outputs", FLOAT, ["N", size, 1])],
        [value("outputs", FLOAT, ["N", 1, 1, size])],
        [
            node("Sub", ["encoder_outputs", "decoder_outputs"], ["difference"]),
            node("Reshape", ["difference", "shape"], ["outputs"]),
        ],
        {"shape": np.array([-1, 1, 1, size], np.int64)},
        {},
    )
    _tokens(folder, tokens)
    return folder


def sense_voice(folder: Path) -> Path:
    """It takes all for English unless told otherwise: Japanese for that, Korean for no speech."""
    signs = ("<|en|>", "<|ja|>", "<|nospeech|>", "<|NEUTRAL|>", "<|Speech|>", "<|withitn|>")
    tokens = ("<unk>", *signs, *PIECES)
    size = len(tokens)
    matrix, bias = weights(size, 1 + len(signs), 0)
    wide = np.zeros((560, size), np.float32)
    wide[3 * 80 : 4 * 80] = matrix * 1.0
    heads = np.full((3, 4, size), -50, np.float32)
    for language, sign in enumerate((1, 2, 3)):
        for at, token in enumerate((sign, 4, 5, 6)):
            heads[language, at, token] = 50
    write(
        folder / "model.onnx",
        [value("x", FLOAT, ["N", "T", 560])] + [value(n, INT32, ["N"]) for n in ("x_length", "language", "text_norm")],
        [value("logits", FLOAT, ["N", "S", size])],
        [
            node("MatMul", ["x", "wide"], ["heard"]),
            node("Add", ["heard", "bias"], ["pieces"]),
            node("Gather", ["heads", "language"], ["head"], axis=0),
            node("Add", ["x_length", "text_norm"], ["unused"]),
            node("Cast", ["unused"], ["unused_float"], to=1),
            node("Mul", ["unused_float", "nought"], ["nothing"]),
            node("Concat", ["head", "pieces"], ["whole"], axis=1),
            node("Add", ["whole", "nothing"], ["logits"]),
        ],
        {"wide": wide, "bias": bias, "heads": heads, "nought": np.zeros(1, np.float32)},
        {
            "model_type": "sense_voice_ctc",
            "vocab_size": size,
            "lfr_window_size": 7,
            "lfr_window_shift": 6,
            "normalize_samples": 1,
            "with_itn": 1,
            "without_itn": 2,
            **{"lang_auto": 0, "lang_zh": 0, "lang_en": 0, "lang_ja": 1, "lang_ko": 2, "lang_yue": 0},
            "neg_mean": ",".join(["0"] * 560),
            "inv_stddev": ",".join(["1"] * 560),
        },
    )
    _tokens(folder, tokens)
    return folder


WHISPER_TEXT = (" Hello", " there", ".", " Hallo", " (music)")


def whisper(folder: Path, name: str = "tiny", multilingual: bool = True) -> Path:
    """It says what the signs before the text ask for, whatever it hears; told none, it takes all for German.

    English: " Hello there."; German: " Hallo there."; translated: " there."
    """
    signs = ("<sot>", "<en>", "<de>", "<transcribe>", "<translate>", "<notimestamps>", "<nospeech>", "<eot>")
    hello, there, stop, hallo, music = range(len(WHISPER_TEXT))
    sot, english, german, transcribe, translate, plain, silent, end = range(len(WHISPER_TEXT), len(WHISPER_TEXT) + 8)
    size = len(WHISPER_TEXT) + len(signs)
    follows = np.zeros((size, size), np.float32)
    follows[sot, [german, english]] = 2, 1
    follows[english, hello] = follows[german, hallo] = 10
    follows[translate, there] = 20
    for before, after in ((hello, there), (hallo, there), (there, stop), (stop, end), (music, end)):
        follows[before, after] = 10
    if not multilingual:
        follows[sot, hello] = 10
    state = [1, "N", "C", 2]
    cross = [1, "N", "S", 2]
    write(
        folder / f"{name}-encoder.int8.onnx",
        [value("mel", FLOAT, ["N", 80, "T"])],
        [value("n_layer_cross_k", FLOAT, cross), value("n_layer_cross_v", FLOAT, cross)],
        [
            node("MatMul", ["two", "mel"], ["small"]),
            node("Transpose", ["small"], ["turned"], perm=[0, 2, 1]),
            node("Reshape", ["turned", "shape"], ["n_layer_cross_k"]),
            node("Identity", ["n_layer_cross_k"], ["n_layer_cross_v"]),
        ],
        {"two": np.zeros((2, 80), np.float32), "shape": np.array([1, 1, -1, 2], np.int64)},
        {
            "model_type": "whisper-tiny",
            **{"n_mels": 80, "n_text_layer": 1, "n_text_ctx": 448, "n_text_state": 2, "n_vocab": size},
            **{"sot": sot, "eot": end, "blank_id": there, "translate": translate, "transcribe": transcribe},
            **{"is_multilingual": int(multilingual), "no_timestamps": plain, "no_speech": silent},
            "sot_sequence": f"{sot},{english},{transcribe}" if multilingual else f"{sot}",
            "all_language_tokens": f"{english},{german}",
            "all_language_codes": "en,de",
        },
    )
    write(
        folder / f"{name}-decoder.int8.onnx",
        [
            value("tokens", INT64, ["N", "n"]),
            value("in_n_layer_self_k_cache", FLOAT, state),
            value("in_n_layer_self_v_cache", FLOAT, state),
            value("n_layer_cross_k", FLOAT, cross),
            value("n_layer_cross_v", FLOAT, cross),
            value("offset", INT64, [1]),
        ],
        [
            value("logits", FLOAT, ["N", "n", size]),
            value("out_n_layer_self_k_cache", FLOAT, state),
            value("out_n_layer_self_v_cache", FLOAT, state),
        ],
        [
            node("Gather", ["follows", "tokens"], ["rows"], axis=0),
            node("CumSum", ["rows", "one"], ["summed"]),
            # All inputs have to be used.
            node("ReduceSum", ["n_layer_cross_k"], ["k"], keepdims=0),
            node("ReduceSum", ["n_layer_cross_v"], ["v"], keepdims=0),
            node("Cast", ["offset"], ["at"], to=1),
            node("Add", ["k", "v"], ["kv"]),
            node("Add", ["kv", "at"], ["all"]),
            node("Mul", ["all", "nought"], ["nothing"]),
            node("Add", ["summed", "nothing"], ["logits"]),
            node("Identity", ["in_n_layer_self_k_cache"], ["out_n_layer_self_k_cache"]),
            node("Identity", ["in_n_layer_self_v_cache"], ["out_n_layer_self_v_cache"]),
        ],
        {"follows": follows, "one": np.array(1, np.int64), "nought": np.zeros(1, np.float32)},
        {},
    )
    texts = [base64.b64encode(text.encode()).decode() for text in WHISPER_TEXT]
    _tokens(folder, tuple(texts), f"{name}-tokens.txt")
    return folder
