"""What somebody who mistyped a name may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`, did you mean 'NAME'?` for the known name that is most like the given one; empty if none is like it."""
    import difflib  # Here, for few runs make a mistake.

    close = difflib.get_close_matches(given, list(known), 1)
    return f", did you mean '{close[0]}'?" if close else ""
