"""Where a server listens, and whether it may."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lipstream.pipeline import UserError
from lipstream.web.front import Front
from lipstream.web.guard import ALONE, SHORTEST_TOKEN, is_local


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is reached.

    Attributes:
        host: name or address to listen on.
        port: 0 for any that is free.
        token: what requests have to bring, or None.
        certificate: files of the certificate and of its key for HTTPS, or None for HTTP.
        front: what stands in front of it.
    """

    host: str
    port: int
    token: str | None = None
    certificate: tuple[Path, Path] | None = None
    front: Front = ALONE

    def check(self) -> None:
        """See whether it is safe to listen there.

        Raises:
            UserError: it is not, or the certificate cannot be used.
        """
        if not is_local(self.host) and self.token is None:
            raise UserError(
                f"--host {self.host} lets others reach this machine's Lipstream: choose a token with --token-file "
                f"or LIPSTREAM_TOKEN, which they have to know, or leave --host out"
            )
        if self.front.name is not None and not is_local(self.front.name) and self.token is None:
            raise UserError(
                f"--public-url lets others reach this machine's Lipstream by {self.front.name}: choose a token with "
                f"--token-file or LIPSTREAM_TOKEN, which they have to know"
            )
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise UserError(f"the token is too short to be a secret: expected at least {SHORTEST_TOKEN} characters")
        if self.certificate is not None:
            _check_certificate(*self.certificate)

    def listen(self) -> socket.socket:
        """Bind it.

        Raises:
            UserError: the port is taken, or the host is not this machine's.
        """
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, _, _, _, place = found[0]
            return socket.create_server(place, family=family)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UserError(
                f"cannot listen on {self.host}, port {self.port}: {reason}; is Lipstream running already? "
                f"--port chooses another port"
            ) from error

    def url(self, port: int) -> str:
        """What to open in a browser, the token included."""
        query = f"?token={quote(self.token, safe='')}" if self.token else ""
        if self.front.public is not None:
            return f"{self.front.public.geturl().rstrip('/')}/{query}"
        host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(self.host, self.host)
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if self.certificate else 'http'}://{name}:{port}/{query}"


def _check_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        # Errors of the TLS library are among them.
        raise UserError(
            f"cannot use the certificate {certificate} with the key {key} ({error.strerror or error}): expected two "
            f"PEM files that belong together"
        ) from error
