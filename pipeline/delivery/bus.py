"""The one place all events pass: merges what the components publish and hands it to sinks, hooks and iterators."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.component import EventSink
from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.delivery.hooks import Hook
from lipstream.pipeline.delivery.sink_thread import SinkSupervisor, SinkThread
from lipstream.pipeline.delivery.subscription import Subscription
from lipstream.pipeline.events import End, Error, Event, Stats
from lipstream.pipeline.streams.channel import FOREVER, Bounds, Channel, Policy
from lipstream.pipeline.streams.inbox import Inbox
from lipstream.pipeline.streams.packet import seconds
from lipstream.pipeline.streams.waits import Signal

log = logging.getLogger(__name__)

_PUBLISH_BOUNDS = Bounds(Policy.BLOCK, items=10_000, duration=FOREVER)
_SINK_LIMIT = 10_000
_REPLAY = 1024


class EventBus:
    """Delivers events, in one order for everybody, and `End` exactly once, last.

    In a file run at full speed the order follows the media time, so that it is the same in every run; otherwise events
    go out as they arrive. One thread does all the delivering, so nobody who publishes, reports or registers ever
    waits for a slow reader, except a component whose channel here is full.

    Args:
        clock: session clock.
        signal: the bus's end of the components' event channels.
        ordered: merge by time stamp instead of by arrival.
        lossless: wait for sinks and iterators that fall behind, instead of dropping events for them.
        hook_limit: most events that wait for a hook or an iterator.
    """

    def __init__(self, clock: Clock, signal: Signal, *, ordered: bool, lossless: bool, hook_limit: int) -> None:
        self.end: End | None = None
        self.hooks: list[Hook] = []
        self.sinks: list[SinkThread] = []
        self.last_emitted = 0.0
        self.thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._clock = clock
        self._signal = signal
        self._ordered = ordered
        self._feed: Callable[[EventQueue, Event], object] = EventQueue.put if lossless else EventQueue.offer
        self._hook_limit = hook_limit
        self._channels: dict[str, Channel] = {}
        self._inbox: Inbox | None = None
        self._subscriptions: list[EventQueue] = []
        self._dropped_for_iterators = 0
        self._history: deque[Event] = deque(maxlen=_REPLAY)
        self._reports: deque[Event] = deque()
        self._lock = threading.Lock()
        self._released = False

    # Who takes part.

    def channel(self, name: str, producer: Signal) -> Channel:
        """The channel on which a component publishes; call before `start`."""
        channel = Channel(f"{name} -> events", _PUBLISH_BOUNDS, self._signal, self._clock, producer)
        self._channels[name] = channel
        return channel

    def add_sink(self, name: str, sink: EventSink, supervisor: SinkSupervisor) -> None:
        """Register a sink; call before `start`."""
        self.sinks.append(SinkThread(name, sink, EventQueue(_SINK_LIMIT), supervisor, self._publish_for_sink))

    def add_hook(self, event_type: type[Event], function: Callable[[Any], Any]) -> Hook:
        """Register a hook, also while the run is on."""
        hook = Hook(event_type, function, self._hook_limit, self._report_hook)
        with self._lock:
            self.hooks = [*self.hooks, hook]
        return hook

    def remove_hooks(self, function: Callable[[Any], Any], event_type: type[Event] | None) -> int:
        """Unregister a function (for one event class, or for all); returns how many hooks went."""
        with self._lock:
            gone = [hook for hook in self.hooks if hook.function == function and event_type in (None, hook.event_type)]
            self.hooks = [hook for hook in self.hooks if hook not in gone]
        for hook in gone:
            hook.close()
        return len(gone)

    def subscribe(self) -> Subscription:
        """An iterator over the events, beginning with those already published (the last 1024)."""
        queue = EventQueue(max(self._hook_limit, _REPLAY))
        with self._lock:
            queue.preload(self._history)
            if self._released:
                queue.release()
            if self.end is not None:
                queue.finish()
            else:
                self._subscriptions = [*self._subscriptions, queue]
        return Subscription(queue)

    # The run.

    def start(self, stats: Callable[[], Stats], stats_interval: float, end: Callable[[], End]) -> None:
        """Begin to deliver.

        Args:
            stats: makes a `Stats` event; one is delivered before `End`.
            stats_interval: if ordered, one is also delivered every so many seconds of media time; 0 for none.
            end: makes the `End` event once every component has ended its channel.
        """
        self._stats, self._stats_interval, self._make_end = stats, stats_interval, end
        self._next_stats = stats_interval
        # Nobody asks the bus for a frontier, so none is delivered.
        self._inbox = Inbox(self._channels, self._signal, self._clock, None if self._ordered else 0, step=FOREVER)
        for sink in self.sinks:
            sink.thread.start()
        self.thread.start()

    def publish_now(self, event: Event) -> None:
        """Deliver an event that is no component's, between the components' events; never waits."""
        self._reports.append(event)
        if self._inbox is not None:
            self._inbox.interrupt()

    def release(self) -> None:
        """Let no sink and no iterator hold the run up any more, however slow."""
        with self._lock:
            self._released = True
            queues = [*self._subscriptions, *(sink.queue for sink in self.sinks)]
        for queue in queues:
            queue.release()

    def end_channels(self) -> None:
        """Stop waiting for components that do not come back."""
        for channel in self._channels.values():
            channel.end()
            channel.unbound()

    @property
    def threads(self) -> list[threading.Thread]:
        """The threads that deliver events, in the order in which they end."""
        hooks = [hook.thread for hook in self.hooks if hook.thread is not None]
        return [self.thread, *(sink.thread for sink in self.sinks), *hooks]

    def consumers(self) -> dict[str, dict[str, float]]:
        """The figures of all sinks and hooks."""
        figures = {sink.name: sink.metrics.snapshot() | {"dropped": float(sink.queue.dropped)} for sink in self.sinks}
        for index, hook in enumerate(self.hooks, 1):
            figures[f"hook {index} {hook.name}"] = hook.metrics.snapshot() | {"dropped": float(hook.dropped)}
        return figures

    def dropped(self) -> dict[str, float]:
        """Events lost on slow readers, by kind of reader; empty if there were none."""
        totals = {
            "events dropped for hooks": sum(hook.dropped for hook in self.hooks),
            "events dropped for sinks": sum(sink.queue.dropped for sink in self.sinks),
            "events dropped for iterators": self._dropped_for_iterators
            + sum(queue.dropped for queue in self._subscriptions),
        }
        return {name: float(total) for name, total in totals.items() if total}

    # The thread.

    def _run(self) -> None:
        assert self._inbox is not None
        while (delivery := self._inbox.get()) is not None:
            self._deliver_reports()
            if delivery.packet is not None:
                self._deliver_stats(delivery.packet.payload.emitted)
                self._deliver(delivery.packet.payload)
        self._deliver_reports()
        self._deliver(self._stats())
        self._deliver(self._make_end())
        for sink in self.sinks:
            sink.queue.finish()
        for hook in self.hooks:
            hook.finish()

    def _deliver_reports(self) -> None:
        while self._reports:
            self._deliver(self._reports.popleft())

    def _deliver_stats(self, until: float) -> None:
        # By media time, or the place of the event among the others would depend on the machine.
        if self._ordered and 0 < self._next_stats <= until:
            self._deliver(dataclasses.replace(self._stats(), emitted=self._next_stats))
            self._next_stats = (until // self._stats_interval + 1) * self._stats_interval

    def _deliver(self, event: Event) -> None:
        if event.emitted < self.last_emitted:
            event = dataclasses.replace(event, emitted=self.last_emitted)
        self.last_emitted = event.emitted
        with self._lock:
            self._history.append(event)
            if isinstance(event, End):
                self.end = event
            self._forget_closed()
            queues = [*(sink.queue for sink in self.sinks), *self._subscriptions]
            hooks = self.hooks
        for queue in queues:
            self._feed(queue, event)
        for hook in hooks:
            hook.offer(event)

    def _forget_closed(self) -> None:
        self._dropped_for_iterators += sum(queue.dropped for queue in self._subscriptions if queue.closed)
        self._subscriptions = [queue for queue in self._subscriptions if not queue.closed]

    def _publish_for_sink(self, event: Event) -> None:
        now = 0.0 if self._ordered else seconds(self._clock.now())
        self.publish_now(dataclasses.replace(event, emitted=now))

    def _report_hook(self, name: str, message: str) -> None:
        self.publish_now(Error(stage=f"hook {name}", message=message, recoverable=True))
