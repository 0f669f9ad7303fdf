"""Which microphones and cameras there are, which would be chosen, and what to do when there is none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lipstream.commands.checks.installation import Finding
from lipstream.config import Config
from lipstream.pipeline import UserError
from lipstream.stages.capture.devices import (
    CameraInfo,
    MicrophoneInfo,
    choose_microphone,
    list_cameras,
    list_microphones,
    list_system_sound,
)

_DEV = Path("/dev")
_WITHOUT_MICROPHONE = "recordings need none: lipstream file talk.mp4"
_WITHOUT_CAMERA = "captions do without: lipstream live --camera none"


@dataclass(frozen=True, slots=True)
class Choice:
    """Devices of one kind.

    Attributes:
        lines: one for each device.
        chosen: index into `lines` of the one that would be used, None if there is none.
        why_not: why none would be used; empty if one would.
    """

    lines: list[str]
    chosen: int | None
    why_not: str = ""


def microphones(config: Config) -> Choice:
    """The microphones, and the one a configuration chooses."""
    try:
        devices = list_microphones()
    except UserError as error:
        return Choice([], None, str(error))
    lines = [_describe_microphone(device) for device in devices]
    try:
        chosen = choose_microphone(devices, config.audio.microphone)
    except UserError as error:
        return Choice(lines, None, str(error))
    return Choice(lines, devices.index(chosen))


def system_sound(config: Config) -> Choice:
    """The outputs whose sound can be captioned, and the one a configuration chooses."""
    try:
        devices = list_system_sound()
    except UserError as error:
        return Choice([], None, str(error))
    lines = [_describe_microphone(device) for device in devices]
    try:
        chosen = choose_microphone(devices, config.audio.system)
    except UserError as error:
        return Choice(lines, None, str(error))
    return Choice(lines, devices.index(chosen))


def cameras(config: Config) -> Choice:
    """The cameras, and the one a configuration chooses."""
    devices = list_cameras()
    lines = [_describe_camera(device) for device in devices]
    wanted = config.video.camera
    if isinstance(wanted, str) and not wanted.isdecimal():
        return Choice([*lines, f"{wanted} (as configured)"], len(lines))
    for position, device in enumerate(devices):
        if device.index == int(wanted):
            return Choice(lines, position)
    return Choice(lines, None, f"no camera with index {wanted}" if devices else _no_camera())


def check_microphone() -> Iterator[Finding]:
    """The microphone that `lipstream live` would use."""
    yield _finding("microphone", microphones(_live()), _WITHOUT_MICROPHONE)


def check_camera() -> Iterator[Finding]:
    """The camera that `lipstream live` would use."""
    yield _finding("camera", cameras(_live()), _WITHOUT_CAMERA)


def _finding(kind: str, choice: Choice, otherwise: str) -> Finding:
    if choice.chosen is not None:
        return Finding("ok", f"{kind} {choice.lines[choice.chosen]}")
    return Finding("warning", f"{kind}: {choice.why_not}", otherwise)


def _live() -> Config:
    from lipstream.config import load_config

    return load_config("live")


def _describe_microphone(device: MicrophoneInfo) -> str:
    default = ", the system's default" if device.default else ""
    return f"{device.index}: {device.name} ({device.channels} ch, {device.rate} Hz{default})"


def _describe_camera(device: CameraInfo) -> str:
    size = f" ({device.width}x{device.height})" if device.width and device.height else ""
    return f"{device.index}: {device.name}{size}"


def _no_camera() -> str:
    if not sys.platform.startswith("linux"):
        return "no camera was found: connect one, and allow the terminal to use it in the system's privacy settings"
    refused = [str(path) for path in sorted(_DEV.glob("video*")) if not os.access(path, os.R_OK | os.W_OK)]
    if refused:
        who = "sudo usermod -aG video $USER, then log in again"
        return f"no permission to use {', '.join(refused)}: {who}"
    return "no camera was found: connect one"
