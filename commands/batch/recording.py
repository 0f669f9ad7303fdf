"""One recording of a batch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be captioned, and what was asked for it alone.

    Attributes:
        key: what it is known by from run to run: its id in a list, else its source.
        source: absolute path, or address.
        name: path of its outputs below the output folder, without their endings; with slashes.
        size: bytes, None if that is not known before it is opened.
        version: changes when the content does: time of modification in ns, or the tag that a store gives; empty if
            there is neither.
        duration: seconds as its list says, None if it does not.
        language: of its list; None for that of the configuration.
        profile: likewise.
    """

    key: str
    source: str
    name: str
    size: int | None = None
    version: str = ""
    duration: float | None = None
    language: str | None = None
    profile: str | None = None

    @property
    def token(self) -> str:
        """A name for what belongs to it, safe on every file system."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogateescape")).hexdigest()[:24]

    def to_json(self) -> str:
        """As a worker is told it."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Recording:
        """What `to_json` made."""
        return Recording(**json.loads(text))
