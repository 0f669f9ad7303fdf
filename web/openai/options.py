"""What a request for a transcription wants, in OpenAI's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from lipstream.config import Config
from lipstream.pipeline import UserError
from lipstream.stages.speech.readers import MOONSHINE, choose
from lipstream.web.files.form import BadField, Form
from lipstream.web.files.uploads import sentence
from lipstream.web.openai.prompt import terms_of
from lipstream.web.wishes import granted, spoken

Answer = Literal["json", "text", "srt", "verbose_json", "vtt"]
ANSWERS: Final[tuple[Answer, ...]] = ("json", "text", "srt", "verbose_json", "vtt")
GRANULARITIES: Final = ("word", "segment")

OWN_MODEL: Final = "lipstream"
QUALITIES: Final = {f"{OWN_MODEL}-{quality}": quality for quality in ("fast", "balanced", "best")}
"""Names of models that stand for a quality of their own."""
ALIASES: Final = (
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
)
"""What programs ask for by themselves: all of them are what this server is set to."""
MODELS: Final = (OWN_MODEL, *QUALITIES, *ALIASES)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants.

    Attributes:
        config: how the recording is captioned.
        answer: the form of the answer.
        granularities: of times in a verbose answer.
        stream: send text as it comes.
    """

    config: Config
    answer: Answer
    granularities: frozenset[str]
    stream: bool


def wanted(form: Form, base: Config) -> Wanted:
    """Read the fields of a form for a transcription.

    Raises:
        BadField: one has a value that cannot be.
    """
    answer = form.one("response_format", "json")
    if answer not in ANSWERS:
        raise BadField("response_format", f"There is no format '{answer[:40]}'; there are: {', '.join(ANSWERS)}.")
    granularities = frozenset(form.fields.get("timestamp_granularities", ()))
    if not granularities <= set(GRANULARITIES):
        raise BadField("timestamp_granularities", f"Expected any of {', '.join(GRANULARITIES)}.")
    if granularities and answer != "verbose_json":
        raise BadField("timestamp_granularities", "Times are in answers with response_format=verbose_json alone.")
    stream = form.one("stream", "false").lower()
    if stream not in ("true", "false", "1", "0"):
        raise BadField("stream", "Expected true or false.")
    _check_temperature(form)
    streamed = stream in ("true", "1")
    if streamed and answer not in ("json", "text"):
        raise BadField("stream", f"Expected response_format=json with stream=true, got {answer}.")
    return Wanted(config_of(form, base), answer, granularities or frozenset({"segment"}), streamed)


def translated(form: Form, base: Config) -> Wanted:
    """Read the fields of a form for a translation to English.

    Raises:
        BadField: one has a value that cannot be, or nothing here translates.
    """
    want = wanted(form, granted(base, {"speech.task": "translate"}))
    if choose(want.config).final == MOONSHINE:
        raise BadField("model", "This model reads English alone and translates nothing: lipstream-balanced does.")
    return want


def config_of(form: Form, base: Config) -> Config:
    """How the recording in a form is to be captioned.

    Raises:
        BadField: a field has a value that cannot be.
    """
    settings: dict[str, object] = {}
    model = form.one("model", OWN_MODEL)
    if model not in MODELS:
        raise BadField(
            "model", f"There is no model '{model[:40]}' here; there are: {', '.join(MODELS)}.", 404, "no model"
        )
    if model in QUALITIES:
        settings["speech.quality"] = QUALITIES[model]
    try:
        config = granted(base, settings, terms_of(form.one("prompt")))
    except UserError as error:
        raise BadField("prompt", sentence(str(error))) from error
    try:
        return spoken(config, form.one("language"))
    except UserError as error:
        raise BadField("language", sentence(str(error))) from error


def _check_temperature(form: Form) -> None:
    try:
        value = float(form.one("temperature", "0"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadField("temperature", "Expected a number from 0 to 1; it changes nothing here.")
