"""`explain`: which lip frames the sound of one moment of a recording attended to by a profile, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.failures import OK, note
from lipstream.commands.options import add_overwrite_argument, add_verb

if TYPE_CHECKING:
    from lipstream.models.av_speech.recording import Float32, Recording
    from lipstream.views.recorded.attention import Attention

EXAMPLE = """\
lipstream explain talk.mp4 --at 12.3 --profile ann
lipstream explain talk.mp4 --at 12.3 --profile ann -o ann.png"""

_BEFORE = 3.0
"""Seconds of the recording to either side of the moment that are listened to."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "explain", "show which lips the sound of a moment attended to, as a PNG", EXAMPLE, run)
    parser.add_argument("clip", metavar="CLIP", type=Path, help="a recording with sound and a face")
    parser.add_argument("--at", metavar="SECONDS", type=float, required=True, help="the moment")
    parser.add_argument("--profile", metavar="NAME", required=True, help="enrolled user, whose lips are attended to")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="the picture (default: CLIP.attention.png, here)"
    )
    add_overwrite_argument(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Read the recording, attend, draw."""
    import cv2

    from lipstream.commands.networks.speech_networks import reader
    from lipstream.commands.outputs import check_free, check_places
    from lipstream.models.av_speech.profile import check_profile
    from lipstream.models.whole_file import whole_file
    from lipstream.pipeline import UserError
    from lipstream.views.recorded.attention import draw_attention

    path = args.output or Path(f"{args.clip.stem}.attention.png")
    if path.suffix.lower() != ".png":
        raise UserError(f"--output {path}: expected a name that ends in .png")
    if args.at < 0:
        raise UserError(f"--at {args.at:g}: expected seconds from the start of the recording, 0 or more")
    check_places([path], [args.clip])
    if not args.overwrite:
        check_free([path])
    check_profile(args.profile)  # what is missing is said before the long work
    recording = reader()(args.clip)
    picture = draw_attention(_attention(recording, args.at, args.profile))
    done, data = cv2.imencode(".png", picture)
    assert done
    with whole_file(path) as partial:
        partial.write_bytes(data.tobytes())
    note(f"{path} written")
    return OK


def _attention(recording: Recording, at: float, profile: str) -> Attention:
    """What the sound about a moment attended to.

    Raises:
        UserError: the recording has no such moment, or no mouth is seen about it.
        ModelError: there is no such profile.
    """
    import numpy as np

    from lipstream.models.av_speech.recording import LIP_RATE, SAMPLE_RATE
    from lipstream.pipeline import UserError
    from lipstream.views.recorded.attention import AROUND, Attention

    length = len(recording.pcm) / SAMPLE_RATE
    if at > length:
        raise UserError(f"--at {at:g}: the recording has {length:.1f} seconds")
    first = max(0, round((at - _BEFORE) * LIP_RATE))
    part = recording.between(first, round((at + _BEFORE) * LIP_RATE))
    lip_times = (first + np.arange(len(part.lips.mask), dtype=np.float32)) / np.float32(LIP_RATE)
    if not part.lips.mask[np.abs(lip_times - at) <= AROUND].any():
        raise UserError(f"no mouth is seen about {at:g} s; expected a moment in which the speaker's face is in view")
    weights, sound_times = _looks(part, profile)
    start = np.float32(first / LIP_RATE)
    return Attention(at, start + sound_times, lip_times, part.lips.crops, part.lips.mask, weights, f"profile {profile}")


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
