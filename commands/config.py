"""`config`: what configurations there are and what they amount to."""

from __future__ import annotations

import argparse

from lipstream.commands.failures import OK
from lipstream.commands.options import add_set_argument, add_verb

EXAMPLE = """\
lipstream config list
lipstream config show live
lipstream config show file --set vad.threshold=0.6"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "config", "show configurations", EXAMPLE, show_list)
    actions = parser.add_subparsers(metavar="ACTION", required=True, parser_class=type(parser))
    show = add_verb(
        actions, "show", "print a configuration with every key and its value", "lipstream config show live", show_one
    )
    show.add_argument("name", metavar="NAME|PATH", help="configuration, by name or as a YAML file")
    add_set_argument(show)
    add_verb(actions, "list", "list the configurations that come with Lipstream", "lipstream config list", show_list)


def show_one(args: argparse.Namespace) -> int:
    """Print the merged configuration as YAML."""
    from lipstream.config import load_config, parse_assignment, to_yaml

    config = load_config(args.name, dict(parse_assignment(text) for text in args.settings))
    print(to_yaml(config), end="")
    return OK


def show_list(args: argparse.Namespace) -> int:
    """Print the names, each with the comment its file begins with."""
    from importlib import resources

    from lipstream.config import names

    width = max(map(len, names()))
    for name in names():
        text = resources.files("lipstream.configs").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        print(f"{name:<{width}}  {text.partition(chr(10))[0].lstrip('# ')}")
    return OK
