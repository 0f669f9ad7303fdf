"""What stands in front of a server: its name for others, and the proxies whose word is taken."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from lipstream.pipeline import UserError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PREFIX = re.compile(r"(/[\w.~-]+)+")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Asked:
    """How a request was made, as far as it can be believed.

    Attributes:
        host: the server's name in it, with a port where one is named.
        secure: it came by HTTPS.
        client: address of who made it; None where that is not known.
        prefix: what stands before the paths of this server, such as "/captions"; empty for nothing.
    """

    host: str
    secure: bool
    client: str | None
    prefix: str


@dataclass(frozen=True, slots=True)
class Front:
    """The address by which others reach a server, and the proxies that pass their requests on.

    Attributes:
        public: that address, or None where it is the server's own.
        proxies: addresses of the proxies; what others say in `X-Forwarded-*` is not believed.
    """

    public: SplitResult | None = None
    proxies: tuple[Network, ...] = ()

    @property
    def prefix(self) -> str:
        """What stands before the paths of this server in its public address."""
        return "" if self.public is None else self.public.path.rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether the public address is one with HTTPS."""
        return self.public is not None and self.public.scheme == "https"

    @property
    def name(self) -> str | None:
        """The host name in the public address."""
        return None if self.public is None else self.public.hostname

    def is_public_origin(self, origin: SplitResult) -> bool:
        """Whether a page has been got by the public address."""
        return self.public is not None and _origin(origin) == _origin(self.public)

    def trusts(self, client: str | None) -> bool:
        """Whether an address is that of a proxy."""
        try:
            address = ipaddress.ip_address(client or "")
        except ValueError:
            return False
        return any(address in network for network in self.proxies)

    def asked(self, scope: Scope) -> Asked:
        """How a request was made."""
        headers = Headers(scope=scope)
        client = scope["client"][0] if scope.get("client") else None
        host, secure = headers.get("host", ""), scope["scheme"] in ("https", "wss")
        if not self.trusts(client):
            return Asked(host, secure or self.secure, client, self.prefix)
        prefix = headers.get("x-forwarded-prefix", "").rstrip("/")
        return Asked(
            _first(headers.get("x-forwarded-host", "")) or host,
            _first(headers.get("x-forwarded-proto", "")).lower() in ("https", "wss") or secure or self.secure,
            self._sender(headers.getlist("x-forwarded-for")) or client,
            self.prefix or (prefix if _PREFIX.fullmatch(prefix) else ""),
        )

    def _sender(self, chain: Iterable[str]) -> str | None:
        """The last address in the chain that is no proxy's: what stands before it may be made up by its owner."""
        named = [each.strip() for line in chain for each in line.split(",")]
        for each in reversed(named):
            if not self.trusts(each):
                return each or None
        return None


def front_of(public_url: str | None, proxies: str | None) -> Front:
    """Read both as a user gives them.

    Args:
        public_url: such as "https://example.org/captions".
        proxies: addresses and networks between commas.

    Raises:
        UserError: one of them is none.
    """
    networks = []
    for each in filter(None, map(str.strip, (proxies or "").split(","))):
        try:
            networks.append(ipaddress.ip_network(each))
        except ValueError as error:
            raise UserError(
                f"--trusted-proxies {each} is no address and no network: expected such as 127.0.0.1 or 10.0.0.0/8"
            ) from error
    return Front(None if public_url is None else _public(public_url), tuple(networks))


def _public(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment or parts.username or not _is_path(parts.path):
        raise UserError(
            f"--public-url {url} is not what a browser would open: expected such as https://example.org or "
            "https://example.org/captions"
        )
    return parts


def _is_path(path: str) -> bool:
    return path in ("", "/") or _PREFIX.fullmatch(path.rstrip("/")) is not None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname, port or _PORTS.get(parts.scheme)


def _first(value: str) -> str:
    return value.partition(",")[0].strip()
