"""The one place all events pass: merges what the components publish and hands it to sinks, hooks and iterators."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from lipstream.pipeline.component import EventSink
from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.delivery.hooks import Hook
from lipstream.pipeline.delivery.reports import Reports
from lipstream.pipeline.delivery.sink_thread import SinkSupervisor, SinkThread
from lipstream.pipeline.delivery.standstill import OF_A_LOOP, OF_A_SINK, STANDSTILL_US, reported
from lipstream.pipeline.delivery.subscription import Subscription
from lipstream.pipeline.events import End, Event, Stats
from lipstream.pipeline.running.supervised import Surroundings
from lipstream.pipeline.running.threads import begin
from lipstream.pipeline.streams.channel import FOREVER, Bounds, Channel, Policy
from lipstream.pipeline.streams.inbox import Inbox
from lipstream.pipeline.streams.waits import Signal

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

_PUBLISH_BOUNDS = Bounds(Policy.BLOCK, items=10_000, duration=FOREVER)
_SINK_LIMIT = 10_000
_REPLAY = 1024


class BusSupervisor(SinkSupervisor, Protocol):
    """What the bus needs of the runner."""

    def stats(self) -> Stats:
        """The run's metrics as of now."""

    def end(self) -> End:
        """The `End` of the run, once every component has ended its channel."""

    def delivered(self) -> None:
        """Note that everybody has `End`, or has it waiting."""


