"""Whisper as a recogniser: any size, a hundred languages, translation to English.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", arXiv 2212.04356.

The networks were trained on windows of 30 s. Here a shorter sound is encoded with little silence behind it, which costs
a fifth; the decoder, which goes on past the end of such a sound, is given frames of encoded silence to look at behind
it. What that is worth is in docs/experiments/whisper.md.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np

from lipstream.models.assets.files import known_sha256
from lipstream.models.errors import ModelError
from lipstream.models.kept_arrays import KeptArrays, kept_path
from lipstream.models.shared import made_of, shared
from lipstream.models.speech.alignment import frame_levels
from lipstream.models.speech.engine import SAMPLE_RATE, Float32, Hypothesis, WordSpan
from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.expected.trie import TermTrie
from lipstream.models.speech.guards import LoopGuard
from lipstream.models.speech.interruption import Interruption
from lipstream.models.speech.recogniser import Front, Hints, Recogniser, Task, Transcript, Utterance
from lipstream.models.speech.speed import processor
from lipstream.models.speech.tails import has_sound, without_tail
from lipstream.models.speech.whisper.alignment import token_times, with_openings
from lipstream.models.speech.whisper.ct2_file import Ct2File, read_ct2
from lipstream.models.speech.whisper.expecting import OpenSound, with_terms
from lipstream.models.speech.whisper.files import FILES, find_folder
from lipstream.models.speech.whisper.front import FRAME, closing_probability, fitting
from lipstream.models.speech.whisper.layers import Precision
from lipstream.models.speech.whisper.log_mel import LogMel
from lipstream.models.speech.whisper.network import FRAME_RATE, MOST_FRAMES, Sound, WhisperDecoder, WhisperEncoder
from lipstream.models.speech.whisper.scores import best_of, softmax
from lipstream.models.speech.whisper.search import Read, Rules, agreed, beam_search, check
from lipstream.models.speech.whisper.tokens import WhisperTokens
from lipstream.models.speech.whisper.unread import put_in, trimmed, unread
from lipstream.models.speech.word_times import timed_words

LONGEST: Final = 30.0
"""Seconds of sound that are taken at once."""
_PADDING: Final = 100
"""Columns of the spectrogram (10 ms each) of silence behind the sound."""
_SILENCE: Final = 500
"""Frames (20 ms each) of encoded silence behind those of the sound."""
_BEAMS: Final = 5
_TOKENS_PER_SECOND: Final = 8
_EXTRA_TOKENS: Final = 16
"""Most tokens of a text: fast German has seven a second."""
_SEEN: Final = 0.35
"""Share of its look that the last audible token of a text has on the sound, and not on the silence behind it."""
_NO_SPEECH: Final = 0.6
_NO_SPEECH_LOG_PROBABILITY: Final = -1.0
"""Published thresholds of "no speech"."""
_SURE_OF_REST: Final = 0.5
"""Mean confidence of the words read there that are taken for said."""
_SWITCH: Final = 6.0
"""How many times as likely as the language so far another one must be, in three seconds of sound."""
_SELDOM: Final = frozenset(
    ["cy", "nn", "jw", "haw", "la", "sa", "mi", "br", "yi", "bo", "ln", "sn", "fo", "oc", "ba", "tt", "tk", "su", "lb"]
)
"""Languages that Whisper was trained on for hours and not for months: told more often than they are spoken."""
_SELDOM_WEIGHT: Final = 0.2
_OPEN: Final = 0.3
"""How likely the next language must be, in parts of the likeliest, for the sound to be read in both."""
_SURE_SECONDS: Final = 3.0
_FORM: Final = "2"
"""Another one where rounded weights or encoded silence are computed in another way."""


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    mel: LogMel
    encoder: WhisperEncoder
    decoder: WhisperDecoder
    tokens: WhisperTokens
    silence: Sound
    """The encoder's frames of 30 s of silence."""
    rules: Rules
    kept: KeptArrays
    """What the silence is read from."""


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A sound, as the decoder reads it, and what the first look at it tells.

    Attributes:
        sound: that of the speech in front, that which is to be read, and silence.
        own: the frames of that which is to be read.
        said: tokens of the text in front.
    """

    sound: Sound
    own: slice
    said: tuple[int, ...]
    no_speech: float
    language: str | None
    certainty: float
    task: Task = "transcribe"
    other: str | None = None
    """Another language it may well be, where that is not clear."""

    @property
    def written(self) -> str | None:
        """The language of the text."""
        return "en" if self.task == "translate" else self.language


class WhisperRecogniser(Recogniser):
    """Whisper on the processor, int8, with beam search for what is finished, and greedy decoding for what is not."""

    longest = LONGEST
    best_length = 24.0
    gives_way = True

    def __init__(self, model: str = "base", threads: int = 1, precision: Precision = "int8") -> None:
        """Prepare a recogniser.

        Args:
            model: "base", which comes with Lipstream; another size that faster-whisper knows ("tiny.en", "small", ...),
                fetched when missing; or a folder with a CTranslate2 model.
            threads: processor threads.
            precision: of the linear layers.
        """
        self._model = model
        self._precision: Precision = precision
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: _Parts | None = None
        self._expected: tuple[Terms, str | None, TermTrie] | None = None

    def load(self) -> None:
        """Load the networks. Idempotent.

        Raises:
            ModelError: the model is missing or unusable; the message says what to do.
        """
        with self._lock:
            if self._loaded is None:
                folder = find_folder(self._model)
                made = ("whisper", self._threads, self._precision, *(made_of(folder / name) for name in FILES))
                self._loaded = shared(made, lambda: _open(folder, self._threads, self._precision))
                self.languages = _languages_of(self._loaded.tokens)

    def check(self) -> None:
        """See `Recogniser.check`; the vocabulary tells the languages."""
        with self._lock:
            if self._loaded is None:
                folder = find_folder(self._model, use=False)
                _weights(folder)
                self.languages = _languages_of(_tokens(folder))

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read up to `LONGEST` seconds.

        Raises:
            ModelError: `load` was not called, or the model does not know the language.
            Interrupted: the work was given up, as the hints may ask.
        """
        text, gaps = self._recognise(utterance, hints)
        return self._filled(text, gaps, utterance, hints) if gaps else text

    def rehearse(self, sound: Float32, tokens: int) -> None:
        """Do the work of reading finished speech, whatever the sound is, for who measures how long that takes.

        Args:
            sound: (N,) float32 at 16 kHz, up to `LONGEST` seconds.
            tokens: of the text that it is taken for; no less is written, and no more.

        Raises:
            ModelError: `load` was not called.
        """
        parts, hints = self._parts(), Hints()
        endless = parts.rules.never.copy()
        endless[parts.rules.end] = -np.inf
        rules = Rules(parts.rules.end, endless, endless, tokens)
        self._read(self._hear(parts.mel(sound), hints), hints, rules)

    def _recognise(self, utterance: Utterance, hints: Hints) -> tuple[Transcript, list[tuple[float, float]]]:
        """What is read, and the stretches of finished speech that were passed over."""
        parts = self._parts()
        sound = utterance.sound[: round(LONGEST * SAMPLE_RATE)]
        front = fitting(utterance.front, round(LONGEST * SAMPLE_RATE) - len(sound))
        spectrogram = parts.mel(sound if front is None else np.concatenate([front.sound, sound]))
        heard = self._hear(spectrogram, hints, front)
        if front is not None and (heard.language != front.language or heard.other is not None):
            # Another language, or it may well be one: it is told by itself.
            return self._recognise(replace(utterance, front=None), hints)
        rules = _limited(parts.rules, len(sound) / SAMPLE_RATE)
        if not utterance.whole:
            prompt = self._prompt(heard, hints)
            found = agreed(parts.decoder, heard.sound, prompt, hints.draft, rules)
            read = self._with_terms(found, heard, prompt, hints, rules)
            read = read.first(self._kept(read, utterance, heard))
            return self._transcript(read, heard, utterance, sound)[0], []
        heard, read = self._read_clearly(heard, hints, rules)
        kept = self._kept(read, utterance, heard)
        if len(read.tokens) >= rules.most or kept < len(read.tokens):
            # At the length that the network was trained on it knows better where to stop.
            longer = self._sound(spectrogram, 2 * MOST_FRAMES, hints.interruption)
            read = self._read(replace(heard, sound=longer), hints, rules)
            kept = self._kept(read, utterance, heard)
        return self._transcript(read.first(kept), heard, utterance, sound)

    def _read_clearly(self, heard: _Heard, hints: Hints, rules: Rules) -> tuple[_Heard, Read]:
        """The best text; which of two languages it is shows in how well the sound can be read in each."""
        read = self._read(heard, hints, rules)
        if heard.other is None:
            return heard, read
        other = replace(heard, language=heard.other, certainty=1.0 - heard.certainty, other=None)
        again = self._read(other, hints, rules)
        return (other, again) if again.mean_log_probability > read.mean_log_probability else (heard, read)

    def _filled(
        self, text: Transcript, gaps: Sequence[tuple[float, float]], utterance: Utterance, hints: Hints
    ) -> Transcript:
        """Read what a text passed over, and put it in its place."""
        words = trimmed(text.words, gaps)
        told = replace(hints, language=text.language, draft=())
        for start, end in gaps:
            sound = utterance.sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            found, _ = self._recognise(Utterance(sound, end - start), told)
            if found.words and fmean(word.confidence for word in found.words) >= _SURE_OF_REST:
                read = [replace(word, start=word.start + start, end=word.end + start) for word in found.words]
                words = put_in(words, read)
        return replace(text, words=tuple(words))

    def _trie(self, terms: Terms, language: str | None) -> TermTrie | None:
        """The terms in tokens; those of the last call are kept."""
        if not terms:
            return None
        if self._expected is None or self._expected[:2] != (terms, language):
            tokens = self._parts().tokens
            made = TermTrie(terms, tokens.encode, lambda token: tokens.continues_word(token, language))
            self._expected = terms, language, made
        return self._expected[2]

    def _read(self, heard: _Heard, hints: Hints, rules: Rules) -> Read:
        """The best text, and in it the terms that are as good."""
        prompt = self._prompt(heard, hints)
        found = beam_search(self._parts().decoder, heard.sound, prompt, rules, _BEAMS, hints.interruption)
        return self._with_terms(found, heard, prompt, hints, rules)

    def _with_terms(self, found: list[int], heard: _Heard, prompt: list[int], hints: Hints, rules: Rules) -> Read:
        """A text, with the expected terms that are as good as what it has in their place."""
        parts = self._parts()
        terms, favoured = self._trie(hints.terms, heard.written), [0.0] * len(found)
        if terms is not None:
            text = OpenSound(parts.decoder, heard.sound, prompt, rules)
            found, favoured = with_terms(text, found, terms, parts.tokens, heard.written)
        return check(parts.decoder, heard.sound, prompt, found, rules).at_least(favoured)

    def _prompt(self, heard: _Heard, hints: Hints) -> list[int]:
        """What the decoder begins with: signs, and the text in front, behind which it goes on."""
        return [*self._parts().tokens.prompt(heard.language, hints.task, hints.before), *heard.said]

    def _sound(self, spectrogram: Float32, padding: int, interruption: Interruption | None) -> Sound:
        """A spectrogram with so many columns of silence behind it, as the decoder reads it."""
        parts = self._parts()
        padded = np.pad(spectrogram, ((0, 0), (0, min(padding, 2 * MOST_FRAMES - spectrogram.shape[1]))))
        sound = parts.decoder.of_sound(parts.encoder(padded[:, : 2 * (padded.shape[1] // 2)], interruption))
        sound = sound.before(parts.silence, _SILENCE)
        parts.kept.release()
        return sound

    def _hear(self, spectrogram: Float32, hints: Hints, front: Front | None = None) -> _Heard:
        parts = self._parts()
        sound = self._sound(spectrogram, _PADDING, hints.interruption)
        first = 0 if front is None else len(front.sound) // FRAME
        own = slice(first, max(first + 1, spectrogram.shape[1] // 2))
        # Whether this is speech, and of what language, its own frames tell.
        alone = sound if front is None else sound.behind(first)
        scores = parts.decoder.open(alone).feed([parts.tokens.before_language])[0, -1]
        no_speech = float(softmax(scores)[parts.tokens.no_speech])
        duration = (own.stop - own.start) / FRAME_RATE
        language, certainty, other = _language(scores, parts.tokens, hints, duration)
        said = () if front is None else tuple(parts.tokens.encode(f" {front.text}"))
        return _Heard(sound, own, said, no_speech, language, certainty, hints.task, other)

    def _kept(self, read: Read, utterance: Utterance, heard: _Heard) -> int:
        """How many tokens of a text are read from the sound, and not made up behind its end or in a loop."""
        tokens, language = self._parts().tokens, heard.written
        guard = LoopGuard(lambda token: tokens.starts_word(token, language), utterance.duration)
        kept = guard.of_whole(read.tokens)
        seen = read.looks[:, :, heard.own].sum(axis=2).mean(axis=0)
        # A full stop looks behind the sound by right, so it says nothing, and goes with the word it ends.
        audible = [at for at in range(kept) if tokens.is_audible(read.tokens[at])]
        while audible and seen[audible[-1]] < _SEEN:
            kept = audible.pop()
        return kept

    def _transcript(
        self, read: Read, heard: _Heard, utterance: Utterance, sound: Float32
    ) -> tuple[Transcript, list[tuple[float, float]]]:
        """What was read, and the stretches of the sound that were passed over."""
        tokens = self._parts().tokens
        # A sign between the text in front and this one is no word of it.
        signs = next((at for at, token in enumerate(read.tokens) if not tokens.closes_word(token)), len(read.tokens))
        signs = signs if heard.said else 0
        joint = tokens.text(read.tokens[:signs]) if heard.said else None
        read = read.behind(signs)
        text = Hypothesis(read.tokens, read.probabilities, tokens.text(read.tokens))
        no_speech = heard.no_speech > _NO_SPEECH and not utterance.seen
        silent = no_speech and text.mean_log_probability < _NO_SPEECH_LOG_PROBABILITY
        if silent or not any(each.isalnum() for each in text.text):
            return Transcript(language=heard.language, speechless=True), []
        audible = [tokens.is_audible(token) for token in text.tokens]
        looks = read.looks[:, :, heard.own]
        levels = frame_levels(sound, looks.shape[2], FRAME_RATE)
        closing = [tokens.closes_word(token) for token in text.tokens]
        times = token_times(looks, audible, levels, FRAME_RATE, closing)
        spans = tokens.words(text.tokens, heard.written)
        words = timed_words(spans, with_openings(times, spans, audible), text, utterance.duration)
        gaps = unread(words, _places(looks, spans), levels, FRAME_RATE)
        if no_speech and not any(has_sound(word, 1 / FRAME_RATE) for word in words):
            return Transcript(language=heard.language, speechless=True), []
        words = without_tail(words, 1 / FRAME_RATE)
        ending = closing_probability(text, tokens)
        found = Transcript(tuple(words), text.tokens, heard.language, heard.certainty, joint=joint, closing=ending)
        return found, gaps

    def _parts(self) -> _Parts:
        if self._loaded is None:
            raise ModelError("the whisper recogniser is not loaded: call load() first")
        return self._loaded


def _places(looks: Float32, spans: Sequence[WordSpan]) -> list[float]:
    """The mean moment, in seconds, at which the heads looked for each word."""
    where = looks.mean(axis=0)
    moments = (np.arange(where.shape[1]) + 0.5) / FRAME_RATE
    weights = [where[span.first : span.last].sum(axis=0) for span in spans]
    return [float((weight * moments).sum() / max(weight.sum(), 1e-9)) for weight in weights]


def _open(folder: Path, threads: int, precision: Precision) -> _Parts:
    file = replace(_weights(folder), kept=KeptArrays(_kept_at(folder, precision)))
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {folder / 'config.json'}: {error}") from error
    tokens = _tokens(folder)
    try:
        with file.released():
            encoder = WhisperEncoder(file, threads, precision)
            heads = [(int(layer), int(head)) for layer, head in told.get("alignment_heads", ())]
            decoder = WhisperDecoder(file, heads, threads, precision)
        if tokens.no_speech >= decoder.size:
            raise ValueError(f"a vocabulary of {tokens.size}, weights for {decoder.size}")
        rules = _rules(told, tokens, decoder.size)
    except KeyError as error:
        raise ModelError(f"{folder / 'model.bin'} lacks {error}; expected a Whisper model for CTranslate2") from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"{folder} has files of different models, or damaged ones ({error})") from error
    silence = Sound.of_frames(file.kept.get("silence", lambda: _silence(encoder, decoder)))
    file.kept.finish()
    file.release()
    return _Parts(LogMel(encoder.bands), encoder, decoder, tokens, silence, rules, file.kept)


def _weights(folder: Path) -> Ct2File:
    """The file of the weights, none of which is read yet."""
    file = read_ct2(folder / "model.bin")
    if "Whisper" not in file.kind:
        raise ModelError(f"{folder / 'model.bin'} holds a {file.kind}, expected a Whisper model for CTranslate2")
    return file


def _tokens(folder: Path) -> WhisperTokens:
    """The vocabulary, read once for who asks for the languages and who reads."""
    path = folder / "tokenizer.json"
    return shared(("whisper tokens", made_of(path)), lambda: WhisperTokens(path))


def _languages_of(tokens: WhisperTokens) -> frozenset[str]:
    return frozenset(tokens.languages) or frozenset({"en"})


def _silence(encoder: WhisperEncoder, decoder: WhisperDecoder) -> tuple[Float32, ...]:
    """Keys and values of 30 s of silence, layer after layer."""
    return decoder.of_sound(encoder(np.zeros((encoder.bands, 2 * MOST_FRAMES), np.float32))).by_frames()


def _kept_at(folder: Path, precision: Precision) -> Path:
    """Where the rounded weights and the silence of a model are kept, which are the same with any number of threads."""
    facts = {
        "form": _FORM,
        "model": known_sha256(folder / "model.bin"),
        "precision": precision,
        "numpy": np.__version__,
        "onnxruntime": version("onnxruntime"),
        "processor": processor(),
    }
    return kept_path("whisper", facts)


def _rules(told: dict[str, list[int]], tokens: WhisperTokens, size: int) -> Rules:
    never = np.zeros(size, np.float32)
    never[told.get("suppress_ids", [])] = -np.inf
    never[tokens.end + 1 :] = -np.inf
    at_first = never.copy()
    at_first[told.get("suppress_ids_begin", [])] = -np.inf
    # To say nothing is allowed: the sound need not be speech.
    at_first[tokens.end] = 0.0
    return Rules(tokens.end, never, at_first, 0)


def _limited(rules: Rules, duration: float) -> Rules:
    return Rules(rules.end, rules.never, rules.at_first, int(_TOKENS_PER_SECOND * duration) + _EXTRA_TOKENS)


def _language(
    scores: Float32, tokens: WhisperTokens, hints: Hints, duration: float
) -> tuple[str | None, float, str | None]:
    """The language spoken, how sure that is, and another one it may well be."""
    if not tokens.languages:
        return "en", 1.0, None
    codes = list(tokens.languages)
    likely = softmax(scores[list(tokens.languages.values())])
    if hints.language is not None:
        place = codes.index(hints.language) if hints.language in codes else None
        return hints.language, 1.0 if place is None else float(likely[place]), None
    weights = np.array([_SELDOM_WEIGHT if code in _SELDOM else 1.0 for code in codes])
    if hints.usual in tokens.languages:
        # The shorter the sound, the less it says against the language so far.
        weights[codes.index(hints.usual)] *= _SWITCH ** max(1.0, _SURE_SECONDS / max(duration, 0.5))
    weighed = likely * weights
    first, second = best_of(weighed, 2)
    is_open = float(weighed[second]) >= _OPEN * float(weighed[first])
    return codes[first], float(likely[first]), codes[second] if is_open else None
