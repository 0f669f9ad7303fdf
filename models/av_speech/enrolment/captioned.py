"""Plain transcripts in the spelling of captions, which is what the decoder writes."""

from __future__ import annotations


def captioned(text: str) -> str:
    """A transcript as a caption: "bin blue at f two now" becomes "Bin blue at F two now.", with its full stop.

    What has capitals or a full stop of its own stays as it is.
    """
    text = " ".join(text.split())
    if not text or text != text.lower() or text[-1] in ".?!":
        return text
    sentence = " ".join(_with_capitals(word) for word in text.split())
    return sentence[0].upper() + sentence[1:] + "."


def _with_capitals(word: str) -> str:
    spelled = len(word) == 1 and word != "a"
    return word.capitalize() if spelled or word.startswith("i'") else word
