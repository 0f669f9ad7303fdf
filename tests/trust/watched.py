"""Runs Lipstream in a process of its own under an audit hook, and writes down what that process did to the outside.

Usage: python -m tests.trust.watched file|live CLIP REPORT
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
NETWORK = {f"socket.{name}" for name in ("bind", "connect", "getaddrinfo", "gethostbyname", "sendmsg", "sendto")}
PROCESSES = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch(logging.Handler):
    """Records audit events and log records."""

    def __init__(self) -> None:
        super().__init__()
        self.network: list[str] = []
        self.processes: list[str] = []
        self.unpickled: list[str] = []
        self.written: list[tuple[str, str]] = []
        self.logged: list[str] = []

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in NETWORK:
            self.network.append(f"{event} {args[1:]!r}")
        elif event in PROCESSES:
            self.processes.append(f"{event} {args!r}")
        elif event == "pickle.find_class":
            self.unpickled.append(".".join(map(str, args)))
        elif event == "open" and _for_writing(*args):
            self.written.append((os.fsdecode(args[0]), _opener()))

    def emit(self, record: logging.LogRecord) -> None:
        self.logged.append(self.format(record))


def _for_writing(path: object, mode: str | None, flags: int) -> bool:
    if not isinstance(path, (str, bytes)) or os.fsdecode(path).startswith("/dev/"):
        return False  # a descriptor that is open already, or a device
    return bool(flags & _WRITING)


def _opener() -> str:
    """The project's file that is on the stack nearest to the opening, or the innermost file there is."""
    frame = sys._getframe(2)
    innermost = frame.f_code.co_filename
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and not path.is_relative_to(Path(sys.prefix)):
            return path.relative_to(ROOT).as_posix()
        frame = frame.f_back
    return innermost


def caption_file(clip: Path) -> list[str]:
    """A recording through the library, with no output asked for."""
    from lipstream import Pipeline
    from lipstream.config import load_config
    from lipstream.events import TranscriptFinal

    events = Pipeline(load_config("file", {"input": str(clip)})).events()
    return [event.text for event in events if isinstance(event, TranscriptFinal)]


def caption_live(clip: Path) -> list[str]:
    """`lipstream live` without outputs, with a recording in place of microphone and camera."""
    import lipstream.stages.build
    from lipstream.commands.main import main
    from lipstream.config import Pace
    from lipstream.events import TranscriptFinal
    from lipstream.stages.media.audio import MediaAudio
    from lipstream.stages.media.video import MediaVideo
    from lipstream.stages.sinks import ConsoleSink

    texts: list[str] = []
    show = ConsoleSink.handle

    def handle(self: ConsoleSink, event: object) -> None:
        if isinstance(event, TranscriptFinal):
            texts.append(event.text)
        show(self, event)

    ConsoleSink.handle = handle
    lipstream.stages.build._live_sources = lambda config: (
        MediaAudio(clip, Pace.REALTIME),
        MediaVideo(clip, Pace.REALTIME, config.video.max_side, config.face.max_fps),
    )
    assert main(["live"]) == 0
    return texts


def run() -> None:
    """Watch one kind of run."""
    what, clip, report = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    watch = Watch()
    logging.getLogger().addHandler(watch)
    sys.addaudithook(watch.audit)
    texts = {"file": caption_file, "live": caption_live}[what](clip)
    seen = {name: list(getattr(watch, name)) for name in ("network", "processes", "unpickled", "written", "logged")}
    report.write_text(json.dumps({"texts": texts, **seen}), encoding="utf-8")


if __name__ == "__main__":
    run()
