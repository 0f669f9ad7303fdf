"""A recording with captions, faces and emotions burnt into its picture."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path

from av.container import OutputContainer
from av.stream import Stream

from lipstream.config.schema import LimitsConfig
from lipstream.config.subtitles import SubtitlesConfig
from lipstream.pipeline import micros
from lipstream.pipeline.errors import UserError
from lipstream.stages.media.probe import probe
from lipstream.stages.media.tracks import ANY, Wanted
from lipstream.views.media.output import Encoded, add_metadata, add_stream_metadata, opened_output
from lipstream.views.media.part_file import PartFile
from lipstream.views.media.picture_track import Painter, PlainPictures, SourcePictures
from lipstream.views.media.rereading import Track
from lipstream.views.media.sound_track import CopiedSound, EncodedSound
from lipstream.views.recorded.record import Recorder
from lipstream.views.recorded.scene import PLAIN, RecordedScenes

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
"""FFmpeg's format by the ending of the name."""


class Renderer:
    """Renders one recording after its run.

    Args:
        source: the recording.
        record: of the run over it.
        limits: what the recording may ask for.
        painter: draws the scenes, on RGB.
        stopping: looked at all the time; once it is true, what there is by then is made whole.
        progress: told the time that has been rendered, seconds.
        rules: how captions are cut.
        wanted: which tracks of the recording the run was made of.
    """

    def __init__(
        self,
        source: Path,
        record: Recorder,
        limits: LimitsConfig,
        painter: Painter,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[float], None] = lambda time: None,
        rules: SubtitlesConfig = PLAIN,
        wanted: Wanted = ANY,
    ) -> None:
        self._source = source
        self._wanted = wanted
        self._record = record
        self._rules = rules
        self._limits = limits
        self._painter = painter
        self._stopping = stopping
        self._progress = progress
        self._reached = 0

    def render(self, target: PartFile) -> float:
        """Render into a file, which is whole then, though not yet in its place.

        Returns:
            Seconds that were rendered; 0 if it was stopped before there were any.

        Raises:
            UserError: the recording cannot be read, encoded or written.
        """
        info = probe(self._source, self._limits, self._wanted)
        # What goes wrong with decoding is dealt with where it happens: the rest is about the output.
        with ExitStack() as stack, target.explained():
            pictures = self._pictures(stack) if info.has_video else None
            sounds = self._sounds(stack) if info.has_audio else None
            if self._stopping():
                return 0.0
            if not (pictures or sounds):
                raise UserError(f"'{self._source}' cannot be rendered: nothing in it could be decoded")
            output = stack.enter_context(opened_output(target, FORMATS[target.path.suffix.lower()]))
            self._encode(output, pictures or PlainPictures(self._record.duration, self._ending), sounds)
        return self._reached / 1e6

    def _pictures(self, stack: ExitStack) -> SourcePictures | None:
        track = Track(self._source, "video", self._limits, self._wanted)
        stack.callback(track.close)
        pictures = SourcePictures(track, self._ending)
        return pictures if pictures.found else None

    def _sounds(self, stack: ExitStack) -> CopiedSound | EncodedSound | None:
        track = Track(self._source, "audio", self._limits, self._wanted)
        stack.callback(track.close)
        if CopiedSound.can_be_copied(track):
            return CopiedSound(track, self._ending)
        sounds = EncodedSound(track, self._limits, self._ending)
        return sounds if sounds.found else None

    def _encode(
        self,
        output: OutputContainer,
        pictures: SourcePictures | PlainPictures,
        sounds: CopiedSound | EncodedSound | None,
    ) -> None:
        scenes = RecordedScenes(self._record, self._rules)
        picture = pictures.add_to(output)
        if isinstance(pictures, SourcePictures):
            pictures.repeat_at(scenes.changes, micros(self._record.duration))
        parts: list[Encoded] = [pictures.rendered(picture, scenes.at, self._painter)]
        tracks: list[tuple[Track | None, Stream]] = [(pictures.track, picture)]
        if sounds is not None:
            sound = sounds.add_to(output)
            parts.append(sounds.rendered(sound))
            tracks.append((sounds.track, sound))
        for track, stream in tracks:
            if track is not None:
                add_metadata(output, track.container, track.origin)
                add_stream_metadata(stream, track.stream)
        for time, packets in heapq.merge(*parts, key=itemgetter(0)):
            output.mux(packets)
            self._reached = max(self._reached, time)
            self._progress(self._reached / 1e6)

    def _ending(self) -> bool:
        return self._stopping() or self._reached >= micros(self._limits.max_duration)
