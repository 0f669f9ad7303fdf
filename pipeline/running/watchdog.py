"""Stages that do not come back from a call: noticed while they are stuck, and reported in words of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.events import Degraded, Event, Recovered
from lipstream.pipeline.running.node import Node

STUCK_US = 5_000_000
"""Microseconds of one call after which it is reported. Nothing that keeps pace takes so long."""


class Watchdog:
    """Reports the stages of a live run that are stuck, and that they are back.

    A stage cannot report this itself, and what waits behind it would else stand still without a word. Only stages that
    say what it means (`Stage.if_stuck`) are watched.

    Args:
        nodes: the components, each with its thread.
        clock: session clock.
        publish: takes the events.
    """

    def __init__(self, nodes: Iterable[Node], clock: Clock, publish: Callable[[Event], None]) -> None:
        self._nodes = [node for node in nodes if node.if_stuck is not None]
        self._clock = clock
        self._publish = publish
        self._stuck: set[str] = set()

    def look(self) -> None:
        """See who is stuck now."""
        now = self._clock.now()
        for node in self._nodes:
            assert node.if_stuck is not None
            modality, reason = node.if_stuck
            since = node.calling_since
            if since is not None and now - since >= STUCK_US:
                if node.name not in self._stuck:
                    self._stuck.add(node.name)
                    self._publish(Degraded(modality=modality, stage=node.name, reason=reason))
            elif node.name in self._stuck:
                self._stuck.remove(node.name)
                self._publish(Recovered(modality=modality, stage=node.name))
