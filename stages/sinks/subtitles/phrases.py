"""How bad it is to part two words: where phrases end, and what belongs together.

After the BBC Subtitle Guidelines ("Break at natural points": sentence, clause, phrase) and the Netflix Timed Text Style
Guide, General Requirements, 4 ("Line Treatment": after punctuation, before conjunctions and prepositions; not between
article and noun, nor first and last name).
"""

from __future__ import annotations

import re
import unicodedata

from lipstream.models.speech.spacing import UNSPACED
from lipstream.stages.sinks.subtitles.width import is_wide

SENTENCE, CLAUSE, PHRASE, WORD, HANGING, BOUND = 0.0, 0.4, 0.8, 1.5, 2.4, 8.0
"""Cost of a cut behind a sentence, behind a clause, before a phrase, between any two words, behind a word that leads up
to the next, and within a number or a name."""

_SENTENCE_END = tuple(".?!…。！？｡؟۔।॥։።፧။។\u037e")
_CLAUSE_END = tuple(",;:—–、，；：،؛፣፤·")
_QUOTES = "\"'”’»)]」』）】"
_CLOSING = frozenset("、。，．・：；？！｡」』）】〕〉》”’ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々")
"""What no line of Japanese or Chinese begins with (JIS X 4051, "kinsoku")."""
_OPENING = frozenset("「『（【〔〈《“‘")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE = {
    "en": _words(
        "and but or nor so yet because although though while when where which who that if than unless until as "
        "in on at by for from of to with into onto over under about after before between through without"
    ),
    "de": _words(
        "und aber oder denn weil obwohl während wenn als dass ob bis damit sondern "
        "in im an am auf bei mit von vom zu zum zur für über unter nach vor durch ohne gegen um aus seit zwischen"
    ),
    "fr": _words(
        "et mais ou donc car parce quand lorsque qui que dont où si comme puisque "
        "à au aux de du des en dans par pour avec sans sur sous vers chez entre depuis après avant"
    ),
    "es": _words(
        "y e pero o u porque aunque cuando donde que quien si como mientras "
        "a al de del en con por para sin sobre entre hasta desde hacia según tras"
    ),
    "it": _words(
        "e ed ma o perché quando dove che chi se come mentre a al di del della in con per su tra fra da senza"
    ),
    "pt": _words("e mas ou porque quando onde que quem se como enquanto a ao de do da em no na com por para sem sobre"),
    "nl": _words(
        "en maar of want omdat hoewel terwijl als dat die toen in op aan bij met van voor naar uit over onder"
    ),
}
"""Words before which a phrase ends: conjunctions and prepositions, by language."""
_LEADING = {
    "en": _words(
        "a an the my your his her its our their this that these those of to in on at by for from with very "
        "mr mrs ms dr prof is are was were will would can could i we he she they"
    ),
    "de": _words(
        "der die das den dem des ein eine einen einem einer mein dein sein ihr unser kein im am zu von mit für sehr"
    ),
    "fr": _words(
        "le la les un une des du de à au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur ce cette très"
    ),
    "es": _words("el la los las un una unos unas de del a al mi mis tu tus su sus este esta en con por para muy"),
    "it": _words("il lo la i gli le un uno una di del della a al da in con su mio tuo suo nostro questo questa molto"),
    "pt": _words("o a os as um uma de do da dos das em no na meu minha seu sua nosso este esta com por para muito"),
    "nl": _words("de het een mijn jouw zijn haar ons onze hun deze dit van in op aan met voor naar te zeer"),
}
"""Words that lead up to the next: articles, prepositions and the like, by language."""
_NONE: frozenset[str] = frozenset()
_TITLES = _words(
    "mr mrs ms dr prof st sir lady lord president king queen herr frau señor señora monsieur madame "
    "sr sra srta gen sen gov rep lt col capt sgt mt mag ing vs ca bzw nr"
)
_LETTERS_WITH_STOPS = re.compile(r"(?:[^\W\d_]\.){2,}")
"""`U.S.`, `p.m.`, `z.B.`: their last full stop says little."""
_ORDINAL = re.compile(r"\d{1,2}\.")
_WITH_ORDINALS = _words("de da no nb nn fi et cs sk sl hr sr bs hu pl lv is tr")
"""Languages in which a full stop behind a number makes it an ordinal: `am 21. Juli`."""
_PARTICLES = _words("van von de der den da di du la le bin ibn al del dos ter")
_COUNTED = _words("no nr chapter page room figure table number section part step kapitel seite chapitre")
_NUMBERS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion "
    "point"
)
_MONTHS = _words(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec januar februar märz mai juni juli oktober dezember"
)
_SCALES = _MONTHS | _words(
    "hundred thousand million millions billion billions trillion percent per cent % ‰ ° °c °f am pm a.m p.m "
    "tausend millionen milliarde milliarden prozent uhr mille milliard milliards pour mil millón millones "
    "mg g kg mm cm m km ml l s ms min h hz khz mhz ghz kb mb gb tb eur usd dollars euros pounds euro dollar $ € £ ¥"
)
_DIGITS = re.compile(r"\d")


def ends_sentence(text: str) -> bool:
    """Whether a word is the last of its sentence, by its punctuation."""
    bare = text.rstrip(_QUOTES)
    return bare.endswith(_SENTENCE_END) and not _is_title(text) and not _LETTERS_WITH_STOPS.fullmatch(_inner(bare))


