"""What those who use a server may ask for: what its operator allows, or less of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lipstream.config import Config, changed
from lipstream.pipeline import UserError
from lipstream.stages.speech.readers import check_terms, terms_of
from lipstream.web.openai.languages import code_of


def granted(base: Config, wishes: Mapping[str, object], terms: Iterable[str] = ()) -> Config:
    """The configuration of a run that somebody asks for.

    Args:
        base: the operator's.
        wishes: settings by dotted key; of those that permit something, only what the operator permits too.
        terms: words and phrases to be expected besides the operator's.

    Raises:
        UserError: a setting or a term cannot be used, or the terms are too many with the operator's.
    """
    permitted = {"emotion.enabled": base.emotion.enabled, "video.enabled": base.video.enabled}
    settings = {key: bool(value) and permitted[key] if key in permitted else value for key, value in wishes.items()}
    if more := tuple(terms):
        expected(base, more)
        settings["speech.terms"] = tuple(dict.fromkeys([*base.speech.terms, *more]))
    return changed(base, settings)


def spoken(config: Config, language: str) -> Config:
    """A configuration with the language that somebody says is spoken, by its code or its English name; any if empty.

    Raises:
        UserError: it is none.
    """
    if not language:
        return config
    try:
        return changed(config, {"speech.language": code_of(language)})
    except UserError as error:
        raise UserError(
            f"{language[:40]!r} is no language that is known: expected a code of ISO 639-1 such as en, de or fr, "
            f"an English name such as german, or auto"
        ) from error


def expected(base: Config, terms: Iterable[str]) -> tuple[str, ...]:
    """All that is to be expected where somebody asks for some words and phrases: the operator's stay.

    Raises:
        UserError: one cannot be used, or they are too many with the operator's.
    """
    wanted = tuple(terms)
    # By themselves first: what is said of one counts those that were sent.
    check_terms(wanted)
    return terms_of(base, wanted)
