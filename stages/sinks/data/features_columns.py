"""The columns of the tables of features, and the rows that events make."""

from __future__ import annotations

import math
from functools import cache

from lipstream.events import FaceFeatures
from lipstream.models.face.backend import BLENDSHAPES, LANDMARK_COUNT
from lipstream.stages.sinks.data.columns import FILE, FRACTION, TIME, Column, Table, emotion_columns

_EVENT = "FaceFeatures"
_UNIT_VECTOR = (-1.0, 1.0)
_EYES = ("of the eye on the left of the picture", "of the eye on the right of the picture")
_AXES = (("x", "right"), ("y", "down"), ("z", "away from the camera"))


def _fraction(name: str, text: str, field: str) -> Column:
    return Column(name, "number", text, f"{_EVENT}.{field}", range=FRACTION)


_BOX = tuple(
    Column(f"box_{edge}", "number", f"{edge} edge of the face's landmarks", f"{_EVENT}.box", f"picture {side}s")
    for edge, side in (("left", "width"), ("top", "height"), ("right", "width"), ("bottom", "height"))
)
_POSE = (
    Column("Pitch", "number", "rotation of the head about the axis to the right, positive down", f"{_EVENT}.pose",
           "degrees", (-180.0, 180.0)),
    Column("Yaw", "number", "about the axis down, positive to the left of the picture", f"{_EVENT}.pose",
           "degrees", (-90.0, 90.0)),
    Column("Roll", "number", "about the axis away from the camera, positive clockwise on screen", f"{_EVENT}.pose",
           "degrees", (-180.0, 180.0)),
)  # fmt: skip
_GAZE = (
    *(
        Column(f"gaze_{eye}_{axis}", "number", f"direction {whose}, {to}", f"{_EVENT}.gaze", "", _UNIT_VECTOR)
        for eye, whose in enumerate(_EYES)
        for axis, to in _AXES
    ),
    Column("gaze_angle_x", "number", "mean gaze of both eyes, positive to the right", f"{_EVENT}.gaze_angle",
           "radians", (-math.pi, math.pi)),
    Column("gaze_angle_y", "number", "mean gaze of both eyes, positive down", f"{_EVENT}.gaze_angle",
           "radians", (-math.pi, math.pi)),
)  # fmt: skip
_MOUTH = (
    Column("mouth_aperture", "number", "gap between the inner lips, the head's pose taken out", f"{_EVENT}.aperture",
           "distances between the outer corners of the eyes", (0.0, math.inf)),
    Column("mouth_motion", "number", "how far the aperture has gone, up and down, in the last 0.4 s, a second",
           f"{_EVENT}.motion", "the same a second", (0.0, math.inf)),
)  # fmt: skip
KEYS = (
    FILE,
    Column(
        "time", "number", "timestamp of the picture, from the beginning of the recording", f"{_EVENT}.time", "s", TIME
    ),
    Column("face", "integer", "number of the face track", f"{_EVENT}.face", range=(1, math.inf)),
    Column("speaker", "boolean", "it is the face chosen as the speaker's", f"{_EVENT}.speaker"),
)
"""What a row is known by; the first columns."""
_SEEN = (
    *KEYS,
    Column("talking", "boolean", "its lips move as they do in speech", f"{_EVENT}.talking"),
    _fraction("confidence", "probability that this is a face", "confidence"),
    *_BOX,
    *_POSE,
    *_GAZE,
    *_MOUTH,
    *(_fraction(name, f"blendshape {name}", "blendshapes") for name in BLENDSHAPES),
)
_LANDMARKS = tuple(
    Column(f"{axis}_{point}", "number", f"{axis} of landmark {point}", f"{_EVENT}.landmarks", f"picture {side}s")
    for axis, side in (("x", "width"), ("y", "height"), ("z", "width"))
    for point in range(LANDMARK_COUNT)
)
JOINED = (
    Column("speaking", "number", "probability that the mouth of the speaker's face is the voice; empty for others, and "
           "where nobody is heard", "SpeakingProbability", "", FRACTION, True),
    Column("emotion", "string", "the emotion that leads; unclear where none does by enough, empty where it was not "
           "judged", "EmotionUpdate.label", optional=True),
    *emotion_columns("EmotionUpdate", optional=True),
)  # fmt: skip
"""What is known later than the picture, and joined by time at the end; the last columns."""


LANDMARK_NAMES = r"^[xyz]_[0-9]+$"
LANDMARK = Column("x_0 to z_477", "number", "a landmark: right, down, away from the camera; the order is MediaPipe's",
                  f"{_EVENT}.landmarks", "x, z: picture widths; y: picture heights")  # fmt: skip
"""What stands for them in the documents."""


@cache
def seen_columns(landmarks: bool) -> tuple[Column, ...]:
    """What is known of a picture at once; the columns of a part file.

    Args:
        landmarks: whether all landmarks are among them.
    """
    return (*_SEEN, *_LANDMARKS) if landmarks else _SEEN


def features_table(name: str, landmarks: bool) -> Table:
    """A table of features.

    Args:
        name: the format.
        landmarks: whether all landmarks are in it.
    """
    columns = (*seen_columns(landmarks), *JOINED)
    return Table(name, "a face in a picture that was looked at", columns, {LANDMARK_NAMES: LANDMARK})


def seen_values(event: FaceFeatures, recording: str) -> list[object]:
    """The values of `seen_columns`."""
    values: list[object] = [recording, round(event.time, 6), event.face, event.speaker, event.talking, event.confidence]
    values += event.box
    values += event.pose
    for eye in event.gaze:
        values += eye
    values += event.gaze_angle
    values += (event.aperture, event.motion)
    values += event.blendshapes.values()
    for axis in zip(*event.landmarks, strict=True):
        values += axis
    return values
