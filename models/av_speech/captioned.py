"""Plain transcripts in the spelling of captions, which is what the decoder writes."""

from __future__ import annotations


def captioned(text: str) -> str:
    """A transcript as a caption: "bin blue at f two now" becomes "Bin blue at F two now."

    What has capitals or a full stop of its own stays as it is.
    """
    text = " ".join(text.split())
    if not text or text != text.lower() or text[-1] in ".?!":
        return text
    words = [word.upper() if (len(word) == 1 and word != "a") or word.startswith("i'") else word for word in text.split()]
    sentence = " ".join(words)
    return sentence[0].upper() + sentence[1:] + "."
