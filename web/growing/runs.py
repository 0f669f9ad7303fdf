"""The runs of a server that only this machine reaches, where its user may agree that a profile grows."""

from __future__ import annotations

import logging

from lipstream.config import Config
from lipstream.models.errors import ModelError
from lipstream.stages.enrol.consent import OWN_PROFILE, GrowthConsent
from lipstream.stages.enrol.own_profile import begin_learning, with_own_profile
from lipstream.web import prepare
from lipstream.web.session import Prepared

log = logging.getLogger(__name__)


def prepare_own(config: Config, consent: GrowthConsent) -> Prepared:
    """`prepare`, with the profile that has grown, and so that it grows on; both while its user agrees."""
    return prepare.prepare(with_own_profile(config, consent), consent=consent)


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
