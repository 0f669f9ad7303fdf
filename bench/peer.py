"""The peer: moonshine-voice's own streaming transcriber, on the very model files Lipstream uses."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 16_000


@dataclass
class PeerRun:
    """What the peer did, seconds on the sound's own clock unless said otherwise.

    Attributes:
        text: the whole transcript.
        first_partial: for each line, its first text minus its start.
        final: for each line, its completion minus its end.
        cpu: processor seconds used by the process.
    """

    text: str = ""
    first_partial: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    cpu: float = 0.0


def transcribe(sound: npt.NDArray[np.float32], realtime: bool, block: float = 0.1, update: float = 0.4) -> PeerRun:
    """Stream sound into moonshine-voice, at the sound's own pace or as fast as it goes."""
    import moonshine_voice
    from moonshine_voice.transcriber import LineCompleted, LineTextChanged, TranscriptEventListener

    model = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
    run = PeerRun()
    lines: list[str] = []
    begin = 0.0

    class Listener(TranscriptEventListener):
        def __init__(self) -> None:
            self.begun: set[int] = set()

        def on_line_text_changed(self, event: LineTextChanged) -> None:
            if event.line.line_id not in self.begun and event.line.text.strip():
                self.begun.add(event.line.line_id)
                run.first_partial.append(time.monotonic() - begin - event.line.start_time)

        def on_line_completed(self, event: LineCompleted) -> None:
            lines.append(event.line.text.strip())
            run.final.append(time.monotonic() - begin - event.line.start_time - event.line.duration)

    transcriber = moonshine_voice.Transcriber(str(model), moonshine_voice.ModelArch.TINY, update_interval=update)
    transcriber.add_listener(Listener())
    transcriber.start()
    cpu = time.process_time()
    begin = time.monotonic()
    size = round(block * RATE)
    for start in range(0, len(sound), size):
        if realtime:
            time.sleep(max(0.0, begin + min(len(sound), start + size) / RATE - time.monotonic()))
        transcriber.add_audio(sound[start : start + size].tolist(), RATE)
    transcriber.stop()
    run.cpu = time.process_time() - cpu
    transcriber.close()
    run.text = " ".join(line for line in lines if line)
    return run
