"""Clips of single people who talk, as material for composed recordings: whose, where the face is, when they speak.

What is found in a clip (`Source`) is kept in the cache folder, by the clip's content: no picture and no sound.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from clips import RATE, read_audio

from lipstream.models.assets import cache_dir
from lipstream.models.face.backend import FaceObservation
from lipstream.models.face.lips import aperture
from lipstream.models.face.litert_backend import LiteRtBackend
from lipstream.models.face.pose import head_pose
from lipstream.models.face.tracking import bounding_box
from lipstream.models.speech.vad import WINDOW, SileroVad

FPS = 25
HEADROOM = 2.4
"""Side of the square that is cut out of a clip around a face, in heights of the face."""
_VERSION = 2
_LOOKS_PER_SECOND = 12.5
_STILL_SECONDS = 0.8
_SPEECH, _BRIDGED, _SHORTEST, _LONGEST = 0.5, 0.25, 0.2, 7.0
"""Probability of speech; pauses that do not part it, shortest and longest stretch of it, in seconds."""
_FOLLOWED = 2 * FPS
"""Pictures over which the place of the head is averaged."""
_LEAST_FACE = 48.0
_LEAST_SEEN = 0.9
_LEAST_SPEECH = 1.5

UInt8 = npt.NDArray[np.uint8]


class Wrong(ValueError):
    """Something in the arguments cannot be used; the message says what."""


@dataclass(frozen=True)
class Clip:
    """A file and whose it is.

    Attributes:
        path: a video with one face and that person's voice.
        person: name of the person, the same in all of their clips.
        text: what is said; empty if that is not known.
    """

    path: Path
    person: str
    text: str = ""


@dataclass(frozen=True)
class Source:
    """What is in a clip, with its picture taken 25 times a second.

    Attributes:
        seconds: its length.
        boxes: left, top, right, bottom of the face in pixels, one for each of the 25 pictures a second.
        still: first and last picture of the stretch in which the mouth moves least.
        speech: start and end of each stretch of speech in seconds, by Silero's voice activity on the clean sound.
    """

    seconds: float
    boxes: list[tuple[float, float, float, float]]
    still: tuple[int, int]
    speech: list[tuple[float, float]]

    def regions(self) -> npt.NDArray[np.float64]:
        """(N, 3) centre x, centre y and side in pixels of the square around the head, for each picture.

        It follows the head as a camera would, slowly, and shows it always at the same size.
        """
        boxes = np.array(self.boxes)
        side = HEADROOM * np.median(boxes[:, 3] - boxes[:, 1])
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        reach = min(len(centres) // 2, _FOLLOWED // 2)
        padded = np.pad(centres, ((reach, reach), (0, 0)), mode="edge")
        window = np.ones(2 * reach + 1) / (2 * reach + 1)
        smooth = [np.convolve(padded[:, axis], window, mode="valid") for axis in range(2)]
        return np.column_stack([*smooth, np.full(len(centres), side)])


def read_clips(table: Path, without: Sequence[str] = ()) -> list[Clip]:
    """The clips of a table with a heading.

    Args:
        table: tab-separated, with the columns `clip` or `path`, `speaker` or `person`, and if there is one `text` or
            `whisper_base_transcript`; or a folder with such a `clips.tsv`. A clip without a suffix is looked for as
            `clips/NAME.mp4`.
        without: values of the column `source` to leave out.

    Raises:
        Wrong: no such table, or a file of it is missing.
    """
    table = table / "clips.tsv" if table.is_dir() else table
    if not table.is_file():
        raise Wrong(f"there is no table of clips {table}; expected columns clip, speaker and perhaps text")
    found = []
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            name, person = row.get("path") or row.get("clip"), row.get("person") or row.get("speaker")
            if not name or not person:
                raise Wrong(f"{table}: every line needs a clip and a speaker, got {row}")
            if row.get("source") in without:
                continue
            path = table.parent / (name if Path(name).suffix else f"clips/{name}.mp4")
            if not path.is_file():
                raise Wrong(f"{table}: there is no file {path}")
            found.append(Clip(path, person, row.get("text") or row.get("whisper_base_transcript") or ""))
    return found


def of_split(clips: Sequence[Clip], split: str) -> list[Clip]:
    """Those of the people of one half, "tune" or "test", or of "all": by the person's name, so that none is in both."""
    if split == "all":
        return list(clips)
    rest = ("tune", "test").index(split)
    return [clip for clip in clips if hashlib.sha256(clip.person.encode()).digest()[0] % 2 == rest]


