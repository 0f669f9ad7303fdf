"""The profile of who agreed that one grows from use: using it, making it anew, deleting it."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lipstream.config import Config
from lipstream.models.errors import ModelError
from lipstream.stages.enrol.consent import OWN_PROFILE, GrowthConsent

_log = logging.getLogger(__name__)


def with_own_profile(config: Config, consent: GrowthConsent) -> Config:
    """A configuration in which the profile that has grown helps, if its user agrees and it was made."""
    if not consent.given or not usable():
        return config
    return config.model_copy(update={"fusion": config.fusion.model_copy(update={"profile": OWN_PROFILE})})


def usable() -> bool:
    """Whether there is a profile that came of use, and can be used.

    One that cannot, as after an update of Lipstream, is warned of: nobody asked for it in this run, so the run goes on
    without.
    """
    from lipstream.models.profile_files import GROWN, profile_facts, profile_path

    path = profile_path(OWN_PROFILE)
    if not path.exists():
        return False
    try:
        return GROWN in profile_facts(path)
    except ModelError as error:
        _log.warning("%s; captions go on without it, `lipstream profile delete %s` removes it", error, OWN_PROFILE)
        return False


def is_enrolled(path: Path) -> bool:
    """Whether a profile was made with `enroll`: it is neither deleted nor replaced by what grows.

    A file that does not tell how it came about is taken for one that grew.
    """
    from lipstream.models.profile_files import GROWN, profile_facts

    if not path.exists():
        return False
    try:
        return GROWN not in profile_facts(path, any_version=True)
    except ModelError:
        return False


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
    from lipstream.models.profile_files import profile_path

    folder = kept_folder(name)
    if not folder.path.exists() or folder.state.paused or not folder.due:
        return None
    if name == OWN_PROFILE and is_enrolled(profile_path(name)):
        _log.warning("profile %s was enrolled, and none that grows replaces it", name)
        return None
    log = folder.path / "learning.log"
    # Another learning may be writing there.
    with log.open("ab") as out:
        command = [sys.executable, "-m", "lipstream", "profile", "learn", "--background", name]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    return log


@dataclass(frozen=True, slots=True)
class Grown:
    """What there is of the user's own profile.

    Attributes:
        minutes: of clear speech that is kept.
        made: whether a profile was made of it.
        paused: whether nothing is kept for now.
        folder: where what is kept lies.
    """

    minutes: float
    made: bool
    paused: bool
    folder: Path


def grown() -> Grown:
    """What there is."""
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.profile_files import profile_path

    folder, path = kept_folder(OWN_PROFILE), profile_path(OWN_PROFILE)
    made = path.exists() and not is_enrolled(path)
    try:
        paused = folder.state.paused
    except ModelError:
        # Who learns says so; here the user has to see what there is, to delete it.
        paused = False
    return Grown(folder.minutes, made, paused, folder.path)


def delete_grown() -> None:
    """Delete what was kept and the profile made of it, not one that was enrolled.

    Whether it may grow on is another question.

    Raises:
        OSError: it cannot be removed.
    """
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.profile_files import profile_path

    kept_folder(OWN_PROFILE).delete()
    path = profile_path(OWN_PROFILE)
    if not is_enrolled(path):
        path.unlink(missing_ok=True)