class EventBus:
    """Delivers events, in one order for everybody, and `End` exactly once, last, whatever fails.

    In a file run at full speed the order follows the media time, so that it is the same in every run; otherwise events
    go out as they arrive. One thread does all the delivering, so nobody who publishes, reports or registers ever
    waits for a slow reader, except a component whose channel here is full.

    Args:
        surroundings: what all who work in the run share. A lossless run waits for sinks and iterators that fall
            behind, another drops events for them.
        supervisor: the runner.
        reports: takes events that are no component's.
        signal: the bus's end of the components' event channels.
        hook_limit: most events that wait for a hook or an iterator.

    Attributes:
        end: the `End`, once it has been delivered.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        supervisor: BusSupervisor,
        reports: Reports,
        signal: Signal,
        hook_limit: int,
    ) -> None:
        self.end: End | None = None
        self.hooks: list[Hook] = []
        self.sinks: list[SinkThread] = []
        self.last_emitted = 0.0
        self.reports = reports
        self.thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._surroundings = surroundings
        self._supervisor = supervisor
        self._signal = signal
        self._hook_limit = hook_limit
        self._channels: dict[str, Channel] = {}
        self._next_stats = 0.0
        self._stats_interval = 0.0
        self._subscriptions: list[EventQueue] = []
        self._audience: tuple[list[EventQueue], list[Hook]] = ([], [])
        self._numbers = itertools.count(1)
        self._dropped_for_iterators = 0
        self._history: deque[Event] = deque(maxlen=_REPLAY)
        self._lock = threading.Lock()
        self._concluding = threading.Lock()
        self._released = False

    # Who takes part.

    def channel(self, name: str, producer: Signal) -> Channel:
        """The channel on which a component publishes; call before `start`."""
        channel = Channel(f"{name} -> events", _PUBLISH_BOUNDS, self._signal, self._surroundings.clock, producer)
        self._channels[name] = channel
        return channel

    def add_sink(self, name: str, sink: EventSink) -> None:
        """Register a sink; call before `start`."""
        queue = EventQueue(_SINK_LIMIT, name)
        self.sinks.append(SinkThread(name, sink, queue, self._surroundings, self._supervisor, self.reports))

    def add_hook(self, event_type: type[Event], function: Callable[[Any], Any]) -> Hook:
        """Register a hook, also while the run is on."""
        hook = Hook(event_type, function, self._hook_limit, self.reports)
        with self._lock:
            self.hooks = [*self.hooks, hook]
        return hook

    def remove_hooks(self, function: Callable[[Any], Any], event_type: type[Event] | None) -> int:
        """Unregister a function (for one event class, or for all); returns how many hooks went."""
        with self._lock:
            gone = [hook for hook in self.hooks if hook.function == function and event_type in (None, hook.event_type)]
            # First, or a Ctrl-C in here would leave threads that wait for ever.
            for hook in gone:
                hook.close()
            self.hooks = [hook for hook in self.hooks if hook not in gone]
        return len(gone)

    def subscribe(self, *wanted: type[Event], by: str = "") -> Subscription[Any]:
        """An iterator over the events, beginning with those already published (the last 1024).

        Args:
            wanted: classes of events to give; none means all.
            by: who reads, for messages.
        """
        name = f"reader {next(self._numbers)}" + (f" ({by})" if by else "")
        queue = EventQueue(max(self._hook_limit, _REPLAY), name, wanted)
        # Before it is known, or a Ctrl-C in here would leave a reader who does not exist to be waited for.
        subscription: Subscription[Any] = Subscription(queue, wanted)
        with self._lock:
            queue.preload(self._history)
            if self._released:
                queue.release()
            if self.end is not None:
                queue.conclude()
            else:
                self._subscriptions = [*self._subscriptions, queue]
        return subscription

    # The run.

    def start(self, stats_interval: float) -> None:
        """Begin to deliver; what keeps a thread from it is a failure.

        Args:
            stats_interval: if ordered, `Stats` are delivered every so many seconds of media time; 0 for none.
        """
        self._next_stats = self._stats_interval = stats_interval
        for sink in self.sinks:
            sink.start()
        error = begin(self.thread)
        if error is not None:
            self._supervisor.failed("events", error)

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

    @property
    def busy(self) -> list[tuple[str, int]]:
        """Sinks and hooks that still work, each with the number of events it has dealt with."""
        sinks = [(each.name, each.metrics.packets_in) for each in self.sinks if each.thread.is_alive()]
        hooks = [each for each in self.hooks if each.thread is not None and each.thread.is_alive()]
        return [*sinks, *((each.label, each.metrics.packets_in) for each in hooks)]

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

    # The end.

    def conclude(self) -> None:
        """Deliver what is still to be told, and `End`, to everybody. Idempotent.

        The bus's own thread does it, and then the supervisor, in case there is none or it failed.
        """
        with self._concluding:
            if self.end is None:
                self._attempt(self._deliver_reports)
                self._attempt(lambda: self._hand_out(self._supervisor.stats()))
                # First, for what fails here is a failure of the run.
                for hook in self.hooks:
                    hook.expect_end(self._supervisor.failed)
                end = self._make_end()
                with self._lock:
                    self._history.append(end)
                    self.end = end
                    self._audience = self._subscriptions, self.hooks
            readers, hooks = self._audience
            for queue in (*(sink.queue for sink in self.sinks), *readers):
                queue.conclude(self.end)
            for hook in hooks:
                hook.conclude(self.end)

    def work_off(self) -> None:
        """Do the work of the sinks and hooks for which no thread could be had, once `End` is there."""
        for sink in self.sinks:
            if sink.left_out:
                self._attempt(sink.work_off)
        for hook in self._audience[1]:
            if hook.left_out:
                self._attempt(hook.work_off)

    def let_go(self) -> None:
        """Hold nothing of the run any more."""
        del self._supervisor
        if self.thread.ident is None:
            self.thread = threading.Thread(name=self.thread.name, daemon=True)

    def _make_end(self) -> End:
        try:
            return self._stamped(self._supervisor.end())
        except Exception as error:  # noqa: BLE001 - whatever fails, `End` comes
            self._supervisor.failed("events", error)
            return End(reason="failed", duration=0.0, emitted=self.last_emitted)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the runner, which raises it with its cause
            self._supervisor.failed("events", error)

    # The thread.

    def _run(self) -> None:
        self._attempt(self._merge)
        # Nobody must wait to publish what nobody delivers.
        for channel in self._channels.values():
            channel.close()
        self.conclude()
        self._supervisor.delivered()

    def _merge(self) -> None:
        # Nobody asks the bus for a frontier, so none is delivered.
        skew_limit = None if self._surroundings.media_time else 0
        inbox = Inbox(self._channels, self._signal, self._surroundings.clock, skew_limit, step=FOREVER)
        self.reports.call(inbox.interrupt)
        while (delivery := inbox.get()) is not None:
            self._deliver_reports()
            if delivery.packet is not None:
                self._deliver_stats(delivery.packet.payload.emitted)
                self._deliver(delivery.packet.payload)

    def _deliver_reports(self) -> None:
        while (event := self.reports.take()) is not None:
            self._deliver(event)

    def _deliver_stats(self, until: float) -> None:
        # By media time, or the place of the event among the others would depend on the machine.
        if self._surroundings.media_time and 0 < self._next_stats <= until:
            self._deliver(dataclasses.replace(self._supervisor.stats(), emitted=self._next_stats))
            self._next_stats = (until // self._stats_interval + 1) * self._stats_interval

    def _deliver(self, event: Event) -> None:
        self._hand_out(event)
        if self._surroundings.lossless:
            self._wait_for_all()

    def _hand_out(self, event: Event) -> None:
        """Give an event to everybody, without waiting for anybody."""
        event = self._stamped(event)
        feed = EventQueue.put if self._surroundings.lossless else EventQueue.offer
        with self._lock:
            self._history.append(event)
            self._forget_closed()
            queues = [*(sink.queue for sink in self.sinks), *self._subscriptions]
            hooks = self.hooks
        for queue in queues:
            feed(queue, event)
        for hook in hooks:
            hook.offer(event, self._supervisor.failed)

    def _stamped(self, event: E) -> E:
        if event.emitted < self.last_emitted:
            event = dataclasses.replace(event, emitted=self.last_emitted)
        self.last_emitted = event.emitted
        return event

    def _wait_for_all(self) -> None:
        """Wait until those who have fallen behind have caught up; those who stand still are reported, once."""
        readers = [(sink.queue, OF_A_SINK) for sink in self.sinks]
        readers += [(queue, OF_A_LOOP) for queue in self._subscriptions]
        for queue, _ in readers:
            # Not before it has made more room than is needed: one that takes an event now and then stands still.
            queue.reported = queue.reported and queue.over_full
        for queue, _ in readers:
            while not queue.wait_for_room(self._surroundings.clock, STANDSTILL_US):
                for other, advice in readers:
                    if other.over_full and not other.reported:
                        other.reported = True
                        self._hand_out(reported(other.name, advice))

    def _forget_closed(self) -> None:
        self._dropped_for_iterators += sum(queue.dropped for queue in self._subscriptions if queue.closed)
        self._subscriptions = [queue for queue in self._subscriptions if not queue.closed]
