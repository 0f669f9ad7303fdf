"""Plug-ins: what other distributions bring by entry points, beside what ships. docs/plugins.md tells how to write one.

What ships is found by its name without a look at what is installed, so that the command line answers at once. What is
installed is looked through when a name is asked for that does not ship, and once a run is made, for names that are
taken twice. A plug-in is imported when it is asked for by its name.

Every room asks this module, so it imports none of them.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lipstream.suggest import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
"""Names stand in lists with commas, and the name of an output format ends that of a file."""


class PluginError(Exception):
    """A plug-in is not there or cannot be used; the message is one line that says which, why, and what to do."""


class OptionError(Exception):
    """Raised by a plug-in that does not accept one of its options; reaches the user with the key's full name.

    Args:
        key: the option; "" for what concerns several.
        reason: one line, such as "5 is not allowed, expected a number not greater than 1".
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of an installed distribution.

    Attributes:
        what: the kind of thing it brings, such as "speech engine".
        point: the entry point; its name is what a configuration calls the plug-in.
    """

    what: str
    point: EntryPoint

    @property
    def name(self) -> str:
        """What a configuration calls it."""
        return self.point.name

    @property
    def distribution(self) -> str:
        """Name and version of the distribution that brings it."""
        return _title(self.point.dist)

    def __str__(self) -> str:
        return f"the {self.what} '{self.name}' of {self.distribution}"

    def load(self) -> object:
        """Import it.

        Raises:
            PluginError: that failed, its name is none, or the distribution was made for another Lipstream.
        """
        if not _NAME.fullmatch(self.name):
            raise self.unusable("a name has small letters and digits, with single dots, hyphens or underscores between")
        if (wanted := _other_lipstream(self.point.dist)) is not None:
            raise self.unusable(wanted)
        try:
            return self.point.load()
        except (Exception, SystemExit) as error:
            raise self.unusable(_told(error)) from error

    def create(self, key: str, passing: type[Exception], **arguments: object) -> object:
        """Import it and call what the entry point names.

        Args:
            key: where the plug-in's options stand in the configuration, for messages.
            passing: errors that reach the user as the plug-in words them.
            arguments: what it is called with.

        Raises:
            PluginError: it cannot be imported or called, or does not accept its options.
        """
        make = self.load()
        if not callable(make):
            raise self.unusable(f"its entry point names a {type(make).__name__}, expected something to call")
        try:
            return make(**arguments)
        except passing:
            raise
        except OptionError as error:
            raise PluginError(_option(key, error.key, str(error))) from error
        except Exception as error:
            raise (_invalid(error, key) or self.unusable(_told(error))) from error

    def unusable(self, why: str) -> PluginError:
        """The error for a plug-in that does not do what it should."""
        mend = f"; update or uninstall {_name(self.point.dist)}" if self.point.dist is not None else ""
        return PluginError(f"{self} cannot be used: {why}{mend}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of things that have names: those that ship, and those that plug-ins bring.

    Attributes:
        group: the group of entry points.
        what: what one of them is called in messages.
        built_in: the names that ship. A plug-in never takes the place of one.
    """

    group: str
    what: str
    built_in: tuple[str, ...] = ()

    def knows(self, name: str) -> bool:
        """Whether there is one of that name. For one that ships, nothing is looked through."""
        return name in self.built_in or any(plugin.name == name for plugin in self.installed())

    def installed(self) -> list[Plugin]:
        """All that plug-ins bring, by name; also what cannot be used because its name is taken."""
        from importlib import metadata

        found = {(point.name, _title(point.dist)): point for point in metadata.entry_points(group=self.group)}
        return [Plugin(self.what, point) for _, point in sorted(found.items(), key=lambda item: item[0])]

    def find(self, name: str) -> Plugin | None:
        """The plug-in of a name; None for what ships, for which nothing is looked through.

        Raises:
            PluginError: there is none of that name, or more than one.
        """
        if name in self.built_in:
            return None
        mine = [plugin for plugin in self.installed() if plugin.name == name]
        if not mine:
            raise PluginError(f"there is no {self.what} {self.unknown(name)}")
        if len(mine) > 1:
            raise PluginError(self.ambiguous(mine))
        return mine[0]

    def warn_of_shadowed(self, names: Iterable[str]) -> None:
        """Log a warning for each plug-in that somebody may take to be used, because it has one of these names."""
        asked = {name for name in names if name in self.built_in}
        for plugin in self.installed():
            if plugin.name in asked:
                log.warning("%s", self.shadowed(plugin))

    def shadowed(self, plugin: Plugin) -> str:
        """What to say of a plug-in whose name ships."""
        return f"{plugin} is not used: Lipstream has its own '{plugin.name}'"

    def ambiguous(self, plugins: Iterable[Plugin]) -> str:
        """What to say of several plug-ins of one name."""
        first, *others = plugins
        names = " and ".join(plugin.distribution for plugin in (first, *others))
        return f"there is more than one {self.what} '{first.name}': of {names}; uninstall all but one"

    def unknown(self, name: str) -> str:
        """The end of a message about a name that nothing has: the name, a likely one, and all there are."""
        brought = {plugin.name: plugin.distribution for plugin in self.installed() if plugin.name not in self.built_in}
        known = [*self.built_in, *brought]
        listed = [*self.built_in, *(f"{each} of {distribution}" for each, distribution in brought.items())]
        return (
            f"'{name}'{did_you_mean(name, known)} (there are: {', '.join(listed) or 'none, for no plug-in brings one'})"
        )


