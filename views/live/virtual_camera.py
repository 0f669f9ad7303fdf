"""The camera's picture with captions burnt in, as a camera that other programs can use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import cv2
import numpy as np

from lipstream import Pipeline
from lipstream.pipeline import Bounds, Packet, Policy, Port, Sink, UserError
from lipstream.stages.payloads import UInt8, VideoFrame
from lipstream.views.drawing.subtitles import Subtitles
from lipstream.views.live.live_scene import LiveScene

_FPS = 25.0
_INSTALL = "pip install 'lipstream[virtual-camera]'"
_DRIVERS = (
    "Linux: sudo apt-get install v4l2loopback-dkms && sudo modprobe v4l2loopback; Windows and macOS: install OBS "
    "Studio, which brings one"
)


class Output(Protocol):
    """A virtual camera."""

    device: str

    def send(self, frame: UInt8) -> None:
        """Show (H, W, 3) RGB of the size it was opened with."""

    def close(self) -> None:
        """Let it go."""


Opener = Callable[[int, int, str | None], Output]
"""Opens a virtual camera of a width and a height, by its name or any."""


class VirtualCamera(Sink):
    """Shows the newest picture with the captions of a run over it.

    It is not mirrored, as what others see. The size is that of the first picture. A camera that fails is left, and said
    so; the run goes on.

    Args:
        captions: what is being said.
        subtitles: draws it.
        device: name of the virtual camera; None for any.
        opener: opens it.

    Attributes:
        failure: why it shows nothing any more; None if it does.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def __init__(self, captions: LiveScene, subtitles: Subtitles, device: str | None, opener: Opener) -> None:
        self.failure: str | None = None
        self._captions = captions
        self._subtitles = subtitles
        self._device = device
        self._opener = opener
        self._output: Output | None = None
        self._size = (0, 0)

    @classmethod
    def on(cls, pipeline: Pipeline, device: str | None, opener: Opener | None = None) -> VirtualCamera:
        """Add one to a run that has not started.

        Raises:
            UserError: what it needs is not installed.
        """
        captions = LiveScene()
        camera = cls(captions, Subtitles(pipeline.config.subtitles), device, opener or _opener())
        pipeline.graph.add("virtual_camera", camera)
        pipeline.graph.connect("video.video", "virtual_camera.video", Bounds(Policy.LATEST, items=1))
        pipeline.add_sink("virtual camera captions", captions)
        return camera

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Show a picture."""
        if self.failure is not None:
            return
        image = np.array(packet.payload.image)
        try:
            if self._output is None:
                # Programs that use such a camera want even numbers.
                height, width = (size - size % 2 for size in image.shape[:2])
                self._size = width, height
                self._output = self._opener(width, height, self._device)
            if (image.shape[1], image.shape[0]) != self._size:
                image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
            image = np.ascontiguousarray(image)
            self._subtitles.draw(image, self._captions.scene(time.monotonic()))
            self._output.send(image)
        except (RuntimeError, OSError, ValueError) as error:
            self.failure = f"the virtual camera cannot be used ({error}): {_DRIVERS}"
            self.degrade("video", self.failure, trouble="virtual camera")

    def close(self) -> None:
        """Let the virtual camera go."""
        if self._output is not None:
            self._output.close()


def _opener() -> Opener:
    try:
        import pyvirtualcam
    except ImportError as error:
        raise UserError(f"--virtual-camera needs pyvirtualcam ({error}): {_INSTALL}") from error

    def open_camera(width: int, height: int, device: str | None) -> Output:
        output: Output = pyvirtualcam.Camera(width, height, _FPS, device=device)
        return output

    return open_camera
