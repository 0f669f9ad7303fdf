"""A script of who speaks and who is where, drawn and mixed into a file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from clips import RATE, read_audio, write_clip
from who_script import Place, Script, Turn, frames
from who_sources import FPS, HEADROOM, Clip, Source, UInt8, heads

LEVEL = 0.06
"""Root mean square of each turn's speech: about -24 dB below full scale."""
_FLOOR = 0.0004
_FADE = 0.02
_KEPT_CLIPS = 8
_COVERED = 0.25
_COARSE, _FINE = 128, 384

Float32 = npt.NDArray[np.float32]
Boxes = dict[int, tuple[float, float, float, float]]


class Cast:
    """The people of a recording: their clips, and what each of them looks like at a moment.

    Args:
        people: each person's clips with what was found in them.
        face: height in pixels of the largest face that will be drawn.
    """

    def __init__(self, people: Sequence[Sequence[tuple[Clip, Source]]], face: float) -> None:
        self._people = people
        self._side = _COARSE if HEADROOM * face <= _COARSE else _FINE
        self._heads: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self._regions: dict[int, npt.NDArray[np.float64]] = {}

    def look(self, person: int, time: float, turns: Sequence[Turn]) -> tuple[UInt8, Source, int]:
        """A person's head as a square picture, the clip it is from and the number of its picture.

        Who speaks moves as in the clip; who listens goes to and fro in a stretch of it in which the mouth is still.
        """
        own = [turn for turn in turns if turn.person == person and turn.start <= time]
        clip = own[-1].clip if own else 0
        source = self._people[person][clip][1]
        if own and time < own[-1].end:
            index = round((time - own[-1].start + own[-1].offset) * FPS)
        else:
            first, last = source.still
            step = round(time * FPS) % max(1, 2 * (last - first))
            index = first + min(step, 2 * (last - first) - step)
        index = min(max(0, index), len(source.boxes) - 1)
        return self._head(person, clip, index), source, index

    def region(self, source: Source, index: int) -> tuple[float, float, float]:
        """Centre x, centre y and side in the clip's pixels of what `look` shows."""
        key = id(source)
        if key not in self._regions:
            self._regions[key] = source.regions()
        x, y, side = self._regions[key][index].tolist()
        return x, y, side

    def sound(self, turn: Turn) -> Float32:
        """(N,) float32 at 16 kHz of one turn, its speech at `LEVEL`."""
        whole = read_audio(self._people[turn.person][turn.clip][0].path)
        first = round(turn.offset * RATE)
        cut = whole[first : first + round((turn.end - turn.start) * RATE)].copy()
        spoken = [cut[round((a - turn.start) * RATE) : round((b - turn.start) * RATE)] for a, b in turn.speech]
        loud = float(np.sqrt(np.mean(np.concatenate(spoken) ** 2)))
        fade = np.minimum(1.0, np.arange(len(cut), dtype=np.float32) / (_FADE * RATE))
        return cut * np.minimum(fade, fade[::-1]) * np.float32(LEVEL / max(loud, 1e-6))

    def _head(self, person: int, clip: int, index: int) -> UInt8:
        key = (person, clip)
        if key not in self._heads:
            where, source = self._people[person][clip]
            self._heads[key] = heads(where.path, source, self._side)
            if len(self._heads) > _KEPT_CLIPS:
                self._heads.popitem(last=False)
        self._heads.move_to_end(key)
        data = np.frombuffer(self._heads[key][index], np.uint8)
        picture: UInt8 = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1], np.uint8)
        return picture


def draw(script: Script, cast: Cast, size: tuple[int, int], seed: int, number: int) -> tuple[UInt8, Boxes]:
    """One picture, and the box of each face in it: left, top, right, bottom in parts of the picture.

    A face has no box where it is mostly out of the picture or behind another.
    """
    width, height = size
    time = number / FPS
    shot = next(shot for shot in reversed(script.shots) if shot.start <= time + 1e-9)
    canvas = _background(size, seed).copy()
    boxes: Boxes = {}
    for place in shot.places:
        head, source, index = cast.look(place.person, time, script.turns)
        x, y = place.at(time)
        tile = round(HEADROOM * place.face)
        left, top = round(x - tile / 2), round(y - tile / 2)
        _paste(canvas, _lit(head, tile, place.gamma), left, top, place)
        centre_x, centre_y, extent = cast.region(source, index)
        box = np.array(source.boxes[index]).reshape(2, 2) - (centre_x - extent / 2, centre_y - extent / 2)
        (x0, y0), (x1, y1) = (box * tile / extent + (left, top)).tolist()
        for other, covered in list(boxes.items()):
            if _part_inside((x0 / width, y0 / height, x1 / width, y1 / height), covered) > _COVERED:
                del boxes[other]
        if _part_inside((0.0, 0.0, 1.0, 1.0), (x0 / width, y0 / height, x1 / width, y1 / height)) > 0.6:
            ends = (x0 / width, y0 / height, x1 / width, y1 / height)
            boxes[place.person] = (round(ends[0], 4), round(ends[1], 4), round(ends[2], 4), round(ends[3], 4))
    return canvas, boxes


