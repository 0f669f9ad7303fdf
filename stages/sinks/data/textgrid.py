"""Annotations for Praat (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from praatio.data_classes.interval_tier import IntervalTier
from praatio.data_classes.textgrid import Textgrid
from praatio.utilities.constants import Interval as Labelled

from lipstream.stages.sinks.data.annotation_writer import AnnotationWriter
from lipstream.stages.sinks.data.tiers import Interval


class TextGridWriter(AnnotationWriter):
    """A TextGrid in the long format, in UTF-8; what is between two annotations is an empty one, as Praat wants it."""

    def save(self, tiers: Mapping[str, list[Interval]], duration: int, file: BinaryIO) -> None:
        """See `AnnotationWriter.save`."""
        seconds = duration / 1000
        grid = Textgrid(0, seconds)
        for name, intervals in tiers.items():
            labelled = [Labelled(each.start / 1000, each.end / 1000, each.text) for each in intervals]
            grid.addTier(IntervalTier(name, labelled, 0, seconds))
        # The file that is open: the library takes no other than a name.
        grid.save(str(self.made), "long_textgrid", includeBlankSpaces=True, minimumIntervalLength=0.0005)
