"""Which model a folder holds, from its files alone; sherpa-onnx is not needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lipstream.models.errors import ModelError
from lipstream.models.speech.sherpa.folder import Kind, kind_of
from lipstream.models.speech.sherpa.onnx_file import metadata_of
from tests.models.speech.sherpa import tiny_models
from tests.models.speech.sherpa.onnx_writer import write

SENSE_VOICE_FEATURES = dict.fromkeys(("vocab_size", "lfr_window_size", "lfr_window_shift", "neg_mean", "inv_stddev"), 1)


def onnx(folder: Path, *names: str, **metadata: object) -> None:
    for name in names:
        write(folder / name, [], [], [], {}, metadata)


def tokens(folder: Path, name: str = "tokens.txt", *texts: str) -> None:
    lines = texts or ("<blk>", "a")
    (folder / name).write_text("".join(f"{text} {at}\n" for at, text in enumerate(lines)), encoding="utf-8")


def chosen(folder: Path) -> dict[str, str]:
    return {part: path.name for part, path in kind_of(folder).parts.items()}


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (tiny_models.transducer, Kind.TRANSDUCER),
        (tiny_models.nemo_transducer, Kind.NEMO_TRANSDUCER),
        (tiny_models.zipformer_ctc, Kind.ZIPFORMER_CTC),
        (tiny_models.nemo_ctc, Kind.NEMO_CTC),
        (tiny_models.sense_voice, Kind.SENSE_VOICE),
        (tiny_models.whisper, Kind.WHISPER),
    ],
)
def test_whole_models_are_told_apart(tmp_path: Path, make, kind: Kind):
    assert kind_of(make(tmp_path)).kind is kind


def test_paraformer_by_its_metadata(tmp_path: Path):
    onnx(tmp_path, "model.int8.onnx", model_type="paraformer", **SENSE_VOICE_FEATURES)
    tokens(tmp_path)
    assert kind_of(tmp_path).kind is Kind.PARAFORMER


def test_moonshine_in_four_files(tmp_path: Path):
    onnx(tmp_path, "preprocess.onnx", "encode.int8.onnx", "uncached_decode.int8.onnx", "cached_decode.int8.onnx")
    tokens(tmp_path)
    assert kind_of(tmp_path).kind is Kind.MOONSHINE
    assert chosen(tmp_path)["cached"] == "cached_decode.int8.onnx"
    assert chosen(tmp_path)["uncached"] == "uncached_decode.int8.onnx"


def test_moonshine_with_a_merged_decoder(tmp_path: Path):
    for name in ("encoder_model.ort", "decoder_model_merged.ort"):
        (tmp_path / name).write_bytes(b"no ONNX file, and not to be read as one")
    tokens(tmp_path)
    assert kind_of(tmp_path).kind is Kind.MOONSHINE_MERGED


def test_what_else_is_in_an_archive_does_not_matter(tmp_path: Path):
    tiny_models.transducer(tmp_path)
    (tmp_path / "test_wavs").mkdir()
    for name in ("README.md", "bpe.model", "export-onnx.py", "encoder-epoch-99-avg-1.weights"):
        (tmp_path / name).write_text("x")
    assert kind_of(tmp_path).kind is Kind.TRANSDUCER


def test_int8_is_preferred_but_for_the_decoder_of_a_transducer(tmp_path: Path):
    names = [f"{part}-epoch-9{dot}.onnx" for part in ("encoder", "decoder", "joiner") for dot in ("", ".int8", ".fp16")]
    onnx(tmp_path, *names, model_type="zipformer2", vocab_size=2, context_size=2)
    tokens(tmp_path)
    assert chosen(tmp_path) == {
        "encoder": "encoder-epoch-9.int8.onnx",
        "decoder": "decoder-epoch-9.onnx",
        "joiner": "joiner-epoch-9.int8.onnx",
        "tokens": "tokens.txt",
    }


def test_int8_is_preferred_of_whisper(tmp_path: Path):
    tiny_models.whisper(tmp_path, "base.en", multilingual=False)
    metadata = metadata_of(tmp_path / "base.en-encoder.int8.onnx")
    onnx(tmp_path, "base.en-encoder.onnx", "base.en-decoder.onnx", **metadata)
    assert chosen(tmp_path)["encoder"] == "base.en-encoder.int8.onnx"
    assert chosen(tmp_path)["tokens"] == "base.en-tokens.txt"


def test_half_precision_is_taken_where_there_is_no_other(tmp_path: Path):
    onnx(tmp_path, "model.fp16.onnx", model_type="zipformer2_ctc")
    tokens(tmp_path)
    assert chosen(tmp_path)["model"] == "model.fp16.onnx"


def fails(folder: Path, *parts: str) -> None:
    with pytest.raises(ModelError) as caught:
        kind_of(folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_no_folder(tmp_path: Path):
    fails(tmp_path / "nothing", "there is no folder", "nothing", "expected")


def test_an_empty_folder(tmp_path: Path):
    fails(tmp_path, "no files", "joiner", "model*.onnx", "Whisper", "Moonshine")


def test_a_folder_of_something_else_names_what_is_in_it(tmp_path: Path):
    onnx(tmp_path, "encoder.int8.onnx", "decoder.int8.onnx")
    tokens(tmp_path)
    fails(tmp_path, "decoder.int8.onnx, encoder.int8.onnx, tokens.txt", "expected")


def test_an_archive_that_holds_many_files_is_not_listed_whole(tmp_path: Path):
    for at in range(30):
        (tmp_path / f"{at:02}.wav").write_bytes(b"")
    fails(tmp_path, "07.wav and 22 more")


def test_two_kinds_in_a_folder_are_refused(tmp_path: Path):
    tiny_models.zipformer_ctc(tmp_path)
    tiny_models.whisper(tmp_path)
    fails(tmp_path, "more than one model", "model.onnx", "tiny-encoder.int8.onnx")


def test_two_sizes_of_whisper_are_refused(tmp_path: Path):
    tiny_models.whisper(tmp_path, "base")
    tiny_models.whisper(tmp_path, "tiny")
    fails(tmp_path, "more than one model", "base-encoder.int8.onnx", "tiny-encoder.int8.onnx")


def test_two_epochs_of_a_transducer_are_refused(tmp_path: Path):
    tiny_models.transducer(tmp_path, "epoch-20-avg-1")
    tiny_models.transducer(tmp_path, "epoch-30-avg-4")
    fails(tmp_path, "cannot choose", "epoch-20", "epoch-30")


def test_two_models_in_one_folder_are_refused(tmp_path: Path):
    tiny_models.zipformer_ctc(tmp_path)
    tiny_models.zipformer_ctc(tmp_path, "model-large.onnx")
    fails(tmp_path, "cannot choose", "model.onnx", "model-large.onnx")


@pytest.mark.parametrize("make", [tiny_models.transducer, tiny_models.sense_voice])
def test_missing_tokens(tmp_path: Path, make):
    make(tmp_path)
    (tmp_path / "tokens.txt").unlink()
    fails(tmp_path, "no tokens.txt")


def test_missing_tokens_of_whisper(tmp_path: Path):
    tiny_models.whisper(tmp_path)
    (tmp_path / "tiny-tokens.txt").rename(tmp_path / "tokens.txt")
    fails(tmp_path, "no tiny-tokens.txt")


def test_an_unknown_kind_is_named(tmp_path: Path):
    onnx(tmp_path, "model.onnx", model_type="wenet_ctc")
    tokens(tmp_path)
    fails(tmp_path, "'wenet_ctc'", "sense_voice_ctc")


def test_a_model_that_does_not_say_what_it_is(tmp_path: Path):
    onnx(tmp_path, "model.onnx")
    tokens(tmp_path)
    fails(tmp_path, "does not say what it is")


@pytest.mark.parametrize("key", ["decode_chunk_len", "cache_last_channel_dim1"])
def test_a_streaming_model_is_refused(tmp_path: Path, key: str):
    tiny_models.zipformer_ctc(tmp_path, **{key: 32})
    fails(tmp_path, "streaming model", "whole utterances")


def without(path: Path, key: str) -> None:
    """Give a model's metadata another name."""
    path.write_bytes(path.read_bytes().replace(key.encode(), b"x" * len(key)))


