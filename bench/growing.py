"""What a profile that grows is worth, by minutes of use: word errors in babble, without any transcript to learn from.

    python bench/growing.py --data grid --voices voices [--minutes 3,5,10,20] [--quality fast] [--held-out 60]

The clips of one speaker (a folder laid out as for `lipstream eval speech`, with transcripts) are split by a shuffle of
seed 0: the last of them are held out. The others come one after the other, as clear speech comes in use; what
`live --grow` would keep of each is kept, and at each number of minutes of kept speech a profile is made of it and
tried on the clips held out, as they are and in babble of four voices. The transcripts are read for the trial alone.
Recordings are read through the stages of a file run; the choice of clean segments of a live run is not part of this.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from machine import describe

from lipstream.commands.networks.quiet_reading import QuietReading
from lipstream.commands.networks.speech_networks import other_voices, reader, teacher
from lipstream.commands.networks.steps import Steps
from lipstream.models.av_speech.enrolment.enrolment import Teacher
from lipstream.models.av_speech.enrolment.neighbours import Neighbours
from lipstream.models.av_speech.evaluation.conditions import (
    AUDIO_VISUAL,
    BACKBONE,
    Figures,
    Systems,
    Trial,
    evaluate,
    parse_conditions,
)
from lipstream.models.av_speech.lip_fusion import LipFusion
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.av_speech.recording import Recording
from lipstream.models.av_speech.training.corpora import Utterance, find_utterances
from lipstream.models.av_speech.training.features import cached_recordings
from lipstream.models.av_speech.training.growing.growth import Growth
from lipstream.models.av_speech.training.growing.keeper import SpeechKeeper
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech
from lipstream.models.training.progress import ProgressReport


def usable(
    utterances: list[Utterance], keeper: SpeechKeeper, minutes: float, work: Path, report: ProgressReport
) -> list[tuple[int, KeptSpeech]]:
    """What is kept of recordings, one after the other, until there is enough."""
    kept: list[tuple[int, KeptSpeech]] = []
    seconds, refused = 0.0, 0
    for batch in batches(utterances, keeper, work):
        for (utterance, recording), heard in zip(batch, keeper.read([each for _, each in batch]), strict=True):
            found = keeper.keep(recording, len(kept) + 1, heard)
            if isinstance(found, str):
                refused += 1
                continue
            kept.append((len(kept) + 1, found))
            seconds += found.seconds
            done = f"{refused} not kept, {utterance.name}"
            report("listening", min(int(seconds), int(60 * minutes)), int(60 * minutes), done)
            if seconds >= 60 * minutes:
                print(f"{seconds / 60:.1f} min kept in {len(kept)} stretches; {refused} clips were not sure enough")
                return kept
    return kept


def batches(
    utterances: list[Utterance], keeper: SpeechKeeper, work: Path
) -> Iterator[list[tuple[Utterance, Recording]]]:
    """Recordings that may teach, as many at a time as are read as one in use."""
    neighbours = Neighbours[tuple[Utterance, Recording]]()
    read = reader()
    for utterance in utterances:
        (recording,) = cached_recordings([utterance], read, work / "recordings", lambda *_: None)
        if keeper.unusable(recording) is not None:
            continue
        if full := neighbours.add((utterance, recording), len(recording.pcm)):
            yield full
    yield neighbours.take()


def main() -> None:
    """Keep, learn, and try, for one number of minutes after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--voices", type=Path, help="recordings of others for the trial; else made of read speech")
    parser.add_argument("--minutes", default="3,5,10,20")
    parser.add_argument("--quality", default="auto", help="whose text is learnt from, as of `lipstream enroll`")
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--snr", default="clean,0")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "lipstream-growing")
    arguments = parser.parse_args()
    print(describe())
    utterances = find_utterances(arguments.data)
    random.Random(0).shuffle(utterances)
    held, others = utterances[-arguments.held_out :], utterances[: -arguments.held_out]
    steps_of_minutes = [float(each) for each in arguments.minutes.split(",")]
    conditions = parse_conditions(arguments.snr, "babble4")
    teaching = QuietReading(arguments.quality).of(teacher())
    with Steps() as steps:
        keeper = SpeechKeeper(teaching.engine, other_voices(None, []), reader=teaching.reader)
        kept = usable(others, keeper, max(steps_of_minutes), arguments.work, steps.report)
        recordings = cached_recordings(held, reader(), arguments.work / "recordings", steps.report)
        voices = other_voices(arguments.voices, [])
        trials = [Trial(each, of.text or "", voices) for each, of in zip(recordings, held, strict=True)]
        for minutes in steps_of_minutes:
            networks = LipNetworks.untrained(0)
            growth = Growth(teaching, arguments.work / f"training_{minutes:g}", steps.report)
            accepted, judged = growth.run(first(kept, minutes), networks)
            save_networks(networks, arguments.work / f"grown_{minutes:g}.safetensors")
            figures = evaluate(trials, conditions, systems_with(networks, teaching), arguments.seeds, steps.report)
            show(minutes, accepted, judged, figures)


def first(kept: list[tuple[int, KeptSpeech]], minutes: float) -> list[tuple[int, KeptSpeech]]:
    """As much of it as there was after so many minutes."""
    part, seconds = [], 0.0
    for number, each in kept:
        part.append((number, each))
        seconds += each.seconds
        if seconds >= 60 * minutes:
            break
    return part


def systems_with(networks: LipNetworks, teaching: Teacher) -> Systems:
    """The recogniser alone, and with a profile."""
    fusion = LipFusion(lambda: networks)
    fusion.load()
    return Systems(teaching.engine, None, fusion)


def show(minutes: float, accepted: bool, judged: Figures, figures: Figures) -> None:
    """Print what a profile is worth."""
    told = [f"{name}: {rows[AUDIO_VISUAL]['wer']:.3f} of {rows[BACKBONE]['wer']:.3f}" for name, rows in judged.items()]
    print(f"{minutes:g} min, {'taken' if accepted else 'not taken'}; by itself it judged {', '.join(told)}")
    for name, rows in figures.items():
        print("   ", name, ", ".join(f"{system} {row['wer']:.3f}" for system, row in rows.items()), flush=True)


if __name__ == "__main__":
    main()
