"""`explain`: what counted in one moment of a recording, as a picture.

With a profile: which lip frames the sound attended to. Without: what the mask for anybody rests on, found by hiding.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.failures import OK, note
from lipstream.commands.options import add_overwrite_argument, add_verb

if TYPE_CHECKING:
    import numpy as np

    from lipstream.models.av_speech.recording import Float32, Recording, UInt8
    from lipstream.views.recorded.attention import Attention
    from lipstream.views.recorded.influence import Influence

EXAMPLE = """\
lipstream explain talk.mp4 --at 12.3
lipstream explain talk.mp4 --at 12.3 --profile ann
lipstream explain talk.mp4 --at 12.3 --profile ann -o ann.png"""

_BEFORE = 3.0
"""Seconds of the recording to either side of the moment that are listened to."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "explain", "show which lips counted for the sound of a moment, as a PNG", EXAMPLE, run)
    parser.add_argument("clip", metavar="CLIP", type=Path, help="a recording with sound and a face")
    parser.add_argument("--at", metavar="SECONDS", type=float, required=True, help="the moment")
    parser.add_argument(
        "--profile", metavar="NAME", help="enrolled user, whose lips are attended to (default: what serves anybody)"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="the picture (default: CLIP.attention.png, or CLIP.influence.png without a profile, here)",
    )
    add_overwrite_argument(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Read the recording, attend, draw."""
    import cv2

    from lipstream.commands.networks.speech_networks import reader
    from lipstream.commands.outputs import check_free, check_places
    from lipstream.models.whole_file import whole_file
    from lipstream.pipeline import UserError

    kind = "influence" if args.profile is None else "attention"
    path = args.output or Path(f"{args.clip.stem}.{kind}.png")
    if path.suffix.lower() != ".png":
        raise UserError(f"--output {path}: expected a name that ends in .png")
    if not args.at >= 0:
        raise UserError(f"--at {args.at:g}: expected seconds from the start of the recording, 0 or more")
    check_places([path], [args.clip])
    if not args.overwrite:
        check_free([path])
    if args.profile is not None:
        from lipstream.models.av_speech.profile import check_profile

        check_profile(args.profile)  # what is missing is said before the long work
    picture = _picture(reader()(args.clip), args.at, args.profile)
    done, data = cv2.imencode(".png", picture)
    assert done
    with whole_file(path) as partial:
        partial.write_bytes(data.tobytes())
    note(f"{path} written")
    return OK


def _picture(recording: Recording, at: float, profile: str | None) -> UInt8:
    """What counted about a moment.

    Raises:
        UserError: the recording has no such moment, or no mouth is seen about it.
        ModelError: there is no such profile.
    """
    if profile is None:
        from lipstream.views.recorded.influence import draw_influence

        return draw_influence(_influence(recording, at))
    from lipstream.views.recorded.attention import draw_attention

    return draw_attention(_attention(recording, at, profile))


def _attention(recording: Recording, at: float, profile: str) -> Attention:
    """What the sound about a moment attended to."""
    from lipstream.views.recorded.attention import Attention

    part, start = _part(recording, at)
    weights, sound_times = _looks(part, profile)
    lips = part.lips
    return Attention(
        at, start + sound_times, _lip_times(part, start), lips.crops, lips.mask, weights, f"profile {profile}"
    )


def _influence(recording: Recording, at: float) -> Influence:
    """What the mask about a moment rests on."""
    import numpy as np

    from lipstream.commands.networks.speech_networks import engine
    from lipstream.models.av_speech.evaluation.conditions import lip_samples
    from lipstream.models.av_speech.general_fusion import GeneralFusion
    from lipstream.models.av_speech.occlusion import occlude
    from lipstream.models.av_speech.recording import LIP_RATE, SAMPLE_RATE
    from lipstream.models.av_speech.voice_bands import HOP
    from lipstream.views.recorded.attention import MAP, Attention
    from lipstream.views.recorded.influence import Influence

    part, start = _part(recording, at)
    fusion = GeneralFusion(None)
    fusion.load()
    times = _lip_times(part, start)
    found = occlude(fusion, engine().encode(part.sound), part.sound, lip_samples(part.lips), np.abs(times - at) <= MAP)
    count = len(found.seen)
    # Where the sound goes on behind the picture, there is nothing to see.
    missing = max(0, count - len(times))
    crops = np.pad(part.lips.crops[:count], [(0, missing), *[(0, 0)] * (part.lips.crops.ndim - 1)])
    times = start + np.arange(count, dtype=np.float32) / np.float32(LIP_RATE)
    sound_times = (start + np.arange(len(found.gains)) * (HOP / SAMPLE_RATE)).astype(np.float32)
    shown = Attention(at, sound_times, times, crops, found.seen, found.lips, "for anybody, by hiding")
    return Influence(shown, found.own, found.gains, found.overlap, found.without)


def _part(recording: Recording, at: float) -> tuple[Recording, np.float32]:
    """The seconds about a moment, and when they begin.

    Raises:
        UserError: the recording has no such moment, or no mouth is seen about it.
    """
    import numpy as np

    from lipstream.models.av_speech.recording import LIP_RATE, SAMPLE_RATE
    from lipstream.pipeline import UserError
    from lipstream.views.recorded.attention import AROUND

    length = len(recording.pcm) / SAMPLE_RATE
    if at > length:
        raise UserError(f"--at {at:g}: the recording has {length:.1f} seconds")
    first = max(0, round((at - _BEFORE) * LIP_RATE))
    part, start = recording.between(first, round((at + _BEFORE) * LIP_RATE)), np.float32(first / LIP_RATE)
    if not part.lips.mask[np.abs(_lip_times(part, start) - at) <= AROUND].any():
        raise UserError(f"no mouth is seen about {at:g} s; expected a moment in which the speaker's face is in view")
    return part, start


def _lip_times(part: Recording, start: np.float32) -> Float32:
    """(L,) seconds of the recording."""
    import numpy as np

    from lipstream.models.av_speech.recording import LIP_RATE

    times: Float32 = start + np.arange(len(part.lips.mask), dtype=np.float32) / np.float32(LIP_RATE)
    return times


def _looks(part: Recording, profile: str) -> tuple[Float32, Float32]:
    """(T, L) attention of the sound to the lips, and (T,) the seconds of the frames of the sound."""
    import numpy as np

    from lipstream.commands.networks.speech_networks import engine
    from lipstream.models.av_speech.evaluation.conditions import lip_samples
    from lipstream.models.av_speech.lip_fusion import LipFusion
    from lipstream.models.av_speech.profile import load_profile

    fusion = LipFusion(lambda: load_profile(profile))
    fusion.load()
    encoding = engine().encode(part.sound)
    times = (np.arange(len(encoding.features)) + 0.5) / encoding.frame_rate
    return fusion.looks(encoding, lip_samples(part.lips)), times.astype(np.float32)
