"""`models`: the network files, where they are and whether they are what they should be."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lipstream.commands.failures import FAILED, OK, note
from lipstream.commands.options import add_verb

if TYPE_CHECKING:
    from lipstream.models.assets import AssetStatus

EXAMPLE = """\
lipstream models list
lipstream models pull
lipstream models verify"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "models", "list, fetch and check the model files", EXAMPLE, list_models)
    actions = parser.add_subparsers(metavar="ACTION", required=True, parser_class=type(parser))
    add_verb(actions, "list", "list the files and where they are", "lipstream models list", list_models)
    pull = add_verb(actions, "pull", "fetch the files that are missing", "lipstream models pull", pull_models)
    pull.add_argument("names", metavar="NAME", nargs="*", help="files to fetch; all if none is named")
    pull.add_argument("--force", action="store_true", help="fetch again what is there already; mends a damaged file")
    verify = add_verb(
        actions, "verify", "read every byte of the files again and check it", "lipstream models verify", verify_models
    )
    verify.add_argument("names", metavar="NAME", nargs="*", help="files to check; all if none is named")


def list_models(args: argparse.Namespace) -> int:
    """Print how every file stands."""
    from lipstream.models import assets

    _print(assets.status())
    return OK


def pull_models(args: argparse.Namespace) -> int:
    """Fetch files."""
    from lipstream.models import assets

    with assets.terminal_progress() as progress:
        fetch = assets.refetch if args.force else assets.pull
        fetch(args.names or None, progress)
    _measure()
    note(f"ready: {', '.join(args.names) if args.names else 'all files'}, cache {assets.cache_dir()}")
    return OK


def verify_models(args: argparse.Namespace) -> int:
    """Check files; those that are not there yet count only when they were named."""
    from lipstream.models import assets

    found = assets.verify(args.names or None)
    _print(found)
    bad = [status for status in found if status.state == "altered" or (args.names and status.state == "missing")]
    for status in bad:
        force = "--force " if status.state == "altered" else ""
        note(f"{status.name} is {status.state}; mend it with: lipstream models pull {force}{status.name}")
    return FAILED if bad else OK


def _measure() -> None:
    """See how fast this machine is while nobody waits for it, so that live runs know."""
    from lipstream.config import load_config
    from lipstream.models.errors import ModelError
    from lipstream.stages.speech.readers import measure_once

    try:
        measure_once(load_config("live"))
    except (ImportError, OSError, ModelError) as error:
        note(f"the speed of this machine is not known, which `speech.quality=auto` goes by: {error}")


def _print(assets: Sequence[AssetStatus]) -> None:
    width = max(len(status.name) for status in assets)
    for status in assets:
        where = f"{status.source}: {status.path}" if status.state != "missing" else "fetched when first used"
        print(f"{status.name:<{width}}  {status.state:<7}  {status.size / 1e6:5.1f} MB  {where}")
        print(f"{'':<{width}}  {status.purpose}; {status.licence}")
