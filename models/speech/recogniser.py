"""The contract every recogniser fulfils: from sound to words with their times.

Apart from it stands the *listener*, whose frames of the sound serve lips, active speaker, target mask and the emotion
of the voice. A recogniser that is the listener itself reads those frames; any other one reads the sound.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lipstream.models.speech.engine import SAMPLE_RATE, Encoding, Float32, TimedWord
from lipstream.models.speech.expected.terms import NO_TERMS, Terms
from lipstream.models.speech.interruption import Interruption
from lipstream.models.speech.spacing import space_of

Task = Literal["transcribe", "translate"]


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Speech directly before an utterance, and the text of it that stands: what comes next goes on behind it.

    Attributes:
        sound: (N,) float32 at 16 kHz in [-1, 1].
        text: its words; without a sign at its end where that was left open.
        language: code of the language of the text.
    """

    sound: Float32
    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """Speech to be read.

    Attributes:
        sound: (N,) float32 at 16 kHz in [-1, 1]; other people's voices are softened where fusion did that. Its end may
            be made up (endpoint prediction).
        heard: seconds of `sound` that were really heard.
        encoding: the listener's frames of it, as fusion left them; None where no listener runs.
        whole: the speech has ended, and this is all of it; else it goes on.
        seen: somebody is seen to speak in most of it, among other voices: it is speech, however doubtful its words are.
        front: the speech before it, for who reads better what comes next; None for an utterance by itself.
    """

    sound: Float32
    heard: float
    encoding: Encoding | None = None
    whole: bool = True
    seen: bool = False
    front: Front | None = None

    @property
    def duration(self) -> float:
        """Length of the sound in seconds."""
        return len(self.sound) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Hints:
    """What a recogniser is told besides the sound. One that cannot use a hint leaves it.

    Attributes:
        language: code of the language spoken (ISO 639-1, as Whisper has them); None to find out.
        usual: the language so far, which another one has to outweigh; None if nothing was said yet.
        task: "transcribe", or "translate" to English.
        before: text that was said just before.
        terms: words and phrases to be expected.
        draft: tokens of an earlier transcript of a shorter stretch of the same sound: saves work, changes nothing.
        interruption: ends the work; None where it is done to its end. See `Recogniser.gives_way`.
    """

    language: str | None = None
    usual: str | None = None
    task: Task = "transcribe"
    before: str = ""
    terms: Terms = NO_TERMS
    draft: Sequence[int] = ()
    interruption: Interruption | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser has read.

    Attributes:
        words: in order, not overlapping, inside the sound.
        tokens: the recogniser's own tokens of the text, to be handed back as a draft; may be empty.
        language: code of the language of the text; None where the recogniser cannot tell.
        language_probability: how sure it is of that, in [0, 1].
        speechless: the recogniser takes the sound for no speech, and gives no words.
        fused: what fusion did to the speech has a say in these words; False where they were read past it.
        joint: the sign between the text in front (`Front`) and this one; empty where there is none. None where that
            text was not made use of: this one was read by itself, and begins as any text does.
        closing: probability of the signs behind the last word, in [0, 1]; None where it cannot be told.
    """

    words: tuple[TimedWord, ...] = ()
    tokens: tuple[int, ...] = ()
    language: str | None = None
    language_probability: float = 1.0
    speechless: bool = False
    fused: bool = True
    joint: str | None = None
    closing: float | None = None

    @property
    def text(self) -> str:
        """The words, with spaces between them where the language has them."""
        return space_of(self.language).join(word.text for word in self.words)


class Recogniser(ABC):
    """A speech recogniser. The constructor never fails and loads nothing; `load` does the work.

    `recognise` is not called by two threads at once. Its result is a function of its arguments alone.

    Attributes:
        reads_frames: whether it reads the listener's frames; else it needs none.
        languages: codes of the languages it knows; empty where it cannot tell.
        longest: seconds of sound it takes at once.
        best_length: seconds of sound it reads best, up to which neighbouring speech of a recording is joined; 0 for
            each stretch of speech by itself.
        sure_of_end: `Transcript.closing` from which on the sign behind the last word is right before it is known what
            comes next.
        gives_way: whether `recognise` raises `Interrupted` soon after `Hints.interruption` is asked; else it is read to
            the end.
    """

    reads_frames: bool = False
    languages: frozenset[str] = frozenset()
    longest: float = 30.0
    best_length: float = 0.0
    sure_of_end: float = 0.6
    gives_way: bool = False

    @abstractmethod
    def load(self) -> None:
        """Load the networks. Idempotent.

        Raises:
            ModelError: a model file is missing or unusable; the message says which and what to do.
        """

    def check(self) -> None:  # noqa: B027 - optional for a subclass
        """See that `load` will not fail: the files are there, and what they should be. No network is loaded.

        It sets `languages` if they can be known. A recogniser without it is refused only when it is loaded, which in a
        recording is when somebody speaks.

        Raises:
            ModelError: as `load`.
        """

    @abstractmethod
    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read an utterance. Nothing is read into silence: made up text is left out."""

    def reads_alone(self, utterance: Utterance) -> bool:
        """Whether finished speech is better read by itself than joined with its neighbours; no by default."""
        return False

    def reviewed(
        self, utterances: Sequence[Utterance], parts: Sequence[Transcript], hints: Hints
    ) -> Sequence[Transcript]:
        """What is said in neighbouring utterances that were read as one; as it was read by default.

        Args:
            utterances: each by itself.
            parts: what was read in each of them.
            hints: what the recogniser was told.
        """
        return parts


class InFront(Recogniser):
    """A recogniser in front of another, with its properties.

    Args:
        reader: the other.

    Attributes:
        reader: the other.
    """

    def __init__(self, reader: Recogniser) -> None:
        self.reader = reader
        self.reads_frames, self.gives_way = reader.reads_frames, reader.gives_way
        self.longest, self.best_length = reader.longest, reader.best_length
        self.sure_of_end, self.languages = reader.sure_of_end, reader.languages

    def load(self) -> None:
        """Load the other. Idempotent."""
        self.reader.load()
        self.languages = self.reader.languages

    def check(self) -> None:
        """See that the other can be loaded."""
        self.reader.check()
        self.languages = self.reader.languages
