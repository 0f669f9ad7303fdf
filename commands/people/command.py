"""`people`: who is called by name, from recordings that the user gives; kept in the user's folder alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from lipstream.commands.failures import OK, note
from lipstream.commands.options import add_verb

EXAMPLE = """\
lipstream people add ann ann.mp4
lipstream people list
lipstream people rename ann "Ann Lee"
lipstream people delete "Ann Lee\""""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "people", "people to be called by name, by their voices", EXAMPLE, list_people)
    actions = parser.add_subparsers(metavar="ACTION", required=True, parser_class=type(parser))
    adding = add_verb(
        actions,
        "add",
        "keep somebody's voice: biometric data, so ask them first (docs/speakers.md)",
        "lipstream people add ann ann.mp4 ann-again.wav",
        add_person,
    )
    adding.add_argument("name", metavar="NAME", help="what to call them")
    adding.add_argument(
        "recordings", metavar="RECORDING", nargs="+", type=Path, help="sound or video in which they speak alone"
    )
    add_verb(actions, "list", "list those who were added", "lipstream people list", list_people)
    renaming = add_verb(actions, "rename", "give somebody another name", "lipstream people rename ann Ann", rename)
    renaming.add_argument("name", metavar="NAME", help="as it is")
    renaming.add_argument("to", metavar="NEW_NAME", help="as it is to be")
    deleting = add_verb(actions, "delete", "forget somebody", "lipstream people delete ann", delete)
    deleting.add_argument("names", metavar="NAME", nargs="*", help="whom to forget")
    deleting.add_argument("--all", action="store_true", help="forget everybody")


def add_person(args: argparse.Namespace) -> int:
    """Learn a voice; somebody of that name gets the recordings added to what is known."""
    from lipstream.config import load_config
    from lipstream.models.errors import ModelError
    from lipstream.models.voice.known import checked_name, find, keep, people_folder, together
    from lipstream.stages.speaker.recordings import voice_of

    name = checked_name(args.name)
    config = load_config("file", {"video.enabled": False})
    heard = voice_of(name, args.recordings, config)
    try:
        person = together(find(name), heard.voice[None], [heard.seconds])
    except ModelError:
        person = heard
    keep(person)
    note(f"{person.name} is known by {person.seconds:.0f} s of speech; kept in {people_folder()} and nowhere else")
    note(
        "a voice that is kept to tell who speaks is biometric data: keep it with their consent only (docs/speakers.md)"
    )
    return OK


def list_people(args: argparse.Namespace) -> int:
    """Print who was added."""
    from lipstream.models.voice.known import known_people, people_folder

    people = known_people()
    for person in people:
        print(f"{person.name}  {person.seconds:.0f} s of speech")
    if not people:
        note(f"nobody has been added ({people_folder()})")
    return OK


def rename(args: argparse.Namespace) -> int:
    """Give somebody another name."""
    from lipstream.models.voice import known

    known.rename(args.name, args.to)
    note(f"{args.name} is called {known.checked_name(args.to)} from now on")
    return OK


def delete(args: argparse.Namespace) -> int:
    """Forget people."""
    from lipstream.models.voice import known
    from lipstream.pipeline.errors import UserError

    if bool(args.names) == args.all:
        raise UserError("expected names of people to forget, or --all, and not both")
    names = [person.name for person in known.known_people()] if args.all else args.names
    for name in names:
        known.find(name)
    for name in names:
        known.delete(name)
    note(f"forgotten: {', '.join(names) if names else 'nobody was known'}")
    return OK
