"""The seven emotions, and where each lies in the plane of valence and arousal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
"""Class names in the order of every logit and probability vector of this package."""

UNKNOWN = "unknown"
"""The label of a moment in which neither modality gives evidence."""

UNCLEAR = "unclear"
"""The label of a moment in which no emotion leads by enough."""

ALIASES = {
    "neutral": "neutral",
    "calm": "neutral",
    "happy": "happy",
    "happiness": "happy",
    "sad": "sad",
    "sadness": "sad",
    "angry": "angry",
    "anger": "angry",
    "fear": "fearful",
    "fearful": "fearful",
    "disgust": "disgusted",
    "disgusted": "disgusted",
    "surprise": "surprised",
    "surprised": "surprised",
}
"""How data sets spell the classes, in lower case."""


def class_index(name: str) -> int | None:
    """Index in `EMOTIONS` of a data set's class name, None for a name that is not one of the seven."""
    emotion = ALIASES.get(name.strip().lower())
    return None if emotion is None else EMOTIONS.index(emotion)


AFFECT = np.array(
    [[0.0, 0.0], [0.81, 0.51], [-0.63, -0.27], [-0.51, 0.59], [-0.64, 0.60], [-0.60, 0.35], [0.40, 0.67]],
    dtype=np.float32,
)
"""(7, 2) valence (pleasure) and arousal of each emotion, in [-1, 1]: the mean ratings of the terms happy, sad, angry,
fearful, disgusted and surprised in Russell and Mehrabian, "Evidence for a three-factor theory of emotions", Journal of
Research in Personality 11, 1977; neutral is the origin."""


def affect(probabilities: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Valence and arousal in [-1, 1] that (7,) probabilities amount to: their mean over `AFFECT`."""
    valence, arousal = probabilities @ AFFECT
    return float(valence), float(arousal)
