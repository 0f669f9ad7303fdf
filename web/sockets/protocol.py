"""What a program says when it opens a socket, and what its messages mean (docs/serving.md)."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from lipstream import events as told
from lipstream.config import Config
from lipstream.pipeline import Event, UserError
from lipstream.stages.sound.resample import supported
from lipstream.web.answers import Refusal
from lipstream.web.files.uploads import sentence
from lipstream.web.openai.options import MODELS, QUALITIES
from lipstream.web.wishes import granted, spoken

Encoding = Literal["pcm_s16le", "opus"]
ENCODINGS: Final = ("pcm_s16le", "opus")
SOUND: Final = ord("A")
"""First byte of a message with sound, where pictures come too."""
PICTURE: Final = ord("V")
"""First byte of a message with a picture."""
NEWEST: Final = 0xFFFF_FFFF
"""In place of a picture's time: that of the newest sound."""
_KNOWN: Final = frozenset(
    {"encoding", "rate", "channels", "frames", "model", "language", "terms", "emotion", "events", "token"}
)
_TIME: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a program wants.

    Attributes:
        encoding: of the sound.
        rate: of PCM, in Hz.
        channels: of the sound.
        pictures: JPEG pictures come too, and every binary message says what it is.
        settings: keys of the configuration.
        language: that is spoken, as it was given; empty for the server's.
        terms: words and phrases to be expected.
        wanted: classes of the events that are sent; none means all.
    """

    encoding: Encoding
    rate: int
    channels: int
    pictures: bool
    settings: Mapping[str, object]
    language: str
    terms: tuple[str, ...]
    wanted: tuple[type[Event], ...]

    def config(self, base: Config) -> Config:
        """The configuration of the run: what is asked for, as far as the operator's allows it.

        Raises:
            Refusal: something in it is not allowed.
        """
        try:
            config = granted(base, {"video.enabled": self.pictures, **self.settings}, self.terms)
            return spoken(config, self.language)
        except UserError as error:
            raise Refusal(400, "bad request", sentence(str(error))) from error


@dataclass(frozen=True, slots=True)
class Sound:
    """A message with sound."""

    data: bytes


@dataclass(frozen=True, slots=True)
class JpegPicture:
    """A message with a picture.

    Attributes:
        data: the JPEG file.
        time: seconds of sound before it; None for the newest.
    """

    data: bytes
    time: float | None


def opening(query: Mapping[str, str]) -> Opening:
    """Read what stands behind the "?".

    Raises:
        Refusal: something there is not known, or not allowed.
    """
    unknown = sorted(set(query) - _KNOWN)
    if unknown:
        raise _refusal(f"There is no parameter '{unknown[0][:40]}'; there are: {', '.join(sorted(_KNOWN))}.")
    encoding = query.get("encoding", "pcm_s16le")
    if encoding not in ENCODINGS:
        raise _refusal(f"Expected encoding={' or '.join(ENCODINGS)}.")
    rate, channels = _number(query, "rate", 16_000), _number(query, "channels", 1)
    if not supported(rate):
        raise _refusal("Expected a usual rate from 8000 to 192000, such as 16000 or 48000.")
    if not 1 <= channels <= (2 if encoding == "opus" else 8):
        raise _refusal("Expected channels from 1 to 8, for Opus 1 or 2.")
    if (frames := query.get("frames", "none")) not in ("none", "jpeg"):
        raise _refusal(f"Expected frames=jpeg or none, got '{frames[:40]}'.")
    settings: dict[str, object] = {}
    if (model := query.get("model", MODELS[0])) not in MODELS:
        raise _refusal(f"There is no model '{model[:40]}'; there are: {', '.join(MODELS)}.")
    if model in QUALITIES:
        settings["speech.quality"] = QUALITIES[model]
    language = query.get("language", "").strip()
    terms = tuple(term for each in query.get("terms", "").split(",") if (term := " ".join(each.split())))
    if (emotion := query.get("emotion")) is not None:
        if emotion not in ("true", "false"):
            raise _refusal("Expected emotion=true or false.")
        settings["emotion.enabled"] = emotion == "true"
    return Opening(
        cast(Encoding, encoding), rate, channels, frames == "jpeg", settings, language, terms, _wanted(query)
    )


def binary(data: bytes, pictures: bool) -> Sound | JpegPicture:
    """What a binary message has in it.

    Raises:
        ValueError: it is none of both.
    """
    if not pictures:
        return Sound(data)
    kind = data[0] if data else None
    if kind == SOUND:
        return Sound(data[1:])
    if kind == PICTURE and len(data) > 1 + _TIME.size:
        (time,) = _TIME.unpack_from(data, 1)
        return JpegPicture(data[1 + _TIME.size :], None if time == NEWEST else time / 1000)
    raise ValueError("expected 'A' and sound, or 'V', four bytes of milliseconds and a JPEG")


def control(text: str) -> tuple[str, tuple[str, ...]]:
    """What a text message asks for: "end", or "terms" and which.

    Raises:
        ValueError: nothing that is known.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    kind = message.get("type") if isinstance(message, dict) else None
    if kind == "end":
        return "end", ()
    terms = message.get("terms") if kind == "terms" else None
    if isinstance(terms, list) and all(isinstance(each, str) for each in terms):
        return "terms", tuple(terms)
    raise ValueError('expected {"type": "end"} or {"type": "terms", "terms": [...]}')


def _wanted(query: Mapping[str, str]) -> tuple[type[Event], ...]:
    names = [name for each in query.get("events", "").split(",") if (name := each.strip())]
    kinds = {name: getattr(told, name) for name in told.__all__}
    events = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Event)}
    for name in names:
        if name not in events:
            raise _refusal(f"There is no event '{name[:40]}'; /docs has them all.")
    return tuple(events[name] for name in names)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise _refusal(f"Expected a number for '{name}'.")
    return int(text)


def _refusal(message: str) -> Refusal:
    return Refusal(400, "bad request", message)
