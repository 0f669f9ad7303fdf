"""TTML for broadcasters: IMSC 1.1 text profile (https://www.w3.org/TR/ttml-imsc1.1/), made by ttconv."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING

from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.writer import CueWriter

if TYPE_CHECKING:
    from ttconv.model import ContentDocument, Region

_PROFILE = "http://www.w3.org/ns/ttml/profile/imsc1.1/text"
_SAFE = 10
"""Hundredths of the picture at each edge that are left free (EBU R 95, text safe area)."""
_ROW = 100 / 15
"""Height of a row of letters that sizes are told in, in hundredths of the picture's."""
_NO_CHARACTERS = str.maketrans({"\ufffe": "\ufffd", "\uffff": "\ufffd"})
"""What XML cannot hold."""


class TtmlWriter(CueWriter):
    """White letters with a black edge, centred at the bottom; `subtitles.font` and `.size`; plain text."""

    def begin(self) -> None:
        """Write the head."""
        self.put(self._around[0])

    def record(self, cue: Cue, number: int) -> str:
        """A paragraph."""
        document = self._document(cue)
        before, after = self._around
        return document[len(before) : len(document) - len(after)] + "\n"

    def ending(self) -> str:
        """What closes the document."""
        return self._around[1]

    @cached_property
    def _around(self) -> tuple[str, str]:
        """What stands before the paragraphs, and behind them."""
        document = self._document(Cue(0, 1, ("x",)))
        begin, end = document.index("<p "), document.index("</p>") + len("</p>")
        return document[:begin], document[end:]

    def _document(self, cue: Cue) -> str:
        return _document(self.rules.font, self.rules.size, self.language, cue)


def _document(font: str, size: float, language: str, cue: Cue) -> str:
    from ttconv import model
    from ttconv.imsc import config, writer

    document = model.ContentDocument()
    document.set_content_profiles({_PROFILE})
    document.set_lang(language)
    region = _region(document, font, size)
    body, div = model.Body(document), model.Div(document)
    body.set_region(region)
    body.push_child(div)
    document.set_body(body)
    paragraph = model.P(document)
    paragraph.set_begin(Fraction(cue.start, 1000))
    paragraph.set_end(Fraction(cue.end, 1000))
    for index, line in enumerate(cue.lines):
        if index:
            paragraph.push_child(model.Br(document))
        span = model.Span(document)
        span.push_child(model.Text(document, line.translate(_NO_CHARACTERS)))
        paragraph.push_child(span)
    div.push_child(paragraph)
    text = StringIO()
    signalled = config.IMSCWriterConfiguration(profile_signaling=config.ContentProfilesSignaling.CONTENT_PROFILES)
    writer.from_model(document, signalled).write(text, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text.getvalue()}\n'


def _region(document: ContentDocument, font: str, size: float) -> Region:
    from ttconv import model
    from ttconv import style_properties as style

    def hundredths(value: float) -> style.LengthType:
        return style.LengthType(value, style.LengthType.Units.pct)

    region = model.Region("bottom", document)
    white, black = style.NamedColors.white.value, style.NamedColors.black.value
    free = 100 - 2 * _SAFE
    properties = style.StyleProperties
    for name, value in (
        (properties.Origin, style.CoordinateType(x=hundredths(_SAFE), y=hundredths(_SAFE))),
        (properties.Extent, style.ExtentType(height=hundredths(free), width=hundredths(free))),
        (properties.DisplayAlign, style.DisplayAlignType.after),
        (properties.TextAlign, style.TextAlignType.center),
        (properties.FontFamily, (font, style.GenericFontFamilyType.sansSerif)),
        (properties.FontSize, hundredths(round(100 * size / _ROW))),
        (properties.LineHeight, hundredths(125)),
        (properties.Color, white),
        (properties.TextOutline, style.TextOutlineType(hundredths(5), black)),
    ):
        region.set_style(name, value)
    document.put_region(region)
    return region
