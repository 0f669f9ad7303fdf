"""Who speaks, in the captions graph. Imported only where it is wanted."""

from __future__ import annotations

from lipstream.config import Config
from lipstream.models.errors import ModelError
from lipstream.models.voice.embedding import VoiceEmbedder
from lipstream.models.voice.known import known_people
from lipstream.models.voice.persons import Persons
from lipstream.pipeline import Bounds, Graph, Policy, UserError, micros
from lipstream.stages.branches import SMALL_BOUNDS
from lipstream.stages.speaker.review import Review
from lipstream.stages.speaker.voice_prints import Voices
from lipstream.stages.speaker.who import Who

WHO = "who"
"""Name of the stage that knows the persons."""


def add_speakers(graph: Graph, config: Config, history: float) -> None:
    """Add the stages to a graph that has the speech branch up to `fuse`, and perhaps the face branch.

    Args:
        graph: where to add them; `who` gives speech with turns, which is for `decode`.
        config: the configuration.
        history: seconds of mouths kept; at least the longest segment.
    """
    count = None if config.speakers.count == "auto" else config.speakers.count
    try:
        known = known_people() if config.speakers.people else []
    except ModelError as error:
        raise UserError(f"{error}; speakers.people=false goes on without") from error
    graph.add("voice_prints", Voices(VoiceEmbedder(), early=config.partials))
    graph.connect(
        "vad.speech", "voice_prints.speech", Bounds(items=65536, duration=max(micros(2), micros(config.audio.buffer)))
    )
    # Live, nothing waits: what is known when speech comes is what counts.
    graph.add(WHO, Who(Persons(count, known), history), skew_limit=0)
    graph.connect("voice_prints.voices", f"{WHO}.voices", SMALL_BOUNDS)
    graph.add("speaker_review", Review(count, soon=config.partials), skew_limit=0)
    graph.connect(f"{WHO}.heard", "speaker_review.heard", SMALL_BOUNDS)


def connect_faces(graph: Graph, config: Config) -> None:
    """Let the faces in view, and the mouths, have their say."""
    newest = Bounds(Policy.DROP_OLDEST, items=256)
    graph.connect("face.faces", f"{WHO}.faces", Bounds(items=4096, duration=micros(160)) if config.lossless else newest)
    graph.connect("mouth.mouths", f"{WHO}.mouths", Bounds(items=4096, duration=micros(160)))


def connect_finals(graph: Graph) -> None:
    """Let what was told be looked back on."""
    graph.connect("decode.finals", "speaker_review.finals", SMALL_BOUNDS)


def connect_corrected(graph: Graph) -> None:
    """Let what was corrected be told by who looks back, so that it is of the speakers that are known by then."""
    graph.connect("correct.corrected", "speaker_review.corrected", SMALL_BOUNDS)
