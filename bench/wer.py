"""Word error rate of the sound path beside moonshine-voice's own Transcriber, on the same files and model.

    python bench/wer.py [--data DIR]

Without --data: the five LibriVox clips of the pocketsphinx source package, and two_cities.wav and beckett.wav of the
Moonshine package against the books they read from. With --data: a folder of NAME.wav (or any media) with NAME.txt.
Both texts go through the Whisper English normaliser. Rows: Lipstream as `file` runs it, Lipstream with partials on (so
that early stable words are forced on the final), and the peer streaming the same sound.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import jiwer
from clips import librivox, read_audio
from machine import describe
from peer import transcribe
from whisper_normalizer.english import EnglishTextNormalizer

from lipstream import Pipeline
from lipstream.events import TranscriptFinal
from lipstream.models.assets import resolve

TWO_CITIES = """It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of
foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season
of Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing before
us, we were all going direct to Heaven, we were all going direct the other way - in short, the period was so far like
the present period, that some of its noisiest authorities insisted on its being received, for good or for evil, in the
superlative degree of comparison only."""
"""Charles Dickens, A Tale of Two Cities, 1859; public domain."""
BECKETT = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
"""The sentence read in beckett.wav."""


def lipstream(path: Path, partials: str) -> str:
    """The transcript of a file."""
    pipeline = Pipeline.from_config(
        "file", input=str(path), video={"enabled": False}, **{"speech.partials": partials, "events.stats_interval": 0}
    )
    return " ".join(event.text for event in pipeline.events() if isinstance(event, TranscriptFinal))


def clips(data: Path | None) -> list[tuple[Path, str]]:
    """Recordings with their reference texts."""
    if data is None:
        own = [(resolve("media/two_cities.wav"), TWO_CITIES), (resolve("media/beckett.wav"), BECKETT)]
        return [*librivox(), *own]
    texts = sorted(data.glob("*.txt"))
    return [
        (media, text.read_text(encoding="utf-8"))
        for text in texts
        for media in sorted(data.glob(f"{text.stem}.*"))
        if media != text
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of recordings with a NAME.txt each")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every transcript")
    arguments = parser.parse_args()
    print(describe())
    systems: dict[str, Callable[[Path], str]] = {
        "Lipstream": lambda path: lipstream(path, "off"),
        "Lipstream, partials on": lambda path: lipstream(path, "on"),
        "moonshine-voice 0.1.0": lambda path: transcribe(read_audio(path), realtime=False).text,
    }
    normalise = EnglishTextNormalizer()
    recordings = clips(arguments.data)
    references = [normalise(text) for _, text in recordings]
    print(f"{len(recordings)} recordings, {sum(len(text.split()) for text in references)} words")
    for name, system in systems.items():
        texts = [system(path) for path, _ in recordings]
        if arguments.verbose:
            print("\n".join(f"    {path.name}: {text}" for (path, _), text in zip(recordings, texts, strict=True)))
        measures = jiwer.process_words(references, [normalise(text) for text in texts])
        print(
            f"{name:24} WER {100 * measures.wer:5.2f} %   substitutions {measures.substitutions:3}   "
            f"deletions {measures.deletions:3}   insertions {measures.insertions:3}"
        )


if __name__ == "__main__":
    main()
