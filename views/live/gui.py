"""A window on the screen, through OpenCV."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.pipeline import UserError
from lipstream.views.drawing.font import font_folder

UInt8 = npt.NDArray[np.uint8]

_WITHOUT = "leave --show out to have captions in the terminal"


class Gui(Protocol):
    """A window. All methods are called on the main thread: systems other than Linux want it so."""

    def open(self, title: str) -> None:
        """Open it."""

    def show(self, image: UInt8) -> None:
        """Show (H, W, 3) BGR; the window takes its size from the first one and from those of another size."""

    def key(self) -> str | None:
        """Let the window work; the key that was pressed since, in lower case."""

    def closed(self) -> bool:
        """Whether the user has closed it."""

    def close(self) -> None:
        """Close it."""


class OpenCvGui:
    """An OpenCV window."""

    def __init__(self) -> None:
        self._title = ""
        self._size: tuple[int, int] | None = None
        self._seen = False

    def open(self, title: str) -> None:
        """Open it; `check` has said that it can be."""
        self._title = title
        # Qt looks for fonts where the package has none, and says so for each.
        os.environ["QT_QPA_FONTDIR"] = str(font_folder())
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)

    def show(self, image: UInt8) -> None:
        """Show a picture."""
        size = image.shape[1], image.shape[0]
        if size != self._size:
            cv2.resizeWindow(self._title, *size)
            self._size = size
        cv2.imshow(self._title, image)

    def key(self) -> str | None:
        """The key that was pressed, if any."""
        code = cv2.waitKey(1)
        return chr(code & 0xFF).lower() if code >= 0 else None

    def closed(self) -> bool:
        """Whether it was there and is not any more. Backends that cannot tell always say it is not there."""
        visible = bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)
        self._seen = self._seen or visible
        return self._seen and not visible

    def close(self) -> None:
        """Close it."""
        if self._title:
            cv2.destroyAllWindows()
            # It goes when its messages are worked off.
            cv2.waitKey(1)


def check() -> None:
    """See to it that a window can be opened: Qt ends the whole process, or hangs, where it cannot.

    Raises:
        UserError: there is no display, or OpenCV was built without windows, or it was imported too late.
    """
    if not cv2.currentUIFramework():
        raise UserError(
            f"this OpenCV cannot open windows: a headless build of it is installed; install opencv-contrib-python "
            f"instead, or {_WITHOUT}"
        )
    if sys.platform != "linux" or not os.environ.get("QT_QPA_PLATFORM", "xcb").startswith("xcb"):
        return
    display = os.environ.get("DISPLAY")
    if not display:
        raise UserError(f"there is no display to show a window on: $DISPLAY is not set; {_WITHOUT}")
    if not _connects():
        raise UserError(f"the display '{display}' of $DISPLAY cannot be reached; {_WITHOUT}")
    if _pyav_came_first():
        raise UserError("windows of OpenCV hang where PyAV was imported first: import cv2 before av")


def _pyav_came_first() -> bool:
    """Whether PyAV was imported before OpenCV.

    Both bring libraries of X11 under the same names. Qt then gets PyAV's, which bring a libxcb of their own along, and
    two of those in one connection wait for each other for ever (issue 978 of PyAV, issue 29195 of OpenCV).
    """
    order = list(sys.modules)
    return "av" in order and order.index("av") < order.index("cv2")


def _connects() -> bool:
    """Whether the X server that $DISPLAY names lets this program in, asked as Qt will ask it."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        raise UserError(f"windows need the system's library libxcb ({error}); {_WITHOUT}") from None
    xcb.xcb_connect.restype = ctypes.c_void_p
    for function in (xcb.xcb_connection_has_error, xcb.xcb_disconnect):
        function.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    try:
        return bool(xcb.xcb_connection_has_error(connection) == 0)
    finally:
        xcb.xcb_disconnect(connection)
