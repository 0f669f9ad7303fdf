"""Parts of a run that can be switched off and on while it goes."""

from __future__ import annotations

from collections.abc import Iterable


class Switches:
    """Named switches, all on at first. Safe to use from any thread: stages ask them packet by packet.

    Args:
        names: the switches there are.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._on = dict.fromkeys(names, True)

    @property
    def names(self) -> tuple[str, ...]:
        """The switches there are, in the order given."""
        return tuple(self._on)

    def add(self, others: Switches) -> None:
        """Add the switches that are not there yet, as they stand; before the run, on which others rely."""
        for name in others.names:
            self._on.setdefault(name, others.is_on(name))

    def is_on(self, name: str) -> bool:
        """Whether a switch is on; one that is not there counts as on."""
        return self._on.get(name, True)

    def turn(self, name: str, on: bool) -> None:
        """Turn a switch on or off.

        Raises:
            KeyError: there is no such switch.
        """
        if name not in self._on:
            raise KeyError(f"no switch '{name}' (there are: {', '.join(self._on) or 'none'})")
        self._on[name] = on
