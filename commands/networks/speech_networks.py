"""What the verbs that train and judge have in common: recordings read, the recogniser, as a teacher too, voices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lipstream.models.av_speech.enrolment.enrolment import Teacher
    from lipstream.models.av_speech.evaluation.conditions import Systems
    from lipstream.models.av_speech.recording import Float32
    from lipstream.models.av_speech.training.features import Read
    from lipstream.models.speech.engine import SpeechEngine
    from lipstream.models.speech.fusion import Fusion
    from lipstream.models.speech.moonshine import MoonshineEngine


def reader() -> Read:
    """Reads recordings as `file` does."""
    from lipstream.config import load_config
    from lipstream.stages.enrol.recordings import read_recording

    config = load_config("file", {"face.threads": 1})
    return lambda path: read_recording(path, config)


def engine() -> MoonshineEngine:
    """The recogniser, loaded."""
    from lipstream.models.speech.moonshine import MoonshineEngine

    loaded = MoonshineEngine(1)
    loaded.load()
    return loaded


def fusion_of(profile: str | None, recogniser: SpeechEngine, read_by: str = "moonshine") -> Fusion:
    """What stands between encoder and decoder in `file` and `live`, loaded.

    Args:
        profile: an enrolled user's name, or a profile's file; None for what serves anybody.
        recogniser: that it stands in.
        read_by: who reads the words, as `speech.engine` has it.

    Raises:
        UserError: there is no such profile.
        ModelError: it is unusable.
    """
    from lipstream.config import load_config
    from lipstream.stages.build import make_fusion

    if profile is not None and Path(profile).suffix == ".safetensors":
        fusion = _fusion_of_file(Path(profile), recogniser)
    else:
        fusion = make_fusion(load_config("file", {"fusion.profile": profile, "speech.engine": read_by}), recogniser)
    fusion.load()
    return fusion


def _fusion_of_file(path: Path, recogniser: SpeechEngine) -> Fusion:
    """The same as of a profile by name."""
    from lipstream.config import load_config
    from lipstream.models.av_speech.general_fusion import GeneralFusion
    from lipstream.models.av_speech.lip_fusion import LipFusion
    from lipstream.models.av_speech.profile import load_networks

    enrolled = LipFusion(lambda: load_networks(path))
    return GeneralFusion(recogniser, enrolled) if load_config("file", {}).fusion.general else enrolled


def systems_read_by(name: str, language: str | None) -> Systems:
    """What serves anybody, with and without lips, read by another recogniser than the listener's own.

    Args:
        name: of the recogniser, as `speech.engine` has it; its usual model.
        language: code of the language spoken; None to find out.

    Raises:
        ModelError: there is no such recogniser, or it cannot be loaded.
    """
    from lipstream.models.av_speech.evaluation.conditions import Systems
    from lipstream.models.speech import recognisers

    listener = engine()
    reader = recognisers.create(name, "base", 1, listener)
    reader.load()
    return Systems(listener, None, fusion_of(None, listener, name), reader, language)


def systems_of(profile: str | None) -> Systems:
    """The recogniser alone, the fusion without lips and the fusion with lips; see `fusion_of`."""
    from lipstream.models.av_speech.evaluation.conditions import MasksLips, Systems

    recogniser = engine()
    fusion = fusion_of(profile, recogniser)
    if not fusion.uses_lips:
        return Systems(recogniser, None, None)
    if isinstance(fusion, MasksLips):
        masked = fusion.without_lips
        return Systems(recogniser, lambda encoding, _: masked(encoding), fusion)
    return Systems(recogniser, lambda encoding, sound: fusion.fuse(encoding, sound, ()).encoding, fusion)


def teacher() -> Teacher:
    """The recogniser in the forms that training needs."""
    from lipstream.models.assets import resolve
    from lipstream.models.av_speech.enrolment.enrolment import Teacher
    from lipstream.models.speech.tokenizer import Tokenizer
    from lipstream.models.training.torch_decoder import load_decoder

    hears = engine()
    return Teacher(
        hears,
        lambda sound: hears.encode(sound).features,
        Tokenizer.from_file(resolve("moonshine-tiny-en/tokenizer.bin")),
        load_decoder(resolve("moonshine-tiny-en/decoder_model_merged.ort")),
    )


def other_voices(folder: Path | None, own: Sequence[Float32]) -> list[Float32]:
    """Voices to mix with a speaker's: those of a folder, or else made of read speech and of the speaker's own.

    Args:
        folder: recordings of other people; None where there are none.
        own: recordings of the speaker.
    """
    from lipstream.models.av_speech.training.other_voices import like_others, read_voices, voices_at_hand

    if folder is not None:
        return read_voices(folder)
    return voices_at_hand() + like_others(own[:: max(1, len(own) // 20)])
