"""The section `subtitles`: how what was said is cut into cues, and how they are marked and drawn."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SubtitlesConfig(BaseModel):
    """Subtitles: how long, how many and how fast, and what marks them.

    The limits are those of the Netflix Timed Text Style Guide; the BBC Subtitle Guidelines have 37 characters and
    160 to 180 words a minute.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    max_chars: Annotated[int, Field(ge=8, le=200)] = 42
    """Most characters in a line; wide ones (Chinese, Japanese, Korean) count as two."""
    max_lines: Annotated[int, Field(ge=1, le=4)] = 2
    """Most lines in a cue."""
    max_cps: Annotated[float, Field(ge=1, le=100)] = 17.0
    """Most characters a second, as far as pauses allow; the text is never changed for it."""
    min_duration: Annotated[float, Field(ge=0, le=10)] = 0.833
    """Seconds a cue stays at least, if there is room before the next."""
    max_duration: Annotated[float, Field(ge=0.5, le=60)] = 7.0
    """Most seconds a cue stays."""
    gap: Annotated[float, Field(ge=0, le=2)] = 0.083
    """Seconds between two cues, at least: two frames of film."""
    shift: Annotated[float, Field(ge=-86_400, le=86_400)] = 0.0
    """Seconds by which all cues come later, or with a minus sooner."""
    speakers: Literal["dash", "names", "none"] = "dash"
    """Marks of speakers: a dash where they change within a cue, their names where they change, or nothing."""
    sounds: bool = True
    """Whether sounds that are told of stand between the cues, as [applause], and between the lines of txt."""
    highlight_words: bool = False
    """Whether the word that is being said is marked, in vtt and ass."""
    font: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^,\r\n{}\\]+$")] = "Arial"
    """Typeface that ass asks for."""
    size: Annotated[float, Field(ge=2, le=15)] = 5.5
    """Height of the letters in ass and in rendered videos, in hundredths of the picture's height."""

    @model_validator(mode="after")
    def _ordered(self) -> SubtitlesConfig:
        if self.min_duration > self.max_duration:
            raise ValueError(f"min_duration ({self.min_duration}) must not exceed max_duration ({self.max_duration})")
        return self
