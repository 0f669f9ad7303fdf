"""Make the moving picture of the README: the demo clip as the live window shows it, captions growing as they came.

    python scripts/demo_animation.py [--output docs/images/live.webp]

The clip (public domain, a recording of the US government) is read with the text that a live run shows while somebody
speaks, and drawn as the window draws. Each event is drawn at the end of the sound or picture it tells of, so that the
same file comes out on every machine. How much later it comes live is not in it: docs/measured.md has that.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lipstream import Event, Pipeline, SpeechStarted, TranscriptFinal, TranscriptPartial
from lipstream.models import assets
from lipstream.views.drawing.overlay import Overlay
from lipstream.views.live.live_scene import LiveScene

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "live.webp"
RATE = 12.5
"""Pictures a second; the clip has about 12."""
SIZE = (640, 480)
AFTER = 1.6
"""Seconds that the last picture stays, for the last caption."""
QUALITY = 60
SETTINGS: dict[str, object] = {
    "speech.partials": "on",
    "speech.quality": "balanced",
    "face.report_rate": 25.0,
    "audio.report_rate": 12.5,
}

UInt8 = npt.NDArray[np.uint8]


def main() -> None:
    """Run, draw, write, and say how late the captions were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the file, .webp or .gif")
    target: Path = parser.parse_args().output
    clip = assets.resolve("media/obama_speech.mp4")
    events = heard(clip)
    pictures = [Image.fromarray(picture) for picture in drawn(clip, events)]
    first, *rest = pictures
    lengths = [round(1000 / RATE)] * (len(pictures) - 1) + [round(1000 * AFTER)]
    options = {"quality": QUALITY, "method": 6} if target.suffix == ".webp" else {"optimize": True}
    first.save(target, save_all=True, append_images=rest, duration=lengths, loop=0, **options)
    for time, event in events:
        if isinstance(event, TranscriptPartial | TranscriptFinal):
            print(f"{time:5.2f} s: {event.text}")
    print(f"{target}: {len(pictures)} pictures, {target.stat().st_size / 1000:.0f} kB")


def heard(clip: Path) -> list[tuple[float, Event]]:
    """Everything that a run over the clip gives, each with the end of what it tells of, in that order."""
    with Pipeline.from_config("file", input=clip, **SETTINGS) as run, run.events() as events:
        found = list(events)
    timed, shown = [], dict[int, float]()
    for event in found:
        time = moment(event)
        if isinstance(event, TranscriptPartial):
            shown[event.segment] = event.end
        elif isinstance(event, TranscriptFinal):
            # It ends with its last word; the partials before it have heard some of the silence behind that.
            time = max(event.end, shown.get(event.segment, 0.0))
        if time is not None:
            timed.append((time, event))
    return sorted(timed, key=itemgetter(0))


def moment(event: Event) -> float | None:
    """Seconds from the start to the end of what an event tells of; None for one that is about the run."""
    names = ("start",) if isinstance(event, SpeechStarted) else ("end", "time")
    return next((getattr(event, name) for name in names if hasattr(event, name)), None)


def drawn(clip: Path, events: list[tuple[float, Event]]) -> list[UInt8]:
    """The pictures, (H, W, 3) RGB, each with what was told of by its time."""
    now = 0.0
    scenes, overlay = LiveScene(clock=lambda: now), Overlay("rgb")
    waiting, sources = list(events), pictures_of(clip)
    last = max(waiting[-1][0], sources[-1][0])
    found, index = [], 0
    for number in range(int(last * RATE) + 2):
        now = number / RATE
        while waiting and waiting[0][0] <= now:
            scenes.handle(waiting.pop(0)[1])
        while index + 1 < len(sources) and sources[index + 1][0] <= now:
            index += 1
        picture: UInt8 = cv2.resize(sources[index][1], SIZE, interpolation=cv2.INTER_CUBIC)
        overlay.draw(picture, replace(scenes.scene(now), figures=()))
        found.append(picture)
    return found


def pictures_of(clip: Path) -> list[tuple[float, UInt8]]:
    """Times in seconds and pictures, (H, W, 3) RGB, of a recording."""
    with av.open(str(clip)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


if __name__ == "__main__":
    main()