class Finder:
    """Looks at clips; loads the networks when the first one has to be looked at."""

    def __init__(self) -> None:
        self._faces: LiteRtBackend | None = None
        self._voice = SileroVad()
        self._folder = cache_dir() / "bench" / "who"

    def source(self, clip: Clip) -> Source | None:
        """What is in a clip, None if it has no sound, hardly any speech, or not one face all the time."""
        key = hashlib.sha256(f"{_VERSION}".encode() + clip.path.read_bytes()).hexdigest()[:32]
        kept = self._folder / f"{key}.json"
        if not kept.is_file():
            found = self._look(clip.path)
            self._folder.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(None if found is None else asdict(found)), encoding="utf-8")
        data = json.loads(kept.read_text(encoding="utf-8"))
        if data is None:
            return None
        speech = [(start, end) for start, end in data["speech"]]
        return Source(data["seconds"], [tuple(box) for box in data["boxes"]], tuple(data["still"]), speech)

    def _look(self, path: Path) -> Source | None:
        try:
            sound = read_audio(path)
        except (IndexError, ValueError, av.FFmpegError):
            return None
        self._voice.load()
        speech = stretches(self._voice, sound)
        if sum(end - start for start, end in speech) < _LEAST_SPEECH:
            return None
        if self._faces is None:
            self._faces = LiteRtBackend(3, 0.5)
            self._faces.load()
        self._faces.reset()
        times, boxes, openings, looks, length = [], [], [], 0, 0.0
        for time, image in pictures(path, _LOOKS_PER_SECOND):
            length = time
            looks += 1
            faces = self._faces.detect(image, round(time * 1e6) + 1)
            face = _alone(faces)
            if face is not None:
                times.append(time)
                boxes.append(bounding_box(face))
                openings.append(aperture(face.landmarks, head_pose(face.landmarks)))
        if len(times) < max(4, _LEAST_SEEN * looks):
            return None
        table = np.array(boxes)
        if np.median(table[:, 3] - table[:, 1]) < _LEAST_FACE:
            return None
        seconds = min(length, len(sound) / RATE)
        grid = np.arange(int(seconds * FPS)) / FPS
        every = np.stack([np.interp(grid, times, table[:, side]) for side in range(4)], axis=1).round(1)
        still = _stillest(np.interp(grid, times, openings))
        return Source(round(seconds, 3), [tuple(row) for row in every.tolist()], still, speech)


def _alone(faces: Sequence[FaceObservation]) -> FaceObservation | None:
    """The largest face, if no other would be in view with it."""
    boxes = {index: np.array(bounding_box(face)).reshape(2, 2) for index, face in enumerate(faces)}
    if not boxes:
        return None
    largest = max(boxes, key=lambda index: float(np.ptp(boxes[index][:, 1])))
    reach = HEADROOM / 2 * np.ptp(boxes[largest][:, 1])
    apart = [np.abs(box.mean(axis=0) - boxes[largest].mean(axis=0)).max() for box in boxes.values()]
    return faces[largest] if sum(distance < reach for distance in apart) == 1 else None


def pictures(path: Path, rate: float) -> Iterator[tuple[float, UInt8]]:
    """A clip's pictures as (H, W, 3) RGB at most `rate` times a second, with their seconds from its first one."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        first, due = None, 0.0
        for frame in container.decode(video=0):
            if frame.time is None:
                continue
            first = frame.time if first is None else first
            if frame.time - first >= due - 1e-6:
                due += 1 / rate * max(1, int((frame.time - first - due) * rate) + 1)
                yield frame.time - first, frame.to_ndarray(format="rgb24")


def stretches(voice: SileroVad, sound: npt.NDArray[np.float32]) -> list[tuple[float, float]]:
    """Start and end in seconds of speech in a sound at 16 kHz; long stretches are cut where speech is least likely."""
    voice.reset()
    whole = len(sound) // WINDOW * WINDOW
    likely = np.array([voice.probability(sound[at : at + WINDOW]) for at in range(0, whole, WINDOW)])
    step = WINDOW / RATE
    found: list[list[int]] = []
    for index in np.flatnonzero(likely >= _SPEECH).tolist():
        if found and (index - found[-1][1]) * step <= _BRIDGED:
            found[-1][1] = index + 1
        else:
            found.append([index, index + 1])
    cut = []
    for begin, last in found:
        first = begin
        while (last - first) * step > _LONGEST:
            low, high = first + round(2.5 / step), first + round(_LONGEST / step)
            at = low + int(np.argmin(likely[low:high]))
            cut.append((first, at))
            first = at
        cut.append((first, last))
    return [
        (round(first * step, 3), round(last * step, 3)) for first, last in cut if (last - first) * step >= _SHORTEST
    ]


def heads(path: Path, source: Source, side: int) -> list[bytes]:
    """The head in each of the clip's pictures on the 25 Hz grid, as JPEG of `side` x `side` pixels."""
    regions = source.regions()
    found: list[bytes] = []
    newest = b""
    for time, image in pictures(path, 1000.0):
        while newest and len(found) / FPS < time - 1e-6 and len(found) < len(source.boxes):
            found.append(newest)
        head = _cut_out(image, regions[min(len(regions) - 1, round(time * FPS))], side)
        newest = cv2.imencode(".jpg", head[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    found += [newest] * (len(source.boxes) - len(found))
    return found


def _cut_out(image: UInt8, region: npt.NDArray[np.float64], side: int) -> UInt8:
    x, y, extent = region
    shrink = side / extent
    if shrink < 0.5:
        # A warp looks at the nearest pixels alone: what is lost is averaged first.
        image = cv2.resize(image, None, fx=2 * shrink, fy=2 * shrink, interpolation=cv2.INTER_AREA)
        x, y, shrink = 2 * shrink * x, 2 * shrink * y, 0.5
    matrix = np.array([[shrink, 0, side / 2 - shrink * x], [0, shrink, side / 2 - shrink * y]])
    # Where the head is at the border of the clip's picture, its outermost pixels go on.
    head = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(head, np.uint8)


def _stillest(openings: npt.NDArray[np.float64]) -> tuple[int, int]:
    """First and last picture of the stretch in which the mouth is most shut and moves least."""
    length = min(len(openings), round(_STILL_SECONDS * FPS))
    windows = np.lib.stride_tricks.sliding_window_view(openings, length)
    first = int(np.argmin(4 * windows.std(axis=1) + windows.mean(axis=1)))
    return first, first + length - 1
