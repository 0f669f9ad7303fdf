"""`demo`: the whole thing on a real clip, with nothing to bring along."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lipstream.commands.failures import OK, note
from lipstream.commands.options import add_emotion_argument, add_overwrite_argument, add_verb, emotion_settings

EXAMPLE = "lipstream demo"

FOLDER = Path("demo_output")

CLIP = "media/obama_speech.mp4"

NEXT = """
What to try next:
  {command} file VIDEO.mp4    a recording of your own
  {command} live --show       your webcam and microphone, in a window
  {command} serve             the same as a web page
  {command} file --help       every option, with an example
In Python, a function called for every finished sentence:
  from lipstream import Pipeline, TranscriptFinal
  live = Pipeline.from_config("live")
  live.on(TranscriptFinal, lambda event: print(event.start, event.text))
  live.run()"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "demo", "caption a clip that comes with Lipstream, as if it were live", EXAMPLE, run)
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        help=f"folder for the outputs (default: {FOLDER}, where an earlier demo's are replaced)",
    )
    add_overwrite_argument(parser)
    parser.add_argument("--pace", choices=("max", "realtime"), default="realtime", help="speed of reading")
    add_emotion_argument(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Caption the clip into every format, and a picture of what was tracked."""
    from lipstream import Pipeline
    from lipstream.commands.outputs import check_free
    from lipstream.commands.transcribe import Options, transcribe
    from lipstream.events import EmotionUpdate, TranscriptFinal
    from lipstream.models import assets
    from lipstream.pipeline import Bounds
    from lipstream.stages.sinks import available
    from lipstream.stages.sinks.snapshot import Snapshot

    clip = assets.resolve(CLIP)
    folder, overwrite = args.output or FOLDER, args.overwrite or args.output is None
    picture = folder / f"{clip.stem}.png"
    if not overwrite:
        check_free([picture])
    note(f"a talking head, 9 s, read as `file --pace {args.pace}` does")
    snapshot = Snapshot()
    finals: list[TranscriptFinal] = []
    emotions: list[EmotionUpdate] = []

    def look_on(pipeline: Pipeline) -> None:
        pipeline.on(TranscriptFinal, finals.append)
        pipeline.on(EmotionUpdate, emotions.append)
        pipeline.graph.add("snapshot", snapshot)
        pipeline.graph.connect("video.video", "snapshot.video", Bounds(items=32))
        pipeline.graph.connect("face.faces", "snapshot.faces", Bounds(items=32))

    overrides = {"pace": args.pace, "speech.quality": "balanced", **emotion_settings(args)}
    options = Options(folder=folder, formats=available(), overrides=overrides, overwrite=overwrite)
    code = transcribe([clip], options, look_on)
    if code != OK:
        return code
    if snapshot.save(picture, finals, emotions):
        note(f"a picture of the face and lips that were tracked: {picture}")
    print(NEXT.format(command=_command()))
    return OK


def _command() -> str:
    return "python main.py" if Path(sys.argv[0]).name == "main.py" else "lipstream"