ENGINES = Kind("lipstream.engines", "speech engine", ("moonshine", "whisper", "sherpa"))
WRITERS = Kind(
    "lipstream.writers",
    "output format",
    (
        *("txt", "srt", "vtt", "ass", "ttml", "tsv", "json", "jsonl", "emotion.csv"),
        *("words.csv", "segments.csv", "rttm", "features.parquet", "features.csv", "TextGrid", "eaf"),
    ),
)
STAGES = Kind("lipstream.stages", "stage")
KINDS = (ENGINES, WRITERS, STAGES)


def _name(distribution: Distribution) -> str:
    return _stated(distribution, "Name") or "a damaged distribution"


def _title(distribution: Distribution | None) -> str:
    if distribution is None:
        return "an unknown distribution"
    return " ".join(filter(None, (_name(distribution), _stated(distribution, "Version"))))


def _stated(distribution: Distribution, key: str) -> str | None:
    try:
        # Not by [key], which is to raise for what is missing.
        return next(iter(distribution.metadata.get_all(key) or ()), None)
    except Exception:  # noqa: BLE001 - whatever is wrong with somebody else's metadata, it is only for a message
        return None


def _other_lipstream(distribution: Distribution | None) -> str | None:
    """What a distribution says of the Lipstream it needs, if this is another one."""
    from packaging.requirements import InvalidRequirement, Requirement

    from lipstream.version import version

    for text in (distribution.requires if distribution is not None else None) or ():
        with contextlib.suppress(InvalidRequirement):  # Pip says so when it installs; nothing here depends on it.
            requirement = Requirement(text)
            if requirement.name.lower() != "lipstream" or (requirement.marker and not requirement.marker.evaluate()):
                continue
            if not requirement.specifier.contains(version(), prereleases=True):
                return f"it is made for lipstream {requirement.specifier}, and this is {version()}"
    return None


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def _option(section: str, key: str, reason: str) -> str:
    return f"'{section}{'.' if key else ''}{key}': {reason}"


def _invalid(error: Exception, section: str) -> PluginError | None:
    """The line for options that a plug-in's pydantic model does not accept; None for any other error."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return None
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return PluginError(_option(section, key, "there is no such option"))
    if first["type"] == "missing":
        return PluginError(_option(section, key, "this option has to be set"))
    if first["type"] == "value_error":
        return PluginError(_option(section, key, first["msg"].removeprefix("Value error, ")))
    expected = first["msg"].removeprefix("Input should be ")
    return PluginError(_option(section, key, f"{first['input']!r} is not allowed, expected {expected}"))
