"""The one place all events pass: merges what the components publish and hands it to sinks, hooks and iterators."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from pipeline.channel import Bounds, Channel, Policy, Signal
from pipeline.clock import Clock
from pipeline.component import EventSink
from pipeline.events import End, Error, Event
from pipeline.hooks import Hook, Subscription
from pipeline.inbox import Inbox
from pipeline.packet import Packet, micros

log = logging.getLogger(__name__)

_EVENT_BOUNDS = Bounds(Policy.BLOCK, items=10_000, duration=2**62)
_REPLAY = 1024


class EventBus:
    """Delivers events, in one order for everybody, and `End` exactly once, last.

    In a file run at full speed the order follows the media time, so that it is the same in every run; otherwise events
    go out as they arrive.

    Args:
        clock: session clock.
        ordered: merge by time stamp instead of by arrival.
        hook_limit: most events that wait for a hook.
    """

    def __init__(self, clock: Clock, ordered: bool, hook_limit: int) -> None:
        self.hooks: list[Hook] = []
        self._clock = clock
        self._ordered = ordered
        self._hook_limit = hook_limit
        self._signal = Signal()
        self._channels: dict[str, Channel] = {}
        self._sinks: list[_SinkThread] = []
        self._subscriptions: list[Subscription] = []
        self._history: deque[Event] = deque(maxlen=_REPLAY)
        self._lock = threading.RLock()
        self._last = 0.0
        self.end: End | None = None
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._on_drained: Callable[[], End] | None = None

    @property
    def last_emitted(self) -> float:
        """The `emitted` of the last event delivered, in seconds."""
        return self._last

    def channel(self, name: str) -> Channel:
        """The channel on which a component publishes; call before `start`."""
        channel = Channel(f"{name} -> events", _EVENT_BOUNDS, self._signal, self._clock)
        self._channels[name] = channel
        return channel

    def add_sink(self, name: str, sink: EventSink, fail: Callable[[str, Exception], None]) -> _SinkThread:
        """Register a sink; `fail` is told when it raises."""
        thread = _SinkThread(name, sink, self._clock, fail)
        self._sinks.append(thread)
        return thread

    def add_hook(self, event_type: type[Event], function: Callable[[Any], Any]) -> Hook:
        """Register a hook, also while the run is on."""
        hook = Hook(event_type, function, self._hook_limit, self._report_hook)
        with self._lock:
            self.hooks = [*self.hooks, hook]
        return hook

    def remove_hooks(self, function: Callable[[Any], Any], event_type: type[Event] | None) -> int:
        """Unregister a function (for one event class, or for all); returns how many hooks went."""
        with self._lock:
            gone = [
                hook for hook in self.hooks if hook.function == function and event_type in (None, hook.event_type)
            ]
            self.hooks = [hook for hook in self.hooks if hook not in gone]
        for hook in gone:
            hook.close()
        return len(gone)

    def subscribe(self, limit: int) -> Subscription:
        """An iterator over the events, beginning with those already published (up to 1024)."""
        subscription = Subscription(max(limit, _REPLAY), lossless=self._ordered)
        with self._lock:
            for event in self._history:
                subscription.offer(event)
            self._subscriptions = [*self._subscriptions, subscription]
        return subscription

    def start(self, on_drained: Callable[[], End]) -> None:
        """Begin to deliver; `on_drained` makes the `End` event once every component has ended its stream."""
        self._on_drained = on_drained
        self._thread.start()

    def publish_now(self, event: Event) -> None:
        """Deliver an event of the runner's own at once, between the components' events."""
        with self._lock:
            self._deliver(event)

    def end_channels(self) -> None:
        """Stop waiting for components that do not come back."""
        for channel in self._channels.values():
            channel.end()
        for sink in self._sinks:
            sink.channel.unbound()
        for subscription in self._subscriptions:
            subscription.release()

    def join(self, deadline: Callable[[], float]) -> bool:
        """Wait for `End` to reach every sink and hook; `deadline` gives the seconds left. Returns whether it has."""
        done = True
        for thread in (self._thread, *(sink.thread for sink in self._sinks)):
            thread.join(max(0.0, deadline()))
            done = done and not thread.is_alive()
        return all([hook.join(max(0.0, deadline())) for hook in self.hooks]) and done

    def _run(self) -> None:
        if self._channels:
            inbox = Inbox(
                self._channels, self._signal, self._clock, None if self._ordered else 0, coupled=list(self._channels)
            )
            while (delivery := inbox.get()) is not None:
                if delivery.packet is not None:
                    with self._lock:
                        self._deliver(delivery.packet.payload)
        assert self._on_drained is not None
        self.publish_now(self._on_drained())

    def _deliver(self, event: Event) -> None:
        if self.end is not None:
            log.warning("event after the end was not delivered: %s", type(event).__name__)
            return
        self._last = max(self._last, event.emitted)
        if event.emitted < self._last:
            event = dataclasses.replace(event, emitted=self._last)
        if isinstance(event, End):
            self.end = event
        self._history.append(event)
        for sink in self._sinks:
            sink.channel.put(Packet(micros(event.emitted), event))
        for subscription in self._subscriptions:
            subscription.offer(event)
        for hook in self.hooks:
            hook.offer(event)
        if self.end is not None:
            for sink in self._sinks:
                sink.channel.end()
            for hook in self.hooks:
                hook.finish()

    def _report_hook(self, name: str, message: str) -> None:
        log.warning("hook %s: %s", name, message)
        if self.end is None:
            self.publish_now(Error(stage=f"hook {name}", message=message, recoverable=True, emitted=self._last))


class _SinkThread:
    """Runs one event sink."""

    def __init__(self, name: str, sink: EventSink, clock: Clock, fail: Callable[[str, Exception], None]) -> None:
        signal = Signal()
        self.name = name
        self.sink = sink
        self.channel = Channel(f"events -> {name}", _EVENT_BOUNDS, signal, clock)
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._inbox = Inbox({"events": self.channel}, signal, clock, 0)
        self._fail = fail

    def _run(self) -> None:
        try:
            while (delivery := self._inbox.get()) is not None:
                if delivery.packet is not None:
                    self.sink.handle(delivery.packet.payload)
        except Exception as error:  # noqa: BLE001 - reported, with its cause, by the runner
            self.channel.close()
            self._fail(self.name, error)
        finally:
            self.sink.close()
