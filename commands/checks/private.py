"""Taking out of a text what tells who somebody is, where their files lie, and what opens their doors."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SECRETS = re.compile(r"TOKEN|KEY|SECRET|PASS|AUTH|CREDENTIAL|PROXY|COOKIE|SESSION", re.IGNORECASE)
"""Names of environment variables whose values open something."""
_SHORTEST = 3
"""Letters that a name or value needs to be looked for: shorter ones are in every text."""

_QUOTED_PATH = re.compile(r"""(['"`])(?:~|/|[A-Za-z]:[\\/]|\\\\)[^'"`\n]*\1""")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"`<>]+", re.IGNORECASE)
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_WORD, _PART = r" [^\s'\"`/\\:;,()]+", r"[^\s'\"`:;,()]*"
# A name may have spaces: words go with a path up to the last one that has another separator or an ending.
_MORE = rf"(?:(?:{_WORD}){{0,5}} ?{_PART}[/\\]{_PART}|(?:{_WORD}){{1,5}}\.\w{{2,11}}\b)*"
_PATH = re.compile(r"""(['"`])(?:~|/|[A-Za-z]:[\\/]|\\\\)[^'"`\n]*\1""")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"`<>]+", re.IGNORECASE)
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
# A name may have spaces: words go with a path up to the last one that has another separator or an ending.
_MORE = (
    r"(?:(?: [^\s'\"`/\\:;,()]+){0,5} ?[^\s'\"`:;,()]*[/\\][^\s'\"`:;,()]*|(?: [^\s'\"`/\\:;,()]+){1,5}\.\w{2,11}\b)*"
)
_PATH = re.compile(rf"(?<![\w.<>/])(?:~?/|~\\|[A-Za-z]:[\\/]|\\\\)[^\s'\"`:;,()]+{_MORE}")
_HARDWARE = re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE)
# Four numbers that begin with less than 10 are the version of a package.
_NUMBERED = re.compile(
    r"(?<![\w.])[1-9]\d{1,2}(?:\.\d{1,3}){3}(?![\w.])|(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}\b", re.IGNORECASE
)
_RANDOM = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}(?![\w-])")


@dataclass(frozen=True, slots=True)
class Private:
    """What is known of who and where this is.

    Attributes:
        people: names of the user, in every form that is known.
        hosts: names of the machine.
        secrets: values that open something.
        homes: folders of the user.
    """

    people: tuple[str, ...]
    hosts: tuple[str, ...]
    secrets: tuple[str, ...]
    homes: tuple[str, ...]

    def hidden(self, text: str) -> str:
        """The text without any of it: each is replaced by what it is, such as `<user>`.

        Paths go as a whole, wherever they lie, and so do addresses of every kind and long random words.
        """
        for secret in self.secrets:
            text = text.replace(secret, "<secret>")
        text = _QUOTED_PATH.sub("<path>", text)
        text = _ADDRESS.sub("<address>", text)
        text = _MAIL.sub("<address>", text)
        for home in self.homes:
            text = text.replace(home, "~")
        text = _PATH.sub("<path>", text)
        text = _HARDWARE.sub("<address>", text)
        text = _NUMBERED.sub("<address>", text)
        for names, what in ((self.people, "<user>"), (self.hosts, "<host>")):
            for name in names:
                text = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", what, text, flags=re.IGNORECASE)
        return _RANDOM.sub("<secret>", text)


def of_this_machine(environment: Mapping[str, str] = os.environ) -> Private:
    """What is known of the user and the machine this runs as and on.

    Args:
        environment: the variables of the process.
    """
    home = str(Path.home())
    people = [*_accounts(environment), Path(home).name, *_full_name()]
    hosts = [name for full in (socket.gethostname(), platform.node()) for name in (full, full.partition(".")[0])]
    secrets = [value for name, value in environment.items() if _SECRETS.search(name)]
    homes = [home, environment.get("HOME", ""), environment.get("USERPROFILE", "")]
    return Private(_longest(people), _longest(hosts), _longest(secrets), _longest(homes))


def _accounts(environment: Mapping[str, str]) -> Iterator[str]:
    yield from (environment.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER"))
    try:
        yield getpass.getuser()
    except (KeyError, OSError):
        return  # an account without a name, as in a container


def _full_name() -> Iterator[str]:
    """What a system of the Unix kind knows as the name of the person."""
    if sys.platform == "win32":
        return
    import pwd

    try:
        told = pwd.getpwuid(os.getuid()).pw_gecos
    except KeyError:
        return
    whole = told.partition(",")[0]
    yield whole
    yield from whole.split()


def _longest(names: Iterable[str]) -> tuple[str, ...]:
    """Each once, longer ones first: one may be a part of another."""
    return tuple(sorted({name.strip() for name in names if len(name.strip()) >= _SHORTEST}, key=len, reverse=True))
