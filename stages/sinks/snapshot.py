"""One picture that shows what is tracked: the face's box, the lips' contours, the caption of the moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import EmotionUpdate, TranscriptFinal
from lipstream.models.face.lips import INNER_LIP, OUTER_LIP
from lipstream.models.face.tracking import TrackedFace
from lipstream.pipeline import Packet, Port, Sink, UserError, micros
from lipstream.pipeline.exclusive import open_exclusively
from lipstream.stages.payloads import FaceFrame, UInt8, VideoFrame
from lipstream.stages.sinks.subtitles.cutter import cut

_WIDTH = 960
"""The picture is enlarged to at least this width, so that lines and text are sharp."""
_SPEAKER, _OTHERS, _LIPS, _TEXT = (120, 220, 120), (160, 160, 160), (80, 200, 255), (255, 255, 255)


class Snapshot(Sink):
    """Keeps the frame in which the speaker's mouth is open widest, and what was tracked in it."""

    inputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame), "faces": Port(FaceFrame)}

    def __init__(self) -> None:
        self._newest: Packet[VideoFrame] | None = None
        self._kept: tuple[UInt8, FaceFrame] | None = None
        self._time = 0
        self._aperture = -1.0

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep the frame if its mouth is open wider than any before."""
        if port == "video":
            self._newest = packet
            return
        faces: FaceFrame = packet.payload
        frame = self._newest
        if frame is None or frame.timestamp != packet.timestamp or faces.lips is None:
            return
        if faces.lips.aperture > self._aperture:
            self._kept, self._time = (frame.payload.image, faces), packet.timestamp
            self._aperture = faces.lips.aperture

    def save(self, path: Path, finals: Iterable[TranscriptFinal], emotions: Iterable[EmotionUpdate] = ()) -> bool:
        """Draw the picture, once the run is over; returns whether there was a face to show.

        Args:
            path: file to write; its extension says the format.
            finals: the segments of the run, for the caption.
            emotions: the updates of the run, for a word at each face.

        Raises:
            UserError: it cannot be written.
        """
        if self._kept is None:
            return False
        image, faces = self._kept
        scale = max(1, -(-_WIDTH // image.shape[1]))
        canvas = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        # OpenCV draws and writes blue first.
        canvas = cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR)
        labels = {
            update.face: update.label for update in emotions if micros(update.start) <= self._time < micros(update.end)
        }
        for face in faces.faces:
            _draw_face(canvas, face, scale, face.id == faces.speaker)
            _draw_label(canvas, face, scale, labels.get(face.id, ""))
        _draw_caption(canvas, _caption_at(self._time // 1000, finals))
        done, data = cv2.imencode(path.suffix, canvas)
        assert done
        try:
            # Like every output: beside its place first, and never through a symbolic link.
            part = path.with_name(path.name + ".part")
            with open_exclusively(part) as file:
                file.write(data.tobytes())
            os.replace(part, path)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        return True


def _caption_at(milliseconds: int, finals: Iterable[TranscriptFinal]) -> tuple[str, ...]:
    return next((cue.lines for cue in cut(finals, SubtitlesConfig()) if cue.start <= milliseconds < cue.end), ())


def _draw_face(canvas: UInt8, face: TrackedFace, scale: int, speaks: bool) -> None:
    left, top, right, bottom = (round(edge * scale) for edge in face.box)
    cv2.rectangle(canvas, (left, top), (right, bottom), _SPEAKER if speaks else _OTHERS, 2, cv2.LINE_AA)
    for contour in (OUTER_LIP, INNER_LIP) if speaks else ():
        points = face.observation.landmarks[list(contour), :2] * scale
        cv2.polylines(canvas, [np.round(points).astype(np.int32)], True, _LIPS, 2, cv2.LINE_AA)


def _draw_label(canvas: UInt8, face: TrackedFace, scale: int, label: str) -> None:
    left, top = round(face.box[0] * scale), round(face.box[1] * scale)
    place = left, max(20, top - 10)
    cv2.putText(canvas, label, place, cv2.FONT_HERSHEY_SIMPLEX, canvas.shape[1] / 1600, _TEXT, 2, cv2.LINE_AA)


def _draw_caption(canvas: UInt8, lines: tuple[str, ...]) -> None:
    if not lines:
        return
    height, width = canvas.shape[:2]
    font, size, thickness, line_height = cv2.FONT_HERSHEY_SIMPLEX, width / 1000, 2, round(width / 24)
    baseline = height - line_height * len(lines)
    band = canvas[baseline - line_height :]
    band //= 3
    for line in lines:
        # The drawing font has ASCII only.
        text = line.encode("ascii", "replace").decode()
        (text_width, _), _ = cv2.getTextSize(text, font, size, thickness)
        cv2.putText(canvas, text, ((width - text_width) // 2, baseline), font, size, _TEXT, thickness, cv2.LINE_AA)
        baseline += line_height
