"""Whether the plug-ins that are installed can be used."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from lipstream.commands.checks.installation import Finding
from lipstream.pipeline import UserError
from lipstream.plugins import ENGINES, KINDS, STAGES, WRITERS, Kind, Plugin, PluginError

_USE = {ENGINES: "--set speech.engine={}", WRITERS: "-f {}", STAGES: "--set stages.{}="}


def check_plugins() -> Iterator[Finding]:
    """What distributions bring besides Lipstream; nothing where there is none."""
    for kind in KINDS:
        for _, plugins in groupby(kind.installed(), key=lambda plugin: plugin.name):
            yield _finding(kind, list(plugins))


def _finding(kind: Kind, plugins: list[Plugin]) -> Finding:
    """Of all plug-ins of one name."""
    first = plugins[0]
    if first.name in kind.built_in:
        return Finding("warning", "; ".join(map(kind.shadowed, plugins)), "ask those who made it for another name")
    if len(plugins) > 1:
        return Finding("warning", kind.ambiguous(plugins))
    try:
        _load(kind, first)
    except (PluginError, UserError) as error:
        return Finding("warning", str(error))
    return Finding("ok", f"{first}: {_USE[kind].format(first.name)}")


def _load(kind: Kind, plugin: Plugin) -> None:
    if kind is WRITERS:
        from lipstream.stages.sinks import writer_class

        writer_class(plugin.name)
    else:
        plugin.load()
