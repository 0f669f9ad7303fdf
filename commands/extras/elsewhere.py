"""Captions in other programs: `live --text-file` and `live --virtual-camera`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.extras.base import Extra, path_of

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.config import Config
    from lipstream.stages.sinks.text_file import TextFile
    from lipstream.views.live.virtual_camera import VirtualCamera


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --text-file and --virtual-camera."""
    parser.add_argument(
        "--text-file",
        metavar="FILE",
        help="keep the newest captions in this text file, for programs that show one; it is replaced in one step",
    )
    parser.add_argument(
        "--virtual-camera",
        metavar="NAME",
        nargs="?",
        const="",
        help="give the picture, with captions burnt in, to a virtual camera that calls can use (needs the extra "
        "'virtual-camera'; NAME: which one)",
    )


def from_args(args: argparse.Namespace) -> list[Extra]:
    """What was asked for.

    Raises:
        UserError: no file can have that name.
    """
    found: list[Extra] = []
    if args.text_file is not None:
        found.append(CaptionText(path_of("--text-file", args.text_file)))
    if args.virtual_camera is not None:
        found.append(CaptionedCamera(args.virtual_camera or None))
    return found


class CaptionText(Extra):
    """The newest captions in a text file."""

    option = "--text-file"

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self._file: TextFile | None = None

    @property
    def failure(self) -> str | None:
        """Why the file is not written any more."""
        return None if self._file is None else self._file.failure

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Write it while a run goes on.

        Raises:
            UserError: it cannot be written.
        """
        from lipstream.pipeline import UserError
        from lipstream.stages.sinks.text_file import TextFile

        self._file = TextFile(self.path)
        self._file.open()
        if self._file.failure is not None:
            raise UserError(f"--text-file {self.path}: {self._file.failure}")
        pipeline.add_sink("text file", self._file)


class CaptionedCamera(Extra):
    """The picture with captions, as a camera."""

    option = "--virtual-camera"

    def __init__(self, device: str | None) -> None:
        self._device = device
        self._camera: VirtualCamera | None = None

    @property
    def failure(self) -> str | None:
        """Why it shows nothing any more."""
        return None if self._camera is None else self._camera.failure

    def check(self, config: Config, source: Path) -> None:
        """See to it that there is a picture.

        Raises:
            UserError: there is none.
        """
        from lipstream.pipeline import UserError

        if not config.video.enabled:
            raise UserError("--virtual-camera needs a picture, and the camera is switched off")

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Show a run.

        Raises:
            UserError: there is no virtual camera, or nothing to use it with.
        """
        from lipstream.views.live.virtual_camera import VirtualCamera

        self.check(pipeline.config, Path())
        self._camera = VirtualCamera.on(pipeline, self._device)
