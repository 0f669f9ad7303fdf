"""Arguments that several verbs share, and how help is laid out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from lipstream.plugins import WRITERS

Run = Callable[[argparse.Namespace], int]

DEFAULT_FORMATS = "txt,srt,json,emotion.csv"
FORMATS_HELP = (
    f"{', '.join(WRITERS.built_in)}, several with commas between; all for those that need nothing else, features for "
    "both of features; and what plug-ins bring, which `lipstream doctor` lists"
)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Shows the default of every option that has one, and leaves examples as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        shown = action.default not in (None, False, [], argparse.SUPPRESS) and action.option_strings
        return f"{action.help} (default: %(default)s)" if shown else action.help


class VersionAction(argparse.Action):
    """Prints the version; finding it out is put off until somebody asks."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it and exit."""
        from lipstream.version import version

        print(f"lipstream {version()}")
        parser.exit()


def add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, example: str, run: Run
) -> argparse.ArgumentParser:
    """Add a verb (or a verb of a verb) to a parser.

    Args:
        verbs: where to add it.
        name: what the user types.
        summary: one line on what it does.
        example: command lines shown at the end of its help, one or more lines.
        run: called with the parsed arguments; returns the exit code.
    """
    lines = "\n".join(f"  {line}" for line in example.splitlines())
    parser = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n{lines}",
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run, verbose=False)
    return parser


def add_config_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --config, --set and --trace."""
    parser.add_argument(
        "--config", metavar="NAME|PATH", default=default, help="configuration, by name or as a YAML file"
    )
    add_set_argument(parser)
    parser.add_argument(
        "--trace", metavar="FILE", type=Path, help="record where the time goes, for https://ui.perfetto.dev"
    )


def add_set_argument(parser: argparse._ActionsContainer) -> None:
    """Add --set."""
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change one setting, such as vad.threshold=0.6; may be given several times",
    )


def add_output_argument(parser: argparse.ArgumentParser) -> None:
    """Add --output."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("."),
        help="folder for the outputs, which are called like the input",
    )


def add_overwrite_argument(parser: argparse.ArgumentParser) -> None:
    """Add --overwrite."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are there already, which is refused otherwise"
    )


def add_emotion_argument(parser: argparse.ArgumentParser) -> None:
    """Add --no-emotion."""
    parser.add_argument("--no-emotion", action="store_true", help="do not judge emotions; nothing is loaded for them")


def add_profile_argument(parser: argparse.ArgumentParser) -> None:
    """Add --profile."""
    parser.add_argument("--profile", metavar="NAME", help="enrolled user, whose lips help the recogniser")


def add_words_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --quality, --language and --translate."""
    parser.add_argument(
        "--quality",
        choices=("auto", "fast", "balanced", "best"),
        help="how good the words are to be, for how much work (default: the configuration's, auto)",
    )
    parser.add_argument(
        "--language",
        metavar="CODE",
        help="language spoken: en, de, fr, ..., or auto (default: the configuration's, auto)",
    )
    parser.add_argument("--translate", action="store_true", help="write English, whatever language is spoken")


def words_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --quality, --language and --translate stand for."""
    chosen: dict[str, object] = {}
    if args.quality is not None:
        chosen["speech.quality"] = args.quality
    if args.language is not None:
        chosen["speech.language"] = args.language
    if args.translate:
        chosen["speech.task"] = "translate"
    return chosen


def add_name_language_argument(parser: argparse.ArgumentParser) -> None:
    """Add --name-language."""
    parser.add_argument(
        "--name-language",
        action="store_true",
        help="put the language into the names of txt, srt, vtt and tsv, as in talk.de.srt",
    )


def name_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --name-language stands for."""
    return {"outputs.name_language": True} if args.name_language else {}


def add_modality_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --no-video and --no-audio."""
    parser.add_argument("--no-video", action="store_true", help="do not look at the picture")
    parser.add_argument("--no-audio", action="store_true", help="do not listen to the sound")


def modality_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --no-video and --no-audio stand for."""
    chosen: dict[str, object] = {}
    if args.no_video:
        chosen["video.enabled"] = False
    if args.no_audio:
        chosen["audio.enabled"] = False
    return chosen


_SAID_BY_THE_VERB = {
    "mode": "it is what the verb says, lipstream file or lipstream live",
    "input": "recordings are named behind lipstream file",
}


def settings(assignments: Sequence[str]) -> dict[str, object]:
    """Read --set arguments.

    Raises:
        ConfigError: one is no assignment, or of what the verb itself says.
    """
    from lipstream.config import parse_assignment
    from lipstream.pipeline.errors import ConfigError

    found = dict(parse_assignment(text) for text in assignments)
    for key, said in _SAID_BY_THE_VERB.items():
        if key in found:
            raise ConfigError(f"'{key}' cannot be set here: {said}")
    return found


