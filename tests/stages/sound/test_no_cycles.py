"""What a source hands its sound to does not keep the source."""

from __future__ import annotations

import gc
import weakref

import pytest

from lipstream.config.schema import AudioConfig
from lipstream.pipeline import Source
from lipstream.stages.capture.microphone import Microphone
from lipstream.web.rtc.peer_sound import PeerSound
from lipstream.web.rtc.peer_source import Invitation


@pytest.mark.parametrize("make", [lambda: Microphone(AudioConfig()), lambda: PeerSound(AudioConfig(), Invitation())])
def test_a_source_that_is_not_wanted_any_more_goes_without_the_garbage_collector(make):
    source: Source = make()
    gc.disable()
    try:
        watched = weakref.ref(source)
        del source
        assert watched() is None
    finally:
        gc.enable()
