"""Makes the run behind a browser's session."""

from __future__ import annotations

from collections.abc import Callable

from lipstream import Pipeline
from lipstream.config import Config
from lipstream.pipeline import Graph, Source
from lipstream.stages.build import connect
from lipstream.stages.enrol.consent import GrowthConsent
from lipstream.stages.enrol.growth_of import add_growth_by_consent
from lipstream.web.rtc.peer_picture import PeerPicture
from lipstream.web.rtc.peer_sound import PeerSound
from lipstream.web.rtc.peer_source import Invitation
from lipstream.web.session import Prepared

Connect = Callable[[Config, Source | None, Source | None], Graph]

_FACE_RATE = 25.0
_SOUND_RATE = 15.0
_PATIENCE = 1.0
"""Seconds that the end of a session waits for speech that is still being learnt from."""


def with_reports(config: Config) -> Config:
    """A configuration whose runs also tell what a page draws: where faces are, and how loud the sound is."""
    face = config.face.model_copy(update={"report_rate": config.face.report_rate or _FACE_RATE})
    audio = config.audio.model_copy(update={"report_rate": config.audio.report_rate or _SOUND_RATE})
    return config.model_copy(update={"face": face, "audio": audio})


def prepare(config: Config, connect: Connect = connect, consent: GrowthConsent | None = None) -> Prepared:
    """Make the run for a browser and start it: it loads its networks, and waits.

    Args:
        config: its configuration.
        connect: puts all that is wanted behind the sources of sound and picture.
        consent: whether this machine's user agrees that a profile grows, where one may; None where none does.

    Raises:
        PipelineError: it cannot be made.
    """
    invitation = Invitation()
    sound = PeerSound(config.audio, invitation) if config.audio.enabled else None
    picture = PeerPicture(config.video, config.face.max_fps, invitation) if config.video.enabled else None
    pipeline = Pipeline(config, lambda config: connect(config, sound, picture))
    source = sound or picture
    # A configuration without both is refused.
    assert source is not None
    prepared = Prepared(pipeline, sound, picture, source.now, invitation)
    if consent is not None:
        own = prepared.own
        add_growth_by_consent(pipeline.graph, config, lambda: own.is_set() and consent.given, _PATIENCE)
    pipeline.start()
    return prepared
