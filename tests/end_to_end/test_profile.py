"""An enrolled user's profile beside Whisper, on real speech, with and without another voice."""

from __future__ import annotations

import wave

import numpy as np
import pytest
import torch

from lipstream import Pipeline
from lipstream.config import load_config
from lipstream.events import TranscriptFinal
from lipstream.models import assets, profile_files
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.av_speech.training.mixtures import mixed
from lipstream.models.errors import AssetError
from lipstream.models.profile_files import profile_path
from lipstream.models.speech.whisper.files import FILES
from lipstream.models.training.media import read_sound
from lipstream.stages.build import connect
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.video import MediaVideo

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def whisper() -> str:
    """The folder of Whisper tiny.en."""
    try:
        parts = [assets.resolve(f"test-whisper-tiny.en/{name}") for name in FILES]
    except AssetError as error:
        pytest.skip(str(error))
    return str(parts[0].parent)


@pytest.fixture
def ann(tmp_path, monkeypatch) -> str:
    """A profile that takes any lips for the user's, and lets them change next to nothing."""
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path)
    networks = LipNetworks.untrained()
    torch.nn.init.normal_(networks.fusion.out.weight, std=1e-3)
    for weight in (networks.correspondence.lip_weight, networks.correspondence.sound_weight):
        torch.nn.init.zeros_(weight.weight)
        torch.nn.init.constant_(weight.bias, -50.0)
    torch.nn.init.constant_(networks.correspondence.bias, 50.0)
    save_networks(networks, profile_path("ann"))
    return "ann"


@pytest.fixture
def finals(obama_speech):
    """What is read of the clip, with a sound in place of its own."""

    def read(sound, **settings: object) -> list[TranscriptFinal]:
        config = load_config(
            "file", {"emotion.enabled": False, **{k.replace("__", "."): v for k, v in settings.items()}}
        )

        def graph(config):
            video = MediaVideo(obama_speech, config.pace, config.video.max_side, config.face.max_fps)
            return connect(config, MediaAudio(sound, config.pace), video)

        return [event for event in Pipeline(config, graph).events() if isinstance(event, TranscriptFinal)]

    return read


def test_in_quiet_the_chosen_recogniser_reads_as_it_does_without_the_profile(finals, obama_speech, ann, whisper):
    chosen = {"speech__engine": "whisper", "speech__model": whisper}
    with_profile = finals(obama_speech, fusion__profile=ann, **chosen)
    without = finals(obama_speech, **chosen)
    assert [event.text for event in with_profile] == [event.text for event in without] != []
    assert not any(event.lip_gate for event in with_profile)


def test_beside_another_voice_the_profile_reads_what_it_would_without_whisper(
    finals, obama_speech, two_cities, ann, whisper, tmp_path
):
    own, other = read_sound(obama_speech), read_sound(two_cities)
    among = tmp_path / "among.wav"
    with wave.open(str(among), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((mixed(own, np.resize(other, len(own)), 0.0) * 32767).astype("<i2").tobytes())
    alone = {event.segment: event.text for event in finals(among, fusion__profile=ann, speech__engine="moonshine")}
    together = finals(among, fusion__profile=ann, speech__engine="whisper", speech__model=whisper)
    read_by_lips = {event.segment: event.text for event in together if event.lip_gate}
    assert read_by_lips and read_by_lips.items() <= alone.items()