def add_recording_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all that `recording_settings` reads, but for --set."""
    add_modality_arguments(parser)
    add_profile_argument(parser)
    add_words_arguments(parser)
    add_emotion_argument(parser)
    add_vtt_emotion_argument(parser)
    add_subtitle_arguments(parser)
    add_landmarks_argument(parser)


def recording_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that all options for recordings stand for, --set among them.

    Raises:
        ConfigError: a --set is no assignment.
    """
    given = settings(args.settings)
    chosen = emotion_settings(args) | profile_settings(args) | words_settings(args) | subtitle_settings(args)
    landmarks = {"face.landmarks": True} if args.landmarks else {}
    return given | chosen | modality_settings(args) | landmarks


def profile_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --profile stands for."""
    return {} if args.profile is None else {"fusion.profile": args.profile}


MARKS = ("dash", "names", "none")
"""How subtitles mark speakers."""
MOST_SPEAKERS = 50
"""As in the configuration, which takes its time to load."""


def _speakers(text: str) -> int | str:
    plain = text.strip().lower()
    if plain == "auto" or plain in MARKS:
        return plain
    if plain.isascii() and plain.isdecimal() and 1 <= int(plain) <= MOST_SPEAKERS:
        return int(plain)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of people, expected 1 to {MOST_SPEAKERS}, or auto")


def add_subtitle_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says how cues are cut and marked."""
    group = parser.add_argument_group("subtitles", "What is not given is as the configuration has it, under subtitles.")
    for option, metavar, kind, text in (
        ("--max-chars", "N", int, "most characters in a line; wide ones count as two (42)"),
        ("--max-lines", "N", int, "most lines in a cue (2)"),
        ("--max-cps", "N", float, "most characters a second, as far as pauses allow (17)"),
        ("--min-duration", "SECONDS", float, "how long a cue stays at least, where there is room (0.833)"),
        ("--max-duration", "SECONDS", float, "how long a cue stays at most (7)"),
        ("--gap", "SECONDS", float, "least time between two cues (0.083)"),
        ("--shift", "SECONDS", float, "move all cues to later, or with a minus to sooner"),
        (
            "--caption-size",
            "PERCENT",
            float,
            "height of letters in ass and --render, of the picture's (5.5)",
        ),
    ):
        group.add_argument(option, metavar=metavar, type=kind, help=text)
    group.add_argument(
        "--speaker-marks",
        choices=MARKS,
        help="mark speakers with a dash where they change within a cue, by name where they change, or not (dash)",
    )
    group.add_argument(
        "--speakers",
        metavar="N|auto",
        type=_speakers,
        help="how many people speak, where that is known (auto); dash, names and none are taken as --speaker-marks",
    )
    group.add_argument("--no-speakers", action="store_true", help="do not tell speakers apart")
    group.add_argument("--no-sound-marks", action="store_true", help="leave sounds such as [applause] out")
    group.add_argument(
        "--highlight-words", action="store_true", help="mark the word that is being said, in vtt and ass (karaoke)"
    )


def add_vtt_emotion_argument(parser: argparse.ArgumentParser) -> None:
    """Add --vtt-emotion."""
    parser.add_argument(
        "--vtt-emotion",
        action="store_true",
        help="mark the cues of vtt with the emotion they were said with, as in <c.happy>...</c>",
    )


def add_landmarks_argument(parser: argparse.ArgumentParser) -> None:
    """Add --landmarks."""
    parser.add_argument(
        "--landmarks", action="store_true", help="with -f features: all 478 landmarks of each face, in 1434 columns"
    )


def subtitle_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that the options of subtitles stand for."""
    names = ("max_chars", "max_lines", "max_cps", "min_duration", "max_duration", "gap", "shift")
    chosen: dict[str, object] = {
        f"subtitles.{name}": value for name in names if (value := getattr(args, name)) is not None
    }
    if args.speakers is not None:
        chosen["subtitles.speakers" if args.speakers in MARKS else "speakers.count"] = args.speakers
    if args.speaker_marks is not None:
        chosen["subtitles.speakers"] = args.speaker_marks
    if args.no_speakers:
        chosen["speakers.enabled"] = False
    if args.caption_size is not None:
        chosen["subtitles.size"] = args.caption_size
    if args.no_sound_marks:
        chosen["subtitles.sounds"] = False
    return {**chosen, "subtitles.highlight_words": True} if args.highlight_words else chosen


def emotion_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --no-emotion stands for."""
    return {"emotion.enabled": False} if args.no_emotion else {}


def add_device_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --device.

    Args:
        parser: the verb's.
        what: what is trained there.
    """
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        help=f"where to train {what}; if not given, on a CUDA GPU where torch finds one, else on the processor",
    )


def add_verbosity_arguments(parser: argparse.ArgumentParser) -> None:
    """Add -q and -v."""
    verbosity = parser.add_mutually_exclusive_group()
    verbosity.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    verbosity.add_argument("-v", "--verbose", action="store_true", help="log what happens, with tracebacks of failures")
