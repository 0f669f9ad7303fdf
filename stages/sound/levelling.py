"""Sound as loud as listeners are used to, without an offset: very quiet sound is raised, all other left as it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.pipeline import Packet
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.sound.level import SILENT

BLOCK: Final = 512
"""Samples that are measured together: 32 ms."""
QUIET: Final = 10 ** (-50 / 20)
"""Root mean square of its loudest 0.3 s below which sound is raised to this. Speech in an ordinary recording has ten to
thirty times as much, and is recognised as well down to here."""
MOST_GAIN: Final = 10 ** (40 / 20)
AHEAD: Final = 15.0
"""Seconds that a recording is listened to ahead, so that its first word is raised as well."""

_WINDOW: Final = round(20 * SAMPLE_RATE / BLOCK)
"""Blocks by which the loudness is judged: longer than most pauses."""
_LOUDEST: Final = 10
"""So many blocks must be as loud: a click is not what the sound is like."""
_STANDS_OUT: Final = 2.0
"""What is not so many times as loud as the quietest tenth is an even noise, which is not raised."""
_GUARD: Final = 10 ** (-20 / 20)
_GUARDED: Final = 10
"""Nothing in so many blocks is raised beyond `_GUARD`: what comes all of a sudden is as loud as it is."""
_PATIENCE: Final = 32
"""So many blocks in a row must call for more before there is more of it: what fades in is not quiet."""
_RISE: Final = 1.5
"""Most by which the gain grows from block to block."""
_STEP: Final = 1.12
"""A change of the gain by less than this is not worth one."""
_OFFSET_WINDOW: Final = round(2 * SAMPLE_RATE / BLOCK)
_OFFSET: Final = 0.01
"""An offset from which on it is taken out; a smaller one if it is `_OFFSET_SHARE` of what is heard."""
_OFFSET_SHARE: Final = 0.5
_TOGETHER: Final = 32
_LEAST_MEANS: Final = 8
_LEAST_OFFSET: Final = 0.0005
_ASIDE: Final = _OFFSET_SHARE * QUIET
"""No smaller offset is taken out of sound that is not quiet."""
_UNHEARD: Final = 10 ** (-85 / 20)

Float64 = npt.NDArray[np.float64]


class Leveller:
    """Raises quiet sound and takes an offset out, block by block on a grid of its own from the first sample on.

    The result does not depend on how the sound is cut. Sound that is neither quiet nor has an offset comes out bit for
    bit.

    Args:
        ahead: seconds that the result is later than the sound, by which changes are known before they come; with 0
            every sample comes out at once, treated by what was heard before its block.

    Attributes:
        gain: the largest so far, 1 where nothing was raised.
        offset: the largest that was taken out so far.
    """

    def __init__(self, ahead: float = 0.0) -> None:
        self.gain = 1.0
        self.offset = 0.0
        self._ahead = round(ahead * SAMPLE_RATE / BLOCK)
        self._held: Float32 = np.zeros(0, np.float32)
        """What was taken and not given yet, or is part of the block that is measured next."""
        self._first = 0
        self._given = 0
        self._measured = 0
        self._levels: deque[float] = deque(maxlen=_WINDOW + self._ahead)
        self._means: deque[float] = deque(maxlen=_OFFSET_WINDOW + self._ahead)
        self._loud = 0
        """How many of the levels are loud enough."""
        self._aside = 0
        """How many of the means are away from zero."""
        self._decided = False
        self._quiet_for = 0
        self._steps: deque[tuple[float, float]] = deque([(1.0, 0.0)])
        """Gain and offset at the beginning of the block that is given next, and at the ends of it and those behind."""

    def process(self, samples: Float32) -> Float32:
        """Take samples, (N,), and give those, (M,), that can be given."""
        self._held = np.concatenate([self._held, samples])
        end = self._first + len(self._held)
        whole = end // BLOCK - self._measured
        at = self._measured * BLOCK - self._first
        for level, mean in _measures(self._held[at : at + whole * BLOCK].reshape(whole, BLOCK)):
            self._decide_up_to(self._measured - self._ahead)
            self._note(level, mean)
        self._decide_up_to(self._measured - self._ahead)
        return self._give(min(end, (self._measured - self._ahead + 1) * BLOCK))

    def flush(self) -> Float32:
        """The rest, (M,). Nothing may be processed afterwards."""
        end = self._first + len(self._held)
        self._decide_up_to(-(-end // BLOCK))
        return self._give(end)

    # What is heard.

    def _note(self, level: float, mean: float) -> None:
        self._measured += 1
        if level == 0.0 and mean == 0.0:
            # Silence that was put in says nothing about the sound.
            return
        self._loud += _push(self._levels, level, lambda each: each >= QUIET)
        self._aside += _push(self._means, mean, lambda each: abs(each) >= _ASIDE)

    def _decide_up_to(self, block: int) -> None:
        """Find gain and offset at the end of each block up to this one, as far as not found yet."""
        while self._given // BLOCK + len(self._steps) - 2 < block:
            before = self._steps[-1]
            step = self._step(*before)
            if self._ahead and not self._decided:
                # Nothing was given yet: the sound begins as it goes on.
                self._steps[0] = step
            self._decided = True
            self._steps.append(step)
            self.gain = max(self.gain, step[0])
            self.offset = max(self.offset, step[1], key=abs)

    def _step(self, gain: float, offset: float) -> tuple[float, float]:
        loud = self._loud >= _LOUDEST
        # The median can be no offset while most of what it is taken from is none.
        centred = offset == 0.0 and 2 * self._aside < len(self._means)
        if loud:
            self._quiet_for = 0
        if loud and centred:
            return 1.0, 0.0
        levels = np.array(self._levels)
        if len(levels) < _LOUDEST:
            return gain, self._next_offset(offset, 0.0)
        top = float(np.partition(levels, -_LOUDEST)[-_LOUDEST])
        return 1.0 if loud else self._next_gain(gain, top, levels), self._next_offset(offset, top)

    def _next_gain(self, gain: float, top: float, levels: Float64) -> float:
        wanted = gain
        if top > _UNHEARD and top >= _STANDS_OUT * float(np.percentile(levels, 10)):
            wanted = min(MOST_GAIN, QUIET / top)
        newest = float(levels[-(_GUARDED + self._ahead) :].max())
        wanted = max(1.0, min(wanted, _GUARD / max(newest, SILENT)))
        self._quiet_for = self._quiet_for + 1 if wanted >= gain * _STEP else 0
        if gain / _STEP < wanted < gain * _STEP:
            return gain
        if wanted < gain or (self._ahead and not self._decided):
            return wanted
        return min(wanted, gain * _RISE) if self._quiet_for >= _PATIENCE else gain

    def _next_offset(self, offset: float, top: float) -> float:
        if len(self._means) < _LEAST_MEANS:
            return offset
        lowest, found, highest = np.percentile(self._means, [10, 50, 90]).tolist()
        if lowest <= 0 <= highest:
            # Now to one side, now to the other: that is deep sound.
            return 0.0
        least = _OFFSET if top < SILENT else max(_LEAST_OFFSET, min(_OFFSET, _OFFSET_SHARE * top))
        # What is taken out is taken out until it is well below that.
        return found if abs(found) >= (least if offset == 0.0 else least / 2) else 0.0

    # What is given.

    def _give(self, until: int) -> Float32:
        if until <= self._given:
            return np.zeros(0, np.float32)
        pieces = []
        if (same := self._unchanged(until)) is not None:
            pieces.append(same)
        while self._given < until:
            inside = self._given % BLOCK
            count = min(BLOCK - inside, until - self._given)
            at = self._given - self._first
            pieces.append(self._treated(self._held[at : at + count], inside))
            self._given += count
            if self._given % BLOCK == 0:
                self._steps.popleft()
        kept = min(self._given, self._measured * BLOCK)
        self._held, self._first = self._held[kept - self._first :], kept
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _unchanged(self, until: int) -> Float32 | None:
        """All that is to be given, if nothing of it is to be changed."""
        blocks = -(-until // BLOCK) - self._given // BLOCK
        if any(step != (1.0, 0.0) for step in islice(self._steps, blocks + 1)):
            return None
        same = self._held[self._given - self._first : until - self._first]
        for _ in range(until // BLOCK - self._given // BLOCK):
            self._steps.popleft()
        self._given = until
        return same

    def _treated(self, piece: Float32, inside: int) -> Float32:
        (gain, offset), (next_gain, next_offset) = self._steps[0], self._steps[1]
        if gain == next_gain == 1.0 and offset == next_offset == 0.0:
            return piece
        share = (np.arange(inside, inside + len(piece)) / BLOCK).astype(np.float32)
        moved = piece - (np.float32(offset) + np.float32(next_offset - offset) * share)
        raised = moved * (np.float32(gain) + np.float32(next_gain - gain) * share)
        result: Float32 = np.clip(raised, -1.0, 1.0).astype(np.float32)
        return result


def _measures(blocks: Float32) -> list[tuple[float, float]]:
    """Root mean square without the mean, and mean, of each of some blocks, (N, BLOCK)."""
    if not len(blocks):
        return []
    means = blocks.mean(axis=1)
    # Not by the difference of squares, of which a large offset leaves nothing in single precision.
    rest = blocks - means[:, None]
    levels = np.sqrt(np.einsum("ij,ij->i", rest, rest) / BLOCK)
    return list(zip(levels.tolist(), means.tolist(), strict=True))


def _push(values: deque[float], value: float, counts: Callable[[float], bool]) -> int:
    """Append a value to a queue of bounded length; returns by how much the number of those that count changes."""
    gone = len(values) == values.maxlen and counts(values[0])
    values.append(value)
    return counts(value) - gone


def levelled(
    blocks: Iterator[Packet[AudioBlock]], told: Callable[[str], None] = lambda text: None
) -> Iterator[Packet[AudioBlock]]:
    """The same blocks with their sound levelled, `AHEAD` later.

    Args:
        blocks: without a gap between them.
        told: called with a plain-language line the first time that something of a kind is changed.
    """
    leveller, waiting, ready = Leveller(AHEAD), deque[Packet[AudioBlock]](), np.zeros(0, np.float32)
    said: set[str] = set()
    for some in _together(blocks):
        waiting.extend(some)
        heard = [packet.payload.samples for packet in some]
        given = leveller.process(np.concatenate(heard)) if heard else leveller.flush()
        ready = np.concatenate([ready, given])
        for text in _changes(leveller):
            if text not in said:
                said.add(text)
                told(text)
        while waiting and len(waiting[0].payload.samples) <= len(ready):
            first, ready = _with(waiting.popleft(), ready)
            yield first


def _together(blocks: Iterator[Packet[AudioBlock]]) -> Iterator[list[Packet[AudioBlock]]]:
    """Some blocks at a time, which is less work than one, and none at the end."""
    while some := list(islice(blocks, _TOGETHER)):
        yield some
    yield []


def _with(packet: Packet[AudioBlock], ready: Float32) -> tuple[Packet[AudioBlock], Float32]:
    block = packet.payload
    samples, rest = ready[: len(block.samples)], ready[len(block.samples) :]
    if block.filled:
        # Silence that was put in has no offset.
        samples = np.where(block.samples == 0, np.float32(0), samples)
    return Packet(packet.timestamp, AudioBlock(samples, block.filled), packet.duration), rest


def _changes(leveller: Leveller) -> Iterator[str]:
    if leveller.offset:
        yield "the sound has an offset, which is taken out"
    if leveller.gain > 1:
        yield "the sound is very quiet, and is raised"
