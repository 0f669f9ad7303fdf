"""Who reads with a profile, and what that is worth.

    python bench/profile_readers.py --data grid --profile s1 --clips held_out.txt --voices voices --snr=clean,10,5,0,-5

Word errors of clips of an enrolled user, as they are and among other voices: of the chosen recogniser without the
profile (general fusion softens other voices), of the profile's reading, and of both together as `file --profile` has
them (`models/speech/profile_reader.py`). Clips and mixtures are those of `lipstream eval speech`. Each clip is one
utterance. With --details every reading goes to a file as it comes, a JSON object a line.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lipstream.commands.networks.speech_networks import engine, fusion_of, other_voices, reader
from lipstream.config import load_config
from lipstream.models.av_speech.evaluation.conditions import (
    Condition,
    Trial,
    check_voices,
    heard_among,
    lip_samples,
    parse_conditions,
)
from lipstream.models.av_speech.evaluation.trials import chosen_clips, make_trials
from lipstream.models.av_speech.evaluation.word_errors import count_errors
from lipstream.models.av_speech.training.corpora import find_utterances
from lipstream.models.av_speech.training.features import cached_recordings
from lipstream.models.speech import recognisers
from lipstream.models.speech.engine import Float32, SpeechEngine
from lipstream.models.speech.fusion import FusedSpeech
from lipstream.models.speech.profile_reader import ProfileReader
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.stages.build import make_fusion

ALONE, PROFILE, TOGETHER = "the recogniser alone", "the profile alone", "together"


class Remembers(Recogniser):
    """A recogniser that reads an utterance whose sound it has read before no second time."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._known: tuple[Float32, Transcript] | None = None

    def load(self) -> None:
        """Load the recogniser."""
        self._recogniser.load()
        self.languages = self._recogniser.languages

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read, or remember."""
        if self._known is None or self._known[0] is not utterance.sound:
            self._known = utterance.sound, self._recogniser.recognise(utterance, hints)
        return self._known[1]


class Readers:
    """The three that are compared.

    Args:
        hears: the listener, loaded.
        profile: name of the profile.
        name: of the chosen recogniser.
        model: of it.
    """

    def __init__(self, hears: SpeechEngine, profile: str, name: str, model: str) -> None:
        self._hears = hears
        self._general = fusion_of(None, hears)
        self._enrolled = make_fusion(load_config("file", {"fusion.profile": profile, "speech.engine": name}), hears)
        self._enrolled.load()
        self._mine = Remembers(recognisers.create("moonshine", recognisers.TINY, 1, hears))
        self._chosen = Remembers(recognisers.create(name, model, 1, hears))
        self._both = ProfileReader(self._mine, self._chosen)
        self._both.load()

    def read(self, trial: Trial, sound: Float32) -> tuple[dict[str, Transcript], FusedSpeech]:
        """What each reads, and what the fusion of the profile made of the sound."""
        encoding, lips = self._hears.encode(sound), lip_samples(trial.recording.lips)
        softened, refined = (each.fuse(encoding, sound, lips) for each in (self._general, self._enrolled))
        seconds = len(sound) / 16_000
        plain = Utterance(sound if softened.sound is None else softened.sound, seconds, softened.encoding)
        mine = Utterance(sound, seconds, refined.encoding)
        readings = {
            ALONE: self._chosen.recognise(plain, Hints()),
            PROFILE: self._mine.recognise(mine, Hints()),
            TOGETHER: self._both.recognise(mine, Hints()),
        }
        return readings, refined


def readings(
    trials: list[Trial], names: list[str], conditions: list[Condition], readers: Readers
) -> Iterator[dict[str, Any]]:
    """What is read of each trial among each of the sounds, as JSON takes it."""
    for index, (name, trial) in enumerate(zip(names, trials, strict=True)):
        for condition in conditions:
            sound = heard_among(trial, condition, np.random.default_rng([0, index]))
            found, refined = readers.read(trial, sound)
            read = {
                who: {"text": each.text, "confidence": [round(word.confidence, 4) for word in each.words]}
                for who, each in found.items()
            }
            facts = {
                "others": refined.encoding.others,
                "lips": refined.gate is not None,
                "fused": found[TOGETHER].fused,
            }
            yield {"clip": name, "condition": str(condition), "said": trial.text, **facts, "read": read}
        print(f"\r{index + 1}/{len(trials)}", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="clips with transcripts, as of `eval speech`")
    parser.add_argument("--profile", required=True, metavar="NAME")
    parser.add_argument("--clips", type=Path, help="names of the clips to use, one a line")
    parser.add_argument("--voices", type=Path, help="recordings that make the babble")
    parser.add_argument("--snr", default="clean,10,5,0,-5")
    parser.add_argument("--noise", default="babble4")
    parser.add_argument("--engine", default="whisper", help="the chosen recogniser")
    parser.add_argument("--model", default="base")
    parser.add_argument("--cache", type=Path, default=Path("evaluation/recordings"), help="for what is read of clips")
    parser.add_argument("--details", type=Path, help="file for every reading")
    arguments = parser.parse_args()
    conditions = parse_conditions(arguments.snr, arguments.noise)
    clips = chosen_clips(find_utterances(arguments.data), arguments.data, arguments.clips)
    recordings = cached_recordings(clips, reader(), arguments.cache, lambda *_: None)
    voices = other_voices(arguments.voices, [each.sound for each in recordings])
    trials = make_trials(clips, recordings, voices)
    check_voices(trials, conditions)
    readers = Readers(engine(), arguments.profile, arguments.engine, arguments.model)
    said: dict[str, list[str]] = defaultdict(list)
    written: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    fused: Counter[str] = Counter()
    if arguments.details is not None:
        arguments.details.write_text("", encoding="utf-8")
    for line in readings(trials, [each.name for each in clips], conditions, readers):
        if arguments.details is not None:
            with arguments.details.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        said[line["condition"]].append(line["said"])
        fused[line["condition"]] += line["fused"]
        for who, each in line["read"].items():
            written[line["condition"]][who].append(each["text"])
    print(f"\n{'':14}" + "".join(f"{who:>22}" for who in (ALONE, PROFILE, TOGETHER)) + f"{'read by the profile':>22}")
    for condition, texts in said.items():
        rates = "".join(
            f"{count_errors(texts, written[condition][who]).rate:22.3f}" for who in (ALONE, PROFILE, TOGETHER)
        )
        print(f"{condition:14}{rates}{fused[condition] / len(texts):22.2f}")


if __name__ == "__main__":
    main()
