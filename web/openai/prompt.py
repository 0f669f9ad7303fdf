"""The names and phrases in a prompt."""

from __future__ import annotations

import re
from typing import Final

LONGEST_TERM: Final = 5
"""Words of a piece of the prompt beyond which it is a sentence, and no term."""
# A colon or full stop within a word or number ("3:1", "3.5") parts nothing.
_BREAK: Final = re.compile(r"[,;\n]|[.!?:](?=\s|$)|[。、，；：！？]")
_TITLES: Final = "Dr|Mr|Mrs|Ms|Prof|St|Ste|Mt|Ft|Fr|Sr|Jr|Rev|Hon|Gen|Col|Maj|Capt|Lt|Sgt|Sen|Rep|Gov|Mme|Mlle|vs"
_ABBREVIATED: Final = re.compile(rf"(?:^|[\s(\"“])(?:(?i:{_TITLES})|[A-ZÀ-Þ]|[^\W\d_](?:\.[^\W\d_])+)$")
"""Ends with what has a full stop of its own: a title, an initial, or letters such as U.S and e.g."""
_LONGEST_ABBREVIATION: Final = 12
_LISTED: Final = """
a about after again all also am an and any are as at be because been before being but by can could did do does
done down each etc even every few first for from get go good got had has have he hello her here hers hey hi him
his how i if in into is it its just know last like look made make many maybe me might more most much must my
never new next no not nothing now of off oh ok okay old on one only or other our out over own people please right
said same say see she should so some something soon still such sure take than thank thanks that the their them
then there these they thing things think this those three time to today tomorrow too two under until up us very
was way we welcome well were what when where which while who why with would yeah yes yet you your yours
"""
_EVERYDAY: Final = frozenset(_LISTED.split())
"""Everyday English words: a recogniser knows them, and to expect them would put them where something else is said."""


def terms_of(prompt: str) -> list[str]:
    """The names and phrases in a prompt.

    They stand between commas, semicolons, ends of sentences, colons before a space, or in lines of their own. A piece
    of more than five words is a sentence, which tells the style and nothing to be expected here; a piece that is one
    everyday word tells nothing either.
    """
    pieces, begun = [], 0
    for found in _BREAK.finditer(prompt):
        # The last word alone is looked at: a prompt may be long, and nothing but initials.
        word = prompt[max(begun, found.start() - _LONGEST_ABBREVIATION) : found.start()]
        if found[0] == "." and _ABBREVIATED.search(word):
            continue
        pieces.append(prompt[begun : found.start()])
        begun = found.end()
    pieces.append(prompt[begun:])
    named = (" ".join(piece.split()) for piece in pieces)
    return list(dict.fromkeys(name for name in named if _is_term(name)))


def _is_term(piece: str) -> bool:
    words = piece.split()
    everyday = len(words) == 1 and piece.casefold().strip(".") in _EVERYDAY
    return any(map(str.isalnum, piece)) and len(words) <= LONGEST_TERM and not everyday
