"""The profile of who agreed that one grows from use: using it, making it anew, deleting it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lipstream.config import Config
from lipstream.stages.enrol.consent import OWN_PROFILE, GrowthConsent


def with_own_profile(config: Config, consent: GrowthConsent) -> Config:
    """A configuration in which the profile that has grown helps, if its user agrees and it was made."""
    if not consent.given:
        return config
    from lipstream.models.profile_files import profile_path

    if not profile_path(OWN_PROFILE).exists():
        return config
    return config.model_copy(update={"fusion": config.fusion.model_copy(update={"profile": OWN_PROFILE})})


def begin_learning(name: str) -> Path | None:
    """Begin to make a profile in the background, if there is enough that is new.

    Args:
        name: of the profile.

    Returns:
        The file that tells how far it is; None where nothing was begun.

    Raises:
        ModelError: what tells how far the profile has grown is damaged.
    """
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder

    folder = kept_folder(name)
    if not folder.path.exists() or folder.state.paused or not folder.due:
        return None
    log = folder.path / "learning.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "lipstream", "profile", "learn", "--background", name]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    return log


@dataclass(frozen=True, slots=True)
class Grown:
    """What there is of the user's own profile.

    Attributes:
        minutes: of clear speech that is kept.
        made: whether there is a profile.
        folder: where what is kept lies.
    """

    minutes: float
    made: bool
    folder: Path


def grown() -> Grown:
    """What there is."""
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.profile_files import profile_path

    folder = kept_folder(OWN_PROFILE)
    return Grown(folder.minutes, profile_path(OWN_PROFILE).exists(), folder.path)


def delete_grown() -> None:
    """Delete what was kept and the profile; whether it may grow on is another question.

    Raises:
        OSError: it cannot be removed.
    """
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.profile_files import profile_path

    kept_folder(OWN_PROFILE).delete()
    profile_path(OWN_PROFILE).unlink(missing_ok=True)
