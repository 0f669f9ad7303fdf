"""Which recognisers a configuration wants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from lipstream.config import Config, Quality
from lipstream.models.profile_files import LANGUAGE
from lipstream.models.speech import recognisers, speed
from lipstream.models.speech.engine import SpeechEngine
from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.profile_reader import ProfileReader
from lipstream.models.speech.recogniser import Recogniser
from lipstream.models.speech.second_opinion import SecondOpinion
from lipstream.models.speech.wording import Wording, WordingOptions
from lipstream.pipeline import Graph, UserError
from lipstream.stages.failures import while_loading
from lipstream.stages.speech.onward import MOST_IN_FRONT
from lipstream.stages.speech.reading.expecting import Expecting
from lipstream.stages.speech.reading.reader import Reading
from lipstream.version import version

MOONSHINE: Final = "moonshine"
WHISPER: Final = "whisper"
_MODELS: Final = {MOONSHINE: recognisers.TINY, WHISPER: "base"}
"""The usual model of each recogniser that ships."""
MOST_SECONDS: Final = 0.6
"""What a final of 6 s of speech may take with Whisper base, for auto to choose it where somebody waits."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Names of recognisers, and the model of the final one.

    Attributes:
        first: of speech that goes on.
        final: of finished speech.
        model: of the final one.
    """

    first: str
    final: str
    model: str


def choose(config: Config) -> Choice:
    """Which recognisers a configuration wants.

    What goes on is read by Moonshine where an enrolled user's profile is: it is Moonshine that the profile helps.
    """
    speech, quality = config.speech, quality_of(config)
    final = speech.engine
    model = speech.model
    if final == "auto":
        final = MOONSHINE if quality is Quality.FAST else WHISPER
        model = model or ("small" if quality is Quality.BEST else "")
    first = speech.first
    if not config.partials:
        first = final
    elif first == "auto":
        english = final == WHISPER and speech.language in ("auto", "en")
        first = MOONSHINE if english or profile_of(config) is not None else final
    return Choice(first, final, model or _MODELS.get(final, ""))


def quiet_reader(config: Config, listener: SpeechEngine) -> Recogniser:
    """Whose text a profile learns from where nobody tells what is said: that of who reads finished speech.

    No second opinion is asked: it is quiet, one person speaks, and words that are doubtful are not learnt.

    Raises:
        UserError: there is no such recogniser or model.
    """
    choice, speech = choose(config), config.speech
    with while_loading():
        made = recognisers.create(choice.final, choice.model, speech.threads, listener, speech.options, LANGUAGE)
    return made.reader if isinstance(made, SecondOpinion) else made


def profile_of(config: Config) -> str | None:
    """The profile that is wanted, if what is spoken may be what profiles know, English, and is not to be translated."""
    known = config.speech.task == "transcribe" and config.speech.language in ("auto", "en")
    return config.fusion.profile if known else None


def quality_of(config: Config) -> Quality:
    """The quality wanted, with auto decided: balanced, unless somebody waits and this machine may be too slow."""
    if config.speech.quality is not Quality.AUTO:
        return config.speech.quality
    if not config.real_time:
        return Quality.BALANCED
    seconds = measured(config)
    return Quality.BALANCED if seconds is not None and seconds <= MOST_SECONDS else Quality.FAST


def measured(config: Config) -> float | None:
    """Seconds of a final on this machine, as they were kept (`models/speech/speed.py`); None if they were not."""
    return speed.kept(_machine(config))


def measure_once(config: Config) -> float | None:
    """The same, measured and kept now if they were not; see `speed.known`.

    Raises:
        ModelError: they cannot be measured, or not be kept.
    """
    return speed.known(_machine(config))


def measure_again(config: Config) -> float | None:
    """The same, measured and kept now, whatever was kept; see `speed.renewed`.

    Raises:
        ModelError: they cannot be measured, or not be kept.
    """
    return speed.renewed(_machine(config))


def _machine(config: Config) -> speed.Machine:
    return speed.this_machine(config.speech.threads, version())


def reads_again(config: Config, reading: Reading) -> bool:
    """Whether finals are read once more: where that is wanted, and their recogniser gives way to who is waited for."""
    return config.corrections and reading.onward > 0 and reading.final.gives_way


def reading_again(config: Config, reading: Reading, listener: SpeechEngine) -> Reading:
    """The same recogniser of finished speech a second time, for who reads beside the first; networks are shared."""
    with while_loading():
        final = _final(config, reading.language, listener)
    return replace(reading, first=final, final=final)


def expect(graph: Graph, terms: Iterable[str]) -> None:
    """Replace the words and phrases that a graph's recognisers expect.

    Raises:
        UserError: one cannot be used, they are too many, or nothing is read in this graph.
    """
    reading = [stage for stage in graph.components.values() if isinstance(stage, Expecting)]
    if not reading:
        raise UserError("there is no sound in this run, so no words can be expected")
    with while_loading():
        wanted = Terms.from_list(terms)
    for stage in reading:
        stage.terms = wanted


def check_terms(terms: Iterable[str]) -> None:
    """See whether words and phrases can be expected.

    Raises:
        UserError: one cannot be used, or they are too many.
    """
    with while_loading():
        Terms.from_list(terms)


def terms_of(config: Config, more: Iterable[str] = ()) -> tuple[str, ...]:
    """The words and phrases that a configuration expects, and more.

    Raises:
        UserError: one cannot be used, they are too many, or their file cannot be read.
    """
    speech = config.speech
    with while_loading():
        listed = () if speech.terms_file is None else Terms.from_file(speech.terms_file).phrases
        return Terms.from_list([*speech.terms, *listed, *more]).phrases


def threads_of_final(config: Config, choice: Choice) -> int:
    """Processor threads of who reads what is finished.

    A sentence is waited for while most of a second core has nothing to do; and the text is the same.
    """
    speech = config.speech
    if speech.final_threads != "auto":
        return speech.final_threads
    waited_for = config.real_time and choice.final == WHISPER
    return max(speech.threads, min(2, speed.usable_cores())) if waited_for else speech.threads


def _final(config: Config, language: str | None, listener: SpeechEngine) -> Recogniser:
    choice = choose(config)
    threads = threads_of_final(config, choice)
    return recognisers.create(choice.final, choice.model, threads, listener, config.speech.options, language)


def make_reading(config: Config, listener: SpeechEngine) -> Reading:
    """The recognisers; nothing is loaded yet.

    Args:
        config: the configuration.
        listener: the engine whose frames others use.

    Raises:
        UserError: there is no such recogniser or model.
    """
    choice, speech = choose(config), config.speech
    language = None if speech.language == "auto" else speech.language
    with while_loading():
        final = _final(config, language, listener)
        first: Recogniser = final
        if choice.first != choice.final:
            first = recognisers.create(choice.first, _MODELS.get(choice.first, ""), speech.threads, listener)
        if profile_of(config) is not None and choice.final != MOONSHINE:
            final = ProfileReader(recognisers.create(MOONSHINE, recognisers.TINY, speech.threads, listener), final)
        terms = Terms.from_list(terms_of(config))
        wording = Wording(WordingOptions(speech.numerals, speech.fillers, speech.replace))
    join = min(speech.join, final.best_length) if config.media_time and not config.partials else 0.0
    # What is translated has no order in which the next sentence goes on.
    goes_on = config.partials and speech.task == "transcribe"
    onward = min(speech.join, MOST_IN_FRONT) if goes_on else 0.0
    return Reading(first, final, language, speech.task, join, onward, wording, terms, speech.mark_unclear)
