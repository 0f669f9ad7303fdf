"""The calls into sherpa-onnx, which carries no types."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SAMPLE_RATE, Float32
from lipstream.models.speech.recogniser import Task
from lipstream.models.speech.sherpa.folder import Kind, SherpaModel
from lipstream.models.speech.sherpa.words import Heard

_TRANSDUCER = {"encoder": "encoder", "decoder": "decoder", "joiner": "joiner"}
_MOONSHINE = {
    "preprocessor": "preprocess",
    "encoder": "encode",
    "uncached_decoder": "uncached",
    "cached_decoder": "cached",
}
_CONSTRUCTORS: Final[Mapping[Kind, tuple[str, Mapping[str, str], Mapping[str, object]]]] = {
    Kind.TRANSDUCER: ("from_transducer", _TRANSDUCER, {}),
    Kind.NEMO_TRANSDUCER: ("from_transducer", _TRANSDUCER, {"model_type": "nemo_transducer"}),
    Kind.ZIPFORMER_CTC: ("from_zipformer_ctc", {"model": "model"}, {}),
    Kind.NEMO_CTC: ("from_nemo_ctc", {"model": "model"}, {}),
    Kind.SENSE_VOICE: ("from_sense_voice", {"model": "model"}, {"use_itn": True}),
    Kind.PARAFORMER: ("from_paraformer", {"paraformer": "model"}, {}),
    Kind.WHISPER: ("from_whisper", {"encoder": "encoder", "decoder": "decoder"}, {"language": ""}),
    Kind.MOONSHINE: ("from_moonshine", _MOONSHINE, {}),
    Kind.MOONSHINE_MERGED: ("from_moonshine_v2", {"encoder": "encoder", "decoder": "decoder"}, {}),
}
"""How the library makes each kind: its method, which part each argument is, and what else it is told. SenseVoice writes
punctuation and figures only with `use_itn`."""


@dataclass(slots=True)
class Network:
    """A loaded model.

    Attributes:
        recogniser: `sherpa_onnx.OfflineRecognizer`.
        told: language and task that Whisper was told last; the language is empty where it is to find out.
        lock: held while Whisper is told what to do, and does it.
    """

    recogniser: Any
    told: tuple[str, Task] = ("", "transcribe")
    lock: threading.Lock = field(default_factory=threading.Lock)


def library() -> Any:  # noqa: ANN401
    """The module.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import sherpa_onnx
    except ImportError as error:
        raise ModelError("the sherpa engine needs sherpa-onnx: pip install 'lipstream[sherpa]'") from error
    return sherpa_onnx


def opened(model: SherpaModel, threads: int, language: str) -> Network:
    """Load a model.

    Args:
        model: what is in the folder.
        threads: processor threads.
        language: code of the language that SenseVoice is to expect; empty for others, or to find out.

    Raises:
        ModelError: the library does not accept it, or is not installed.
    """
    method, arguments, options = _CONSTRUCTORS[model.kind]
    files = {name: str(model.parts[part]) for name, part in {**arguments, "tokens": "tokens"}.items()}
    if language:
        options = {**options, "language": language}
    recognisers = library().OfflineRecognizer
    try:
        return Network(getattr(recognisers, method)(**files, num_threads=threads, **options))
    except Exception as error:  # the library's errors are those of its C++, with no other common base
        where = model.parts["tokens"].parent
        raise ModelError(f"sherpa-onnx cannot load the {model.kind.value} model in {where} ({_line(error)})") from error


def read(network: Network, sound: Float32) -> tuple[Heard, str]:
    """Recognise (N,) float32 sound at 16 kHz in [-1, 1]; also, what the library says of its language, or nothing.

    Raises:
        ModelError: the library fails.
    """
    try:
        stream = network.recogniser.create_stream()
        stream.accept_waveform(SAMPLE_RATE, sound)
        network.recogniser.decode_stream(stream)
        result = stream.result
        return _heard(result), str(getattr(result, "lang", ""))
    except Exception as error:  # as in `opened`
        seconds = len(sound) / SAMPLE_RATE
        raise ModelError(f"sherpa-onnx failed on {seconds:.1f} s of sound ({_line(error)})") from error


def read_as(network: Network, sound: Float32, language: str, task: Task) -> tuple[Heard, str]:
    """The same with Whisper, which is told the language of the sound, or nothing to find out, and the task."""
    with network.lock:
        if network.told != (language, task):
            _tell(network, language, task)
        return read(network, sound)


def _tell(network: Network, language: str, task: Task) -> None:
    try:
        config = network.recogniser.config
        config.model_config.whisper.language = language
        config.model_config.whisper.task = task
        network.recogniser.recognizer.set_config(config)
    except Exception as error:  # as in `opened`
        raise ModelError(f"sherpa-onnx cannot be told the language of the sound ({_line(error)})") from error
    network.told = (language, task)


def _heard(result: Any) -> Heard:  # noqa: ANN401
    starts = list(result.timestamps)
    if not starts:
        # Nor are the pieces asked for: those of Whisper may be parts of letters, which are no text in Python.
        return Heard(result.text)
    return Heard(
        result.text,
        list(result.tokens),
        starts,
        list(getattr(result, "durations", ())),
        list(getattr(result, "ys_log_probs", ())),
    )


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
