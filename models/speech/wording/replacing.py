"""Words and phrases that the user wants to see otherwise, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lipstream.models.speech.wording.edits import Edit
from lipstream.models.speech.wording.punctuation import (
    Marked,
    begins_sentence,
    capitalised,
    folded,
    is_capitalised,
    marked,
)


@dataclass(frozen=True, slots=True)
class _Rule:
    heard: tuple[Marked, ...]
    shown: tuple[str, ...]


class Replacements:
    """What is shown for words or phrases that were heard.

    Whole words match, whatever their case and kind of apostrophe; the words of a phrase with no punctuation between
    them. Of several that match, the longest counts; what is shown is not looked at again.
    """

    def __init__(self, shown: Mapping[str, str]) -> None:
        """Take the rules.

        Args:
            shown: by words as they are heard; an empty text removes them.

        Raises:
            ValueError: a key without a word, or two that differ in case only.
        """
        self._rules: dict[str, list[_Rule]] = {}
        known: set[str] = set()
        for heard, text in shown.items():
            parts = tuple(marked(folded(part)) for part in heard.split())
            if not any(part.core for part in parts):
                raise ValueError(f"{heard!r} has no word to be replaced")
            if (key := " ".join(part.text for part in parts)) in known:
                raise ValueError(f"{heard!r} is to be replaced twice")
            known.add(key)
            self._rules.setdefault(parts[0].core, []).append(_Rule(parts, tuple(text.split())))
        for rules in self._rules.values():
            rules.sort(key=lambda rule: len(rule.heard), reverse=True)

    def edits(self, texts: Sequence[str]) -> list[Edit]:
        """What is to become of words, in order; an edit without texts removes its words."""
        parts = [marked(folded(text)) for text in texts] if self._rules else []
        edits: list[Edit] = []
        at = 0
        while at < len(parts):
            rule = next((each for each in self._rules.get(parts[at].core, ()) if _matches(each, parts, at)), None)
            if rule is not None:
                edits.append(_edit(rule, texts, at))
            at = edits[-1].last if rule is not None else at + 1
        return edits


def _matches(rule: _Rule, parts: Sequence[Marked], at: int) -> bool:
    heard, said = rule.heard, parts[at : at + len(rule.heard)]
    if [part.core for part in said] != [part.core for part in heard]:
        return False
    # Marks of the phrase itself must be there ("U.S."); others may stand at its ends, but not in it.
    inner = all(said[k].after == heard[k].after for k in range(len(heard) - 1))
    inner &= all(said[k].before == heard[k].before for k in range(1, len(heard)))
    return inner and said[0].before.endswith(heard[0].before) and said[-1].after.startswith(heard[-1].after)


def _edit(rule: _Rule, texts: Sequence[str], at: int) -> Edit:
    last = at + len(rule.heard)
    if not rule.shown:
        return Edit(at, last, ())
    shown = list(rule.shown)
    if begins_sentence(texts, at) and is_capitalised(texts[at]):
        shown[0] = capitalised(shown[0])
    before, after = marked(texts[at]).before, marked(texts[last - 1]).after
    own_before, own_after = rule.heard[0].before, rule.heard[-1].after
    shown[0] = before[: len(before) - len(own_before)] + shown[0]
    # At the end of the text the full stop of "U.S." is that of the sentence too; elsewhere nobody can tell.
    kept = after[len(own_after) :] or (own_after if last == len(texts) else "")
    shown[-1] += "" if shown[-1].endswith(kept) else kept
    return Edit(at, last, tuple(shown))
