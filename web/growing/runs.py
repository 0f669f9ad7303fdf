"""The runs of a server that only this machine reaches, where its user may agree that a profile grows."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import replace

from lipstream.config import Config
from lipstream.models.errors import ModelError
from lipstream.models.profile_files import profile_path
from lipstream.models.shared import made_of
from lipstream.stages.enrol.consent import OWN_PROFILE, GrowthConsent
from lipstream.stages.enrol.own_profile import begin_learning, with_own_profile
from lipstream.web import prepare
from lipstream.web.session import Prepared

log = logging.getLogger(__name__)


def prepare_own(config: Config, consent: GrowthConsent) -> Prepared:
    """`prepare`, with the profile that has grown, and so that it grows on; both while its user agrees.

    The run waits for its browser, for minutes or days: it is outdated once the answer or the profile is another one,
    whoever changed it.
    """
    before = _made_of(consent)
    prepared = prepare.prepare(with_own_profile(config, consent), consent=consent)
    return replace(prepared, outdated=lambda: _made_of(consent) != before)


def _made_of(consent: GrowthConsent) -> Hashable:
    """What tells the profile that helps from others; None where none does."""
    return made_of(profile_path(OWN_PROFILE)) if consent.given else None


def learn_on(consent: GrowthConsent) -> None:
    """After a session: make the profile in the background, if there is enough that is new."""
    if not consent.given:
        return
    try:
        begun = begin_learning(OWN_PROFILE)
    except (ModelError, OSError) as error:
        log.warning("the profile that grows is not made: %s", error)
        return
    if begun is not None:
        log.info("the profile that grows is being made, %s tells how far it is", begun)
