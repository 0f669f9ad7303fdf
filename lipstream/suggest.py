"""What somebody who mistyped a name may have meant."""

from __future__ import annotations

from collections.abc import Iterable

_CALLED: dict[str, str] = {"remove": "delete", "rm": "delete", "--model": "--quality", "--output-dir": "--output"}
"""What others call by another name."""
_ALIKE = 0.65


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`, did you mean 'NAME'?` for the known name that is most like the given one; empty if none is like it."""
    import difflib  # Here, for few runs make a mistake.

    names = {name.lstrip("-"): name for name in known}
    if (called := _CALLED.get(given)) is not None and called in names.values():
        return f", did you mean '{called}'?"
    # The dashes of options make none like another.
    close = difflib.get_close_matches(given.lstrip("-"), list(names), 1, _ALIKE)
    return f", did you mean '{names[close[0]]}'?" if close else ""