@pytest.mark.parametrize(
    ("make", "name", "key"),
    [
        (tiny_models.transducer, "decoder-epoch-99-avg-1.onnx", "context_size"),
        (tiny_models.nemo_transducer, "encoder.int8.onnx", "pred_hidden"),
        (tiny_models.nemo_ctc, "model.int8.onnx", "subsampling_factor"),
        (tiny_models.sense_voice, "model.onnx", "lang_yue"),
        (tiny_models.whisper, "tiny-encoder.int8.onnx", "no_timestamps"),
        (tiny_models.whisper, "tiny-encoder.int8.onnx", "all_language_codes"),
    ],
)
def test_metadata_without_which_the_library_ends_the_process(tmp_path: Path, make, name: str, key: str):
    without(make(tmp_path) / name, key)
    fails(tmp_path, name, key)


def test_tokens_of_another_model_are_refused_for_a_nemo_transducer(tmp_path: Path):
    tiny_models.nemo_transducer(tmp_path)
    tokens(tmp_path, "tokens.txt", "a", "b", "<blk>")
    fails(tmp_path, "tokens.txt", "does not fit", "expected 5 tokens")


def test_tokens_without_a_blank_are_refused_for_ctc(tmp_path: Path):
    tiny_models.zipformer_ctc(tmp_path)
    tokens(tmp_path, "tokens.txt", "a", "b")
    fails(tmp_path, "<blk>")


@pytest.mark.parametrize("text", ["", "hello\n", "a b\n", "\xff"])
def test_damaged_tokens(tmp_path: Path, text: str):
    tiny_models.zipformer_ctc(tmp_path)
    (tmp_path / "tokens.txt").write_text(text, encoding="latin-1")
    fails(tmp_path, "tokens.txt")


def test_a_token_may_be_a_space_or_a_sign_that_ends_lines(tmp_path: Path):
    tiny_models.zipformer_ctc(tmp_path)
    tokens(tmp_path, "tokens.txt", "<blk>", " ", "\u2028", "\x85", "a")
    assert kind_of(tmp_path).kind is Kind.ZIPFORMER_CTC


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_download_that_was_cut_off_is_noticed(tmp_path: Path, keep: float):
    path = tiny_models.zipformer_ctc(tmp_path) / "model.onnx"
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    fails(tmp_path, "model.onnx", "again")


def test_a_pointer_in_place_of_the_file_is_noticed(tmp_path: Path):
    tiny_models.zipformer_ctc(tmp_path)
    (tmp_path / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 67108864\n")
    fails(tmp_path, "no ONNX file")


def test_metadata_is_read_as_it_was_written(tmp_path: Path):
    long = ",".join(map(str, range(2000)))
    onnx(tmp_path, "model.onnx", model_type="x", neg_mean=long, comment="Grüße, ▁")
    assert metadata_of(tmp_path / "model.onnx") == {"model_type": "x", "neg_mean": long, "comment": "Grüße, ▁"}


def test_no_bytes_make_the_reader_of_metadata_raise_anything_else(tmp_path: Path):
    path = tiny_models.zipformer_ctc(tmp_path) / "model.onnx"
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            metadata_of(path)
        except ModelError as error:
            assert re.search("damaged|no ONNX", str(error))
