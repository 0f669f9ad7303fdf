"""How languages write numbers, and which words of theirs may be part of one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How a language writes and says numbers.

    Attributes:
        point: the decimal mark.
        point_word: what is said for it.
        group: what stands between groups of three digits; empty where that is a space, which would part the word.
        percent: what is said for the percent sign.
        joints: words that join the words of a number, or begin how it goes on.
        articles: words for one that are part of a number before 100, 1000 or a million: "a" of "a hundred and five".
        ordinal_dot: whether "21." is "twenty-first".
        year_words: whether years are said otherwise than other numbers.
    """

    point: str
    point_word: str
    group: str
    percent: str
    joints: frozenset[str]
    articles: frozenset[str] = frozenset()
    ordinal_dot: bool = False
    year_words: bool = False


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


STYLES = {
    "en": NumberStyle(".", "point", ",", "percent", words("a and point o oh per"), words("a"), year_words=True),
    "de": NumberStyle(
        ",", "Komma", ".", "Prozent", words("und komma"), words("ein eine einer"), ordinal_dot=True, year_words=True
    ),
    "fr": NumberStyle(",", "virgule", "", "pour cent", words("et virgule point")),
    "es": NumberStyle(",", "coma", "", "por ciento", words("y coma punto con")),
    "it": NumberStyle(",", "virgola", ".", "per cento", words("e virgola punto")),
    "nl": NumberStyle(",", "komma", ".", "procent", words("en komma"), year_words=True),
    "pt": NumberStyle(",", "vírgula", ".", "por cento", words("e vírgula ponto")),
    "da": NumberStyle(",", "komma", ".", "procent", words("og komma"), ordinal_dot=True, year_words=True),
}
"""By language. Those that both libraries know."""

POINTS = words("point punto ponto komma virgule coma virgola vírgula")
"""What is said for decimal marks."""
LOOSE = words(
    "hundred hundreds thousand thousands hundert tausend cent cents mille cien ciento cientos mil miles cento mila "
    "honderd duizend cem hundrede tusind tusinde"
)
"""Words for 100 and 1000 that by themselves say "many" or stand after a number in digits: "a hundred", "2.5 mil"."""
MILLIONS = words(
    "million millions millionen milliarde milliarden milliard milliards billion billions billionen trillion trillions "
    "millón millones milione milioni miliardo miliardi miljoen miljard biljoen milhão milhões bilhão bilhões "
    "bilião biliões millioner milliarder"
)
"""Words for a million and more: they stay words after digits, as in "25 million"."""
