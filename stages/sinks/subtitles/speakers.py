"""Who says a segment, as far as its event tells."""

from __future__ import annotations

from lipstream.events import TranscriptFinal


def speaker_of(final: TranscriptFinal) -> str | None:
    """What subtitles call whoever speaks; None where that is not known.

    A face is called by its number: that of its track, which is another one once the face was out of the picture.
    """
    if final.face is not None:
        return f"Face {final.face}"
    return "Off camera" if final.off_camera else None
