"""The recogniser that runs models of the sherpa-onnx project (k2-fsa/sherpa-onnx), with its own library.

Which models were run, and how words get their times, is in docs/recognisers.md.
"""

from __future__ import annotations

import math
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from lipstream.models.errors import ModelError
from lipstream.models.shared import made_of, shared
from lipstream.models.speech.alignment import frame_levels
from lipstream.models.speech.engine import SAMPLE_RATE, Float32
from lipstream.models.speech.guards import LoopGuard
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.sherpa.folder import Kind, SherpaModel, kind_of
from lipstream.models.speech.sherpa.library import Network, library, opened, read, read_as
from lipstream.models.speech.sherpa.words import LEVEL_RATE, split, words_of

SHORTEST_SOUND: Final = SAMPLE_RATE // 2
"""Samples; less is padded with silence, for networks that divide time need some frames to begin with."""
LONGEST_WHISPER: Final = 29.4
"""Seconds; what is longer, the library cuts off without a word."""
SILENCE: Final = -65.0
"""Decibels relative to full scale that the loudest 20 ms of speech exceed in any recording."""

_SENSE_VOICE: Final = frozenset(("zh", "en", "ja", "ko", "yue"))
_FREE: Final = (Kind.WHISPER, Kind.MOONSHINE, Kind.MOONSHINE_MERGED)
"""Kinds that write as a language model does: they can run into loops, and describe what is no speech."""
_DESCRIPTION = re.compile(r"[\[(*♪][^\])*♪]*[\])*♪]+[.!]?")
"""All of a text that is no speech: "[BLANK_AUDIO]", "(music)", "*applause*"."""


class SherpaRecogniser(Recogniser):
    """A model in a folder; which kind it is, its files tell.

    Whisper is told language and task of each utterance. SenseVoice is told its language when it is loaded, so that it
    is in memory once for each language that it was told of, and once for none.
    """

    def __init__(self, folder: str | Path, threads: int = 1, language: str | None = None) -> None:
        """Prepare a recogniser.

        Args:
            folder: an unpacked archive of the models that sherpa-onnx releases.
            threads: processor threads.
            language: code of the language that is spoken where hints do not tell; None to find out.
        """
        self._folder = Path(folder).expanduser()
        self._threads = threads
        self._language = language
        self._lock = threading.Lock()
        self._model: SherpaModel | None = None
        self._networks: dict[str, Network] = {}

    def load(self) -> None:
        """Find out what the folder holds, and load it. Idempotent.

        Raises:
            ModelError: sherpa-onnx is not installed, or the folder holds no model that it could be given.
        """
        with self._lock:
            if self._model is None:
                model = self._found()
                self._network(model, self._known(self._language))
                self._model = model

    def check(self) -> None:
        """See `Recogniser.check`; the files tell the languages, where they do."""
        with self._lock:
            if self._model is None:
                self._found()

    def _found(self) -> SherpaModel:
        library()
        model = kind_of(self._folder)
        self.languages = _languages(model)
        self.longest = LONGEST_WHISPER if model.kind is Kind.WHISPER else type(self).longest
        return model

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read an utterance.

        Raises:
            ModelError: it is longer than `longest`, or the library fails on it.
        """
        model = self._model
        if model is None:
            raise ModelError("the sherpa recogniser is not loaded: call load() first")
        if utterance.duration > self.longest:
            raise ModelError(f"{self._folder} takes at most {self.longest} s at once, not {utterance.duration:.1f} s")
        sound = np.asarray(utterance.sound, np.float32)
        if _is_silent(sound):
            return Transcript(speechless=True)
        padded = np.pad(sound, (0, max(0, SHORTEST_SOUND - len(sound))))
        language = self._known(hints.language or self._language)
        network = self._network(model, language)
        if model.kind is Kind.WHISPER:
            heard, said = read_as(network, padded, language, hints.task)
        else:
            heard, said = read(network, padded)
        code = said.strip("<|>")
        if code == "nospeech" or (model.kind in _FREE and _DESCRIPTION.fullmatch(heard.text.strip())):
            return Transcript(speechless=True)
        if model.kind in _FREE:
            heard = replace(heard, text=_without_loop(heard.text, utterance.duration))
        words = words_of(heard, sound[: round(utterance.heard * SAMPLE_RATE)])
        translated = model.kind is Kind.WHISPER and hints.task == "translate"
        return Transcript(words, language=self._language_of("en" if translated else code))

    def _known(self, language: str | None) -> str:
        """The language if the model can be told of it, else nothing."""
        return language if language in self.languages and len(self.languages) > 1 else ""

    def _language_of(self, code: str) -> str | None:
        """The language of a text of which the library says `code`, or nothing."""
        if len(self.languages) == 1:
            return next(iter(self.languages))
        return code if code in self.languages else None

    def _network(self, model: SherpaModel, language: str) -> Network:
        """The loaded model, for a language if it has to be loaded with one."""
        told = language if model.kind is Kind.SENSE_VOICE else ""
        if told not in self._networks:
            files = tuple((part, made_of(path)) for part, path in sorted(model.parts.items()))
            key = "sherpa", files, self._threads, told
            self._networks[told] = shared(key, lambda: opened(model, self._threads, told))
        return self._networks[told]


def _is_silent(sound: Float32) -> bool:
    """Whether nothing in (N,) sound is loud enough for speech."""
    frames = math.ceil(len(sound) / SAMPLE_RATE * LEVEL_RATE)
    return not frames or float(frame_levels(sound, frames, LEVEL_RATE).max()) < SILENCE


def _languages(model: SherpaModel) -> frozenset[str]:
    """What a model says of its languages; nothing where it does not."""
    if model.kind is Kind.SENSE_VOICE:
        return _SENSE_VOICE
    if model.kind is not Kind.WHISPER:
        return frozenset()
    if model.metadata["is_multilingual"] == "0":
        return frozenset(("en",))
    return frozenset(code.strip() for code in model.metadata.get("all_language_codes", "").split(",") if code.strip())


def _without_loop(text: str, duration: float) -> str:
    """A text up to where it runs into a loop.

    Args:
        text: what was recognised.
        duration: seconds of the sound.
    """
    words = split(text)
    numbers: dict[str, int] = {}
    said = [numbers.setdefault(word.casefold(), len(numbers)) for word in words]
    kept = LoopGuard(lambda _: True, duration).of_whole(said)
    return text if kept == len(words) else " ".join(words[:kept])
