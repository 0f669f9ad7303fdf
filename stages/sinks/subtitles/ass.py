"""Advanced SubStation Alpha: subtitles with a style, made by pysubs2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.writer import CueWriter
from lipstream.stages.sinks.text import clean

if TYPE_CHECKING:
    from pysubs2 import SSAEvent, SSAStyle

_WIDTH, _HEIGHT = 1920, 1080
"""The picture that sizes are told in; players scale them to theirs."""
_SAFE = 0.05
"""Share of the picture at each edge that is left free (EBU R 95, graphics safe area)."""
_UNSAID = (170, 170, 170)
_STYLE = "Default"
_ESCAPES = str.maketrans({"{": "(", "}": ")", "\\": "\\\u2060"})
"""The format has no escapes: braces would hide what is in them, and a backslash may begin a line break."""


class AssWriter(CueWriter):
    """White letters with a black edge, centred at the bottom, within the safe area; `subtitles.font` and `.size`.

    Who speaks is in the field for names. With `subtitles.highlight_words` words light up as they are said.
    """

    def begin(self) -> None:
        """Write the head."""
        self.put(self._script([]))

    def record(self, cue: Cue, number: int) -> str:
        """A line of the script."""
        from pysubs2 import SSAEvent  # Here and below, because it loads slowly, and most runs have no use for it.

        voices = dict.fromkeys(voice for voice in cue.voices if voice is not None)
        name = "" if self.rules.speakers == "none" else " and ".join(clean(voice).replace(",", " ") for voice in voices)
        event = SSAEvent(start=cue.start, end=cue.end, style=_STYLE, name=name, text=self._text(cue))
        return self._script([event]).splitlines()[-1] + "\n"

    def _text(self, cue: Cue) -> str:
        if not (self.rules.highlight_words and cue.words):
            return "\\N".join(line.translate(_ESCAPES) for line in cue.lines)
        reached, lines = cue.start, []
        for row in cue.words:
            parts = []
            for word in row:
                begin = min(max(word.start, reached), cue.end)
                end = min(max(word.end, begin), cue.end)
                if begin > reached:
                    parts.append(_karaoke("", reached, begin))
                parts.append(_karaoke(word.text, begin, end))
                reached = end
            lines.append("".join(parts))
        return "\\N".join(lines)

    def _script(self, events: list[SSAEvent]) -> str:
        from pysubs2 import SSAFile

        script = SSAFile()
        script.info.update(PlayResX=str(_WIDTH), PlayResY=str(_HEIGHT), WrapStyle="2", ScaledBorderAndShadow="yes")
        script.styles = {_STYLE: _style(self.rules)}
        script.events = events
        return script.to_string("ass", header_notice="Lipstream")


def _style(rules: SubtitlesConfig) -> SSAStyle:
    from pysubs2 import Alignment, Color, SSAStyle

    size = rules.size * _HEIGHT / 100
    return SSAStyle(
        fontname=rules.font,
        fontsize=round(size),
        primarycolor=Color(255, 255, 255),
        secondarycolor=Color(*_UNSAID),
        outlinecolor=Color(0, 0, 0),
        backcolor=Color(0, 0, 0, 128),
        outline=round(size / 18, 1),
        shadow=0,
        alignment=Alignment.BOTTOM_CENTER,
        marginl=round(_SAFE * _WIDTH),
        marginr=round(_SAFE * _WIDTH),
        marginv=round(_SAFE * _HEIGHT),
    )


def _karaoke(text: str, start: int, end: int) -> str:
    """What lights up in its time, which is counted from what stands before it, in hundredths of a second."""
    return f"{{\\k{end // 10 - start // 10}}}{text.translate(_ESCAPES)}"
