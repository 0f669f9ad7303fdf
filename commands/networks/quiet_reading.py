"""Whose text an enrolment learns from where there are no transcripts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lipstream.commands.failures import note

if TYPE_CHECKING:
    from lipstream.models.av_speech.enrolment.enrolment import Teacher


class QuietReading:
    """The recogniser of a quality, and Moonshine where that was left open and its weights are not there.

    Args:
        quality: as `speech.quality` has it.
    """

    def __init__(self, quality: str) -> None:
        from lipstream.config import load_config
        from lipstream.models.speech import recognisers
        from lipstream.stages.speech.readers import choose, quiet_reader

        config = load_config("file", {"speech.quality": quality})
        choice = choose(config)
        self._open = quality == "auto"
        self._name = f"{choice.final.capitalize()} {choice.model}".strip()
        self._reader = quiet_reader(config, recognisers.listener(1))

    def check(self) -> None:
        """See, before the long work, that one that was asked for can be loaded.

        Raises:
            ModelError: it cannot.
        """
        if not self._open:
            self._reader.check()

    def of(self, teacher: Teacher) -> Teacher:
        """A teacher that reads by it; says who reads.

        Raises:
            ModelError: one that was asked for cannot be loaded.
        """
        from lipstream.models.errors import ModelError

        try:
            self._reader.load()
        except ModelError as error:
            if not self._open:
                raise
            note(f"{error}; Moonshine reads instead, with more mistakes")
            note(_LEARNT.format("Moonshine"))
            return teacher
        note(_LEARNT.format(self._name))
        return dataclasses.replace(teacher, reader=self._reader)


_LEARNT = "no transcripts: what is learnt is the text of {}"
