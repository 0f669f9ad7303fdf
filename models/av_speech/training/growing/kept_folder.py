"""Where the features lie that a profile grows from, and how far it has grown."""

from __future__ import annotations

import contextlib
import glob
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech, kept_seconds, load_kept
from lipstream.models.errors import ModelError
from lipstream.models.whole_file import whole_file

LEAST_MINUTES: Final = 3.0
"""Minutes of kept speech from which on a profile is made."""
MOST_MINUTES: Final = 20.0
"""Minutes that are kept; then the oldest go. About 13 MB each."""
GROWTH: Final = 1.5
"""A profile is made anew when there is so many times as much as the last time."""
_STATE: Final = "growth.json"


@dataclass(frozen=True, slots=True)
class GrowthState:
    """How far a profile has grown.

    Attributes:
        paused: nothing is kept for now.
        added: stretches that were ever kept; the number of the newest.
        learned_minutes: what there was when a profile was made last; 0 before.
        accepted: whether that profile was better than what there was; None before the first.
        figures: how it was judged: word errors by condition and system.
    """

    paused: bool = False
    added: int = 0
    learned_minutes: float = 0.0
    accepted: bool | None = None
    figures: dict[str, Any] | None = None


class KeptFolder:
    """The features kept for one profile. One process at a time adds to it.

    Args:
        path: the folder; made, for this user alone, when the first stretch comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def state(self) -> GrowthState:
        """How far it is.

        Raises:
            ModelError: the file that tells is damaged.
        """
        path = self.path / _STATE
        try:
            return GrowthState(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return GrowthState()
        except (OSError, UnicodeDecodeError, ValueError, TypeError) as error:
            raise ModelError(f"{path}: does not tell how far the profile is ({error}); delete it") from None

    def change(self, **what: Any) -> GrowthState:  # noqa: ANN401 - the attributes of GrowthState
        """Write a state in which some attributes are others.

        Raises:
            ModelError: it cannot be written, or what is there is damaged.
        """
        state = replace(self.state, **what)
        self._make()
        with whole_file(self.path / _STATE) as partial:
            partial.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
        return state

    def files(self) -> list[Path]:
        """The stretches, oldest first."""
        return sorted(self.path.glob("speech-*.safetensors"))

    @property
    def minutes(self) -> float:
        """How long all stretches last together; those that cannot be read do not count."""
        return sum(_readable_seconds(path) for path in self.files()) / 60

    def add(self, kept: KeptSpeech, number: int) -> None:
        """Keep a stretch, and let the oldest go where there is too much.

        Args:
            kept: its features.
            number: one more than `GrowthState.added`.

        Raises:
            ModelError: it cannot be written.
        """
        self._make()
        kept.save(self.path / f"speech-{number:06d}.safetensors")
        self.change(added=number)
        files = self.files()
        seconds = [_readable_seconds(path) for path in files]
        while sum(seconds) > 60 * MOST_MINUTES:
            files.pop(0).unlink(missing_ok=True)
            seconds.pop(0)

    def load(self) -> list[tuple[int, KeptSpeech]]:
        """All stretches with their numbers; one that cannot be read is left out."""
        found = []
        for path in self.files():
            with contextlib.suppress(ModelError):
                found.append((int(path.stem.rpartition("-")[2]), load_kept(path)))
        return found

    @property
    def due(self) -> bool:
        """Whether there is so much more than the last time that a profile should be made anew."""
        return self.minutes >= max(LEAST_MINUTES, min(GROWTH * self.state.learned_minutes, MOST_MINUTES - 1))

    def delete(self) -> bool:
        """Remove all of it; returns whether there was anything.

        It is moved aside first: what is written meanwhile cannot keep it from being removed. What an earlier attempt
        left aside goes as well.

        Raises:
            OSError: it cannot be removed.
        """
        aside = f"{self.path.name}.deleted-"
        there = self.path.exists()
        if self.path.is_symlink():
            shutil.rmtree(self.path)  # which refuses: what is behind the link would stay
        if there:
            self.path.replace(Path(tempfile.mkdtemp(prefix=aside, dir=self.path.parent)) / self.path.name)
        for left in self.path.parent.glob(f"{glob.escape(aside)}*"):
            shutil.rmtree(left)
        return there

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"{self.path}: cannot be made ({error.strerror})") from None
        with contextlib.suppress(OSError):  # a file system without rights
            self.path.chmod(0o700)


def kept_folder(name: str) -> KeptFolder:
    """The folder of a profile, whether or not it is there.

    Raises:
        ModelError: the name cannot be a file's.
    """
    from lipstream.models.profile_files import profile_path

    return KeptFolder(profile_path(name).with_suffix(".growing"))


def _readable_seconds(path: Path) -> float:
    try:
        return kept_seconds(path)
    except ModelError:
        return 0.0
