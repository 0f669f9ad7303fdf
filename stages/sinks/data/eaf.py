"""Annotations for ELAN (https://archive.mpi.nl/tla/elan)."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pympi.Elan import Eaf, to_string

from lipstream.stages.sinks.data.annotation_writer import AnnotationWriter
from lipstream.stages.sinks.data.tiers import Interval
from lipstream.stages.sinks.text import clean


class EafWriter(AnnotationWriter):
    """An annotation document with a tier for each kind, linked to the recording by its address and beside the file."""

    def save(self, tiers: Mapping[str, list[Interval]], duration: int, file: BinaryIO) -> None:
        """See `AnnotationWriter.save`."""
        document = Eaf(author="Lipstream")
        document.remove_tier("default")
        self._link(document)
        for name, intervals in tiers.items():
            document.add_tier(name)
            for each in intervals:
                document.add_annotation(name, each.start, each.end, each.text)
        file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n' + to_string(document, encoding="UTF-8"))

    def _link(self, document: Eaf) -> None:
        source = Path(self.source)
        if not self.source or not source.is_file():
            return
        kind = mimetypes.guess_type(source.name)[0] or "application/octet-stream"
        document.add_linked_file(clean(source.resolve().as_uri()), f"./{clean(source.name)}", kind)
