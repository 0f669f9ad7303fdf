"""Do something when a phrase is said, whatever its case and punctuation, also if a pause cuts it into two captions.

python examples/on_phrase.py "next slide please" [FILE]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import deque
from collections.abc import Callable

from lipstream import Pipeline
from lipstream.events import TranscriptFinal
from lipstream.pipeline import UserError

LONGEST_PAUSE = 2.0
"""Seconds between two words that are still one phrase."""


def plain(text: str) -> list[str]:
    """The words of a text, without what a listener cannot hear: "Today, it's" is ["today", "it's"]."""
    return re.findall(r"\w+(?:'\w+)*", text.casefold().replace("\u2019", "'"))


class PhraseListener:
    """Calls a function with the time, in seconds, at which a phrase begins, once for each time it is said."""

    def __init__(self, phrase: str, said: Callable[[float], None]) -> None:
        self.phrase = plain(phrase)
        self.said = said
        self.heard: deque[tuple[str, float, float]] = deque(maxlen=len(self.phrase))

    def __call__(self, event: TranscriptFinal) -> None:
        """Listen on."""
        for timed in event.words:
            if self.heard and timed.start - self.heard[-1][2] > LONGEST_PAUSE:
                self.heard.clear()
            for word in plain(timed.word):
                self.heard.append((word, timed.start, timed.end))
                if [heard for heard, _, _ in self.heard] == self.phrase:
                    self.said(self.heard[0][1])
                    self.heard.clear()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="React to a phrase.")
    parser.add_argument("phrase", type=lambda text: text if plain(text) else parser.error("the phrase has no words"))
    parser.add_argument("file", nargs="?", help="a recording (default: microphone and camera)")
    args = parser.parse_args()
    try:
        run = Pipeline.from_config("file", input=args.file) if args.file else Pipeline.from_config("live")
        run.on(TranscriptFinal, PhraseListener(args.phrase, lambda at: print(f"said at {at:.2f} s", flush=True)))
        run.run()
    except UserError as error:
        sys.exit(f"error: {error}")