def mix(script: Script, cast: Cast, seed: int) -> Float32:
    """(N,) float32 at 16 kHz: all turns, and a floor of faint noise."""
    count = round(frames(script) / FPS * RATE)
    sound = np.random.default_rng(seed).normal(0.0, _FLOOR, count).astype(np.float32)
    for turn in script.turns:
        first = round(turn.start * RATE)
        own = cast.sound(turn)[: count - first]
        sound[first : first + len(own)] += own
    return np.clip(sound, -1.0, 1.0)


def render(target: Path, script: Script, cast: Cast, size: tuple[int, int], seed: int) -> list[Boxes]:
    """Write the recording (H.264 and AAC in what the suffix says); returns the boxes of each picture."""
    every: list[Boxes] = []
    sound = mix(script, cast, seed)

    def images() -> Iterator[UInt8]:
        for number in range(frames(script)):
            image, boxes = draw(script, cast, size, seed, number)
            every.append(boxes)
            yield image

    # One thread: the same seed gives the same file.
    options = {"preset": "veryfast", "crf": "20", "threads": "1"}
    write_clip(target, images(), sound, FPS, size, options, bit_rate=96_000)
    return every


@lru_cache(maxsize=1)
def _background(size: tuple[int, int], seed: int) -> UInt8:
    """A wall: a soft gradient of one colour."""
    width, height = size
    chance = np.random.default_rng((seed, 1))
    colour, slope = chance.uniform(70, 170, 3), chance.uniform(-40, 40, 2)
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height))
    shade = (slope[0] * x + slope[1] * y)[:, :, None]
    return np.clip(colour + shade, 0, 255).astype(np.uint8)


def _lit(head: UInt8, tile: int, gamma: float) -> UInt8:
    interpolation = cv2.INTER_AREA if tile < head.shape[0] else cv2.INTER_CUBIC
    sized = cv2.resize(head, (tile, tile), interpolation=interpolation)
    if gamma != 1.0:
        sized = cv2.LUT(sized, (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8))
    return np.asarray(sized, np.uint8)


def _paste(canvas: UInt8, tile: UInt8, left: int, top: int, place: Place) -> None:
    height, width = canvas.shape[:2]
    first, last = place.cell or (0, width)
    side = tile.shape[0]
    x0, x1 = max(first, left, 0), min(last, left + side, width)
    y0, y1 = max(0, top), min(height, top + side)
    if x0 >= x1 or y0 >= y1:
        return
    part = tile[y0 - top : y1 - top, x0 - left : x1 - left]
    if place.cell is not None:
        canvas[y0:y1, x0:x1] = part
        return
    mask = _oval(side)[y0 - top : y1 - top, x0 - left : x1 - left, None]
    under = canvas[y0:y1, x0:x1]
    canvas[y0:y1, x0:x1] = (mask * part + (1 - mask) * under).astype(np.uint8)


@lru_cache(maxsize=8)
def _oval(side: int) -> Float32:
    """A head and its neck without the room around it: 1 inside, 0 outside, with a soft edge."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    distance = np.hypot(x / 0.34, (y + 0.02) / 0.44)
    return np.clip((1.0 - distance) / 0.08 + 0.5, 0.0, 1.0).astype(np.float32)


def _part_inside(outer: tuple[float, ...], inner: tuple[float, ...]) -> float:
    """How much of `inner` lies in `outer`, in [0, 1]; both left, top, right, bottom."""
    across = min(outer[2], inner[2]) - max(outer[0], inner[0])
    down = min(outer[3], inner[3]) - max(outer[1], inner[1])
    area = (inner[2] - inner[0]) * (inner[3] - inner[1])
    return max(0.0, across) * max(0.0, down) / area if area > 0 else 0.0
