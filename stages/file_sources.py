"""What reads the input of a file run: its sound, or each of its sound tracks, and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lipstream.config import Config
from lipstream.pipeline import Graph, Source, UserError
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.deliveries import Deliveries
from lipstream.stages.media.probe import MediaInfo, probe
from lipstream.stages.media.tracks import EACH, Wanted, wanted_by
from lipstream.stages.media.video import MediaVideo
from lipstream.stages.notice import Notice
from lipstream.stages.tracks import SpeakerTrack, names_of, tracks_in_words


@dataclass(frozen=True, slots=True)
class FileSources:
    """What reads a recording.

    Attributes:
        audio: the sound; None without, or where there are `tracks`.
        video: the picture; None without.
        tracks: sound tracks that are a speaker each.
    """

    audio: Source | None
    video: Source | None
    tracks: Sequence[SpeakerTrack] = ()


def file_sources(graph: Graph, config: Config) -> FileSources:
    """Make what reads the input of a configuration; what is missing in it is told by a component that is added.

    Args:
        graph: where to add that.
        config: the configuration.

    Raises:
        UserError: the input is missing or not media, or it has none of the tracks that are enabled.
    """
    path = config.input
    if path is None:
        raise UserError("no input file: set 'input' to the path of a recording, for example input=talk.mp4")
    wanted = wanted_by(config)
    media = probe(path, config.limits, wanted)
    audio: Source | None = None
    video: Source | None = None
    heard, seen = config.audio.enabled and media.has_audio, config.video.enabled and media.has_video
    each = heard and wanted.audio == EACH
    deliveries = Deliveries((len(media.sounds) if each else heard) + seen)
    tracks = _tracks(path, config, media, deliveries) if each and len(media.sounds) > 1 else []
    if each and not tracks:
        graph.add("one_track", Notice("audio", "there is one sound track, so audio.track=each changes nothing"))
    if heard and not tracks:
        audio = MediaAudio(path, config.pace, config.limits, wanted, deliveries)
    elif config.audio.enabled and not heard:
        graph.add("no_audio", Notice("audio", "the file has no sound, going on with the picture only"))
    if seen:
        side, rate = config.video.max_side, config.face.max_fps
        video = MediaVideo(path, config.pace, side, rate, config.limits, wanted, deliveries, config.video.hardware)
    elif config.video.enabled:
        graph.add("no_video", Notice("video", "the file has no picture, going on with the sound only"))
    if not heard and video is None:
        raise UserError(_nothing_left(path, config))
    return FileSources(audio, video, tracks)


def _tracks(path: Path, config: Config, media: MediaInfo, deliveries: Deliveries) -> list[SpeakerTrack]:
    """A source for each of a recording's sound tracks.

    Raises:
        UserError: what is wanted besides is of one person.
    """
    if config.fusion.profile is not None:
        raise UserError(
            "a profile is of one person, so it cannot be used with audio.track=each: choose that person's track by its "
            "number, or go on without the profile"
        )
    names = names_of(media.sounds)
    told = [tracks_in_words(media.sounds, names), *[""] * (len(names) - 1)]
    return [
        SpeakerTrack(at, name, MediaAudio(path, config.pace, config.limits, Wanted(track.number), deliveries, said))
        for at, (track, name, said) in enumerate(zip(media.sounds, names, told, strict=True), 1)
    ]


def _nothing_left(path: Path, config: Config) -> str:
    missing, disabled = ("picture", "sound") if config.video.enabled else ("sound", "picture")
    return f"'{path}' has no {missing} and {disabled} is switched off, so there is nothing to process"