def _parts_sentences(before: str, after: str, language: str | None) -> bool:
    """Whether one sentence ends and another begins between two words."""
    first = _inner(after)[:1]
    if first.islower():
        return False
    if language == "el" and before.endswith(";"):
        return True
    # Of a word that begins many a sentence it is its capital that is to be believed.
    usual = _plain(after) in _words_before(language) | _LEADING.get(language or "en", _NONE)
    if _LETTERS_WITH_STOPS.fullmatch(_inner(before)):
        return first.isupper() and usual
    if language in _WITH_ORDINALS and _ORDINAL.fullmatch(_inner(before)):
        return usual
    return ends_sentence(before)


def cut_cost(before: str, after: str, space: str, language: str | None, opens: bool) -> float:
    """What it costs to end a line or a cue between two words.

    Args:
        before: the word before, with its punctuation.
        after: the word behind.
        space: what stands between them.
        language: code of the language; None is taken for English.
        opens: whether the word before is the first of its sentence, and has its capital from that.
    """
    if (_plain(before) in _COUNTED and _DIGITS.match(after)) or _are_one_abbreviation(before, after):
        return BOUND
    if _parts_sentences(before, after, language):
        return SENTENCE
    if not space:
        return _unspaced_cost(before, after)
    if language in UNSPACED and not (before[-1].isascii() or after[0].isascii()):
        # Who writes without spaces puts one where others put a comma; round what is foreign it says nothing.
        return CLAUSE
    if before.rstrip(_QUOTES).endswith(_CLAUSE_END):
        return BOUND if _is_number(before, after) else CLAUSE
    if language in _WITH_ORDINALS and _ORDINAL.fullmatch(_inner(before)):
        return BOUND
    if ends_sentence(before):
        # It goes on all the same: "Well... maybe", "Why?" he asked.
        return CLAUSE
    plain, following = _plain(before), _plain(after)
    leading = _LEADING.get(language or "en", _NONE)
    if _is_number(before, after) or _is_name(before, after, opens and plain in leading | _words_before(language)):
        return BOUND
    if plain in leading:
        return HANGING
    return PHRASE if following in _words_before(language) else WORD


def _words_before(language: str | None) -> frozenset[str]:
    return _BEFORE.get(language or "en", _NONE)


def _plain(word: str) -> str:
    return word.strip("\"'“”‘’«»()[]¿¡.,;:?!…").casefold()


def _inner(word: str) -> str:
    """A word without opening quotes and the like."""
    return word.lstrip("\"'“‘„«(¿¡")


def _is_title(word: str) -> bool:
    """Whether the full stop of a word is that of an abbreviation before a name: `Dr.`, `J.`."""
    plain = _inner(word)
    return plain.endswith(".") and (
        _plain(word) in _TITLES or (len(plain) == 2 and plain[0].isupper() and plain[0] != "I")
    )


def _are_one_abbreviation(before: str, after: str) -> bool:
    """Whether two words are letters of one, as in `z. B.` and `d. h.`."""
    return all(re.fullmatch(r"[^\W\d_]\.,?", _inner(word)) for word in (before, after))


def _is_number(before: str, after: str) -> bool:
    first, second = _plain(before), _plain(after)
    digits, more = bool(_DIGITS.search(first)), bool(_DIGITS.match(second.lstrip("$€£¥+-")))
    if before.endswith((",", ";", ":", ".", "?", "!")):
        # "May 5, 1999" is one thing, "5, 6" are two.
        return first.isdigit() and len(first) <= 2 and second[:4].isdigit() and len(second) == 4
    if digits and (more or second in _SCALES):
        return True
    if more and (first in _COUNTED or first in _MONTHS or before in "$€£¥+-§#№"):
        return True
    return first in _NUMBERS and second in _NUMBERS | _SCALES


def _is_name(before: str, after: str, opener: bool) -> bool:
    """Whether two words belong to one name: both have capitals, or a small word between capitals."""
    if before.endswith((",", ";", ":", "?", "!")) or opener:
        return False
    first, second = before.strip("\"'“‘(["), after.strip("\"'“‘([")
    if _is_title(before) or _plain(before) in _TITLES:
        return second[:1].isupper()
    if before.endswith(".") and not (_LETTERS_WITH_STOPS.fullmatch(first) and first.isupper()):
        return False
    upper = first[:1].isupper() and _plain(before) not in ("i", "i'm", "i've", "i'll", "i'd")
    capital = second[:1].isupper() and _plain(after) not in ("i", "i'm", "i've", "i'll", "i'd", "ok")
    return (upper and (capital or _plain(after) in _PARTICLES)) or (first in _PARTICLES and capital)


def _unspaced_cost(before: str, after: str) -> float:
    """Between characters of a script without spaces, or parts of one word."""
    last, first = before[-1], after[0]
    if first in _CLOSING or last in _OPENING or unicodedata.category(first) in ("Pe", "Pf", "Mn"):
        return 2 * BOUND
    if before.rstrip(_QUOTES).endswith(_CLAUSE_END):
        return CLAUSE
    if last.isdigit() and (first.isdigit() or is_wide(first)):
        return BOUND
    if not is_wide(last) and not is_wide(first):
        return BOUND if last.isascii() and first.isascii() and last.isalnum() and first.isalnum() else WORD
    one, other = _script(last), _script(first)
    if one == other == "katakana":
        return BOUND
    # Japanese: a phrase ends with its particles, which are in hiragana.
    return PHRASE if one == "hiragana" and other != "hiragana" else WORD


def _script(char: str) -> str:
    name = unicodedata.name(char, "")
    if name.startswith("KATAKANA"):
        return "katakana"
    return "hiragana" if name.startswith("HIRAGANA") else "other"
