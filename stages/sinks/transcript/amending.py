"""What is said in the JSON of a run, and who speaks: segments, totals; and what was put right after it was told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lipstream.events import TranscriptFinal
from lipstream.stages.sinks.noted import event_of
from lipstream.stages.sinks.speakers import SpeakerBook
from lipstream.stages.sinks.text import json_text


def segment_of(final: TranscriptFinal) -> dict[str, Any]:
    """A segment as it is in the JSON."""
    words = [
        {
            "word": word.word,
            "start": round(word.start, 3),
            "end": round(word.end, 3),
            "confidence": round(word.confidence, 3),
            "lip_gate": round(word.lip_gate, 3),
            "speaker": word.speaker,
        }
        for word in final.words
    ]
    return {
        "start": round(final.start, 3),
        "end": round(final.end, 3),
        "text": final.text,
        "face": final.face,
        "off_camera": final.off_camera,
        "language": final.language,
        "speaker": final.speaker,
        "speaker_name": final.speaker_name,
        "overlaps": final.overlaps,
        "words": words,
    }


@dataclass(slots=True)
class _Total:
    seconds: float = 0.0
    words: int = 0
    faces: dict[int, float] = field(default_factory=dict)


class SpeakerTotals:
    """How much each speaker says, and with which faces."""

    def __init__(self) -> None:
        self._totals: dict[int, _Total] = {}

    def add(self, final: TranscriptFinal) -> None:
        """Count the words of a segment."""
        for word in final.words:
            if word.speaker is None:
                continue
            total = self._totals.setdefault(word.speaker, _Total())
            length = max(0.0, word.end - word.start)
            total.seconds += length
            total.words += 1
            if final.face is not None and word.speaker == final.speaker:
                total.faces[final.face] = total.faces.get(final.face, 0.0) + length

    def of_face(self, face: int) -> int | None:
        """The speaker who has said most with a face; None if it has said nothing."""
        shares = {number: total.faces[face] for number, total in self._totals.items() if face in total.faces}
        return max(shares, key=lambda number: shares[number]) if shares else None

    def records(self, book: SpeakerBook) -> list[dict[str, Any]]:
        """One for each speaker, as in the JSON. A face is its speaker's who has said most with it."""
        return [
            {
                "id": number,
                "name": book.names.get(number),
                "seconds": round(total.seconds, 3),
                "words": total.words,
                "faces": sorted(face for face in total.faces if self.of_face(face) == number),
            }
            for number, total in sorted(self._totals.items())
        ]


class AmendedJson:
    """The JSON of a run, line by line, with texts, speakers and signs as they are known at the end.

    Args:
        book: what is known.
        numbers: of the segments, in their order.
    """

    def __init__(self, book: SpeakerBook, numbers: Sequence[int]) -> None:
        self._book = book
        self._numbers = iter(numbers)
        self._totals = SpeakerTotals()

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        """Every record stands on a line of its own."""
        section = ""
        for line in lines:
            if not line.startswith("    {"):
                if line.startswith('  "'):
                    section = line.split('"')[1]
                if section == "speakers" and line.startswith('  "speakers": ['):
                    records = self._totals.records(self._book)
                    yield '  "speakers": [' + ",".join(f"\n    {json_text(record)}" for record in records)
                    # What follows the bracket, where the list was empty.
                    rest = line.removeprefix('  "speakers": [')
                    yield (
                        ("\n" if rest.strip() == "" else "")
                        + ("\n  " if records and rest.strip() else "")
                        + rest.lstrip("\n")
                    )
                else:
                    yield line
                continue
            if section == "speakers":
                continue
            yield self._record(section, line)

    def _record(self, section: str, line: str) -> str:
        text = line.strip()
        comma = "," if text.endswith(",") else ""
        if section == "segments":
            return f"    {json_text(self._segment(json.loads(text.rstrip(','))))}{comma}\n"
        if section == "emotions":
            record = json.loads(text.rstrip(","))
            number = None if record["face"] is None else self._totals.of_face(record["face"])
            return f"    {json_text({**record, 'speaker': number or record['speaker']})}{comma}\n"
        return line

    def _segment(self, record: Mapping[str, Any]) -> dict[str, Any]:
        final = event_of({"event": "TranscriptFinal", "segment": next(self._numbers), **record})
        assert isinstance(final, TranscriptFinal)
        final = self._book.amended(final)
        self._totals.add(final)
        return segment_of(final)
