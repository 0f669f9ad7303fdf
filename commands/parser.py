"""The argument parser: messages that cannot act on a terminal, and what a mistyped name may have meant."""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from lipstream.stages.printable import printable

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

_VERB = "argument VERB: "
_CHOICE = re.compile(r"invalid choice: '?(?P<given>[^']*?)'? \(choose from (?P<known>.*)\)", re.DOTALL)


class PlainParser(argparse.ArgumentParser):
    """A parser whose messages cannot act on the terminal: they repeat arguments, which may be names of files.

    A verb, an option or a choice that does not exist is answered with the one that is most like it, in one line: the
    usage is longer than that, and is what `--help` shows. Options that a verb does not have are its own mistake.
    """

    _given: Sequence[str] = ()

    def parse_known_args(  # type: ignore[override] # nobody hands over a namespace of a kind of their own
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; an unknown option ends with a message of this parser, not of the one above it."""
        self._given = sys.argv[1:] if args is None else list(args)
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, []

    def error(self, message: str) -> NoReturn:
        """Print the message in one line, with what may have been meant, and exit with 2."""
        hints = "".join(self._hints(message)) or f" (see {self.prog} --help)"
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}{hints}\n")

    def _hints(self, message: str) -> Iterator[str]:
        # Not for who makes no mistake: it takes its time to import.
        from lipstream.suggest import did_you_mean

        if choice := _CHOICE.search(message):
            given = choice["given"]
            if message.startswith(_VERB) and ("." in given or "/" in given):
                yield f", did you mean: {self.prog} file {given}"
            else:
                yield did_you_mean(given, re.findall(r"[\w.-]+", choice["known"]))
        known = list(self._option_string_actions)
        for given in self._own(self._given):
            name = given.partition("=")[0]
            # Options may be shortened.
            if name.startswith("--") and not any(option.startswith(name) for option in known):
                yield f"; there is no {name}{did_you_mean(name, known)}"
            elif re.match(r"-\w{2,}\.\w+$", given) and "required" in message:
                yield f"; a name that begins with a dash is given as ./{given}"

    def _own(self, given: Sequence[str]) -> Iterable[str]:
        """The arguments among which this parser's options are: where there are verbs, what comes before the verb."""
        options = itertools.takewhile(lambda each: each != "--", given)
        return options if self._subparsers is None else itertools.takewhile(lambda each: each.startswith("-"), options)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        super()._print_message("\n".join(map(printable, message.split("\n"))), file)
