"""The surroundings of a sink that is tested by itself."""

from __future__ import annotations

from lipstream.pipeline import Event


class SinkContext:
    """Says whether the run may lose something, and keeps what is published."""

    name = "sink"

    def __init__(self, *, lossless: bool) -> None:
        self.lossless = lossless
        self.events: list[Event] = []

    def publish(self, event: Event) -> None:
        self.events.append(event)
