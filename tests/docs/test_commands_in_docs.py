"""Every command line of Lipstream's in the documents is one that its parser takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lipstream.commands.main import build_parser
from tests.docs.blocks import DOCUMENTS, blocks, name_of

PROGRAMS = (["lipstream"], ["python", "main.py"], ["python", "-m", "lipstream"])


def command_lines(code: str) -> list[list[str]]:
    """The arguments of Lipstream's commands in a block of shell."""
    found = []
    for line in re.sub(r"<\([^)]*\)", "pipe", code.replace("\\\n", " ")).splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = next((at for at, word in enumerate(words) if word in ("|", "&&", ";", ">")), len(words))
            command, words = words[:end], words[end + 1 :]
            while command and "=" in command[0] and not command[0].startswith("-"):
                command = command[1:]  # a variable of the environment
            if command:
                command[0] = command[0].rpartition("/")[2]
            for program in PROGRAMS:
                if command[: len(program)] == program:
                    found.append(command[len(program) :])
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_the_parser_takes_every_command(document: Path, capsys):
    for code in (code for language in ("sh", "bash", "console") for code in blocks(document, language)):
        for arguments in command_lines(code):
            try:
                build_parser().parse_args(arguments)
            except SystemExit as stopped:
                helped = stopped.code == 0 and {"--help", "-h", "--version"} & set(arguments)
                assert helped, f"lipstream {shlex.join(arguments)}: {capsys.readouterr().err}"


def test_commands_are_found_behind_pipes_variables_and_folders():
    code = "A=1 captions/bin/lipstream file x.mp4 # y\nffmpeg -i x - | python main.py file - && lipstream doctor\n"
    assert command_lines(code) == [["file", "x.mp4"], ["file", "-"], ["doctor"]]


def test_a_wrong_option_is_noticed(capsys):
    (arguments,) = command_lines("lipstream file x.mp4 --no-such-option")
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args(arguments)
    assert stopped.value.code == 2
