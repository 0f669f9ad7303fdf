"""Who may ask the server for what: the token, the Host and Origin of requests, and the headers of every answer."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import SplitResult, parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from lipstream.web.answers import Refusal, refused
from lipstream.web.front import Front

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SHORTEST_TOKEN = 8
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What is answered without a token, and by every name."""
PREFIX = "lipstream.prefix"
"""Key of a request's scope: what stands before the paths of this server."""
ALONE = Front()
"""Nothing in front."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": (
        "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Sent with every answer that does not say otherwise."""


def is_local(host: str) -> bool:
    """Whether only this machine reaches a server that listens on an address or name."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses what must not get to the application.

    - A request must name the server in `Host` as it was told to be called: a page elsewhere whose name has been made to
      point here (DNS rebinding) names itself.
    - What changes something, and a WebSocket, must come from a page of this server (`Origin`), or from no page.
    - With a token every request needs it: as `?token=`, as `Authorization: Bearer`, or as the cookie that the first of
      these sets. Compared in constant time.

    - What stands before the paths in the public address is taken off, if the proxy has not done so.
    - Probes (`OPEN_PATHS`) are for everybody: who asks does not know the name, and learns nothing.

    Args:
        app: the application.
        host: what the server listens on; every name is allowed where that is all addresses (and a token is needed).
        port: names the cookie: a browser sends the cookies of a host to all its ports.
        token: what to ask for, or None.
        front: what stands in front of the server.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int, token: str | None, front: Front = ALONE) -> None:
        self._app = app
        named = {host.lower(), *([front.name] if front.name else [])}
        self._names = None if host in ("0.0.0.0", "::", "") else LOCAL_NAMES | named
        self._token = token
        self._cookie = f"lipstream-{port}"
        self._badge = _badge(token or "")
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = self._front.asked(scope)
        if asked.prefix and scope["path"] == asked.prefix and scope["type"] == "http":
            query = scope["query_string"].decode("latin-1")
            there = f"{asked.prefix}/" + (f"?{query}" if query else "")
            await RedirectResponse(there)(scope, receive, _with_headers(send, None))
            return
        _take_off(scope, asked.prefix)
        if scope["path"] in OPEN_PATHS and scope["type"] == "http":
            await self._app(scope, receive, _with_headers(send, None))
            return
        new = self._token is not None and self._shown(scope)
        try:
            self._check_host(asked.host)
            self._check_origin(scope, headers, asked.host)
            if self._token is not None and not new and not self._known(headers):
                raise Refusal(401, "unauthorized", "This server asks for its token: open the address it printed.")
        except Refusal as refusal:
            await self._refuse(refusal, scope, receive, send)
            return
        flags = f"; Path={asked.prefix}/; HttpOnly; SameSite=Strict" + ("; Secure" if asked.secure else "")
        cookie = f"{self._cookie}={self._badge}{flags}" if new else None
        await self._app(scope, receive, _with_headers(send, cookie))

    def _check_host(self, host: str) -> None:
        name = _parts(f"//{host}").hostname
        if name is None or (self._names is not None and name not in self._names):
            raise Refusal(421, "wrong host", "This server is not called that: open the address it printed.")

    def _check_origin(self, scope: Scope, headers: Headers, host: str) -> None:
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        origin = headers.get("origin")
        if not changes or origin is None or self._front.is_public_origin(_parts(origin)):
            return
        if _parts(origin).netloc.lower() != host.lower():
            raise Refusal(403, "wrong origin", "This request comes from a page of another server.")

    def _shown(self, scope: Scope) -> bool:
        """Whether the request brings the token itself."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        kind, _, value = Headers(scope=scope).get("authorization", "").partition(" ")
        return self._any([*given, *([value.strip()] if kind.lower() == "bearer" else [])], self._token or "")

    def _known(self, headers: Headers) -> bool:
        """Whether the request brings the cookie."""
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self._cookie in cookies and self._any([cookies[self._cookie].value], self._badge)

    def _any(self, given: Iterable[str], right: str) -> bool:
        return any([hmac.compare_digest(each.encode(), right.encode()) for each in given])

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # As for any address: a close before the socket is open would be 403 without a word, whatever the reason.
            socket = WebSocket(scope, receive, _with_headers(send, None))
            await socket.send_denial_response(refused(refusal, scope["path"]))
            return
        is_page = not scope["path"].startswith(("/api/", "/v1/"))
        answer = PlainTextResponse(f"{refusal}\n", refusal.status) if is_page else refused(refusal, scope["path"])
        await answer(scope, receive, _with_headers(send, None))


def _take_off(scope: Scope, prefix: str) -> None:
    """Take what stands before the paths of this server off, and keep it for the addresses in pages."""
    scope[PREFIX] = prefix
    path: str = scope["path"]
    if prefix and path.startswith(f"{prefix}/"):
        scope["path"] = path[len(prefix) :]
        raw: bytes = scope.get("raw_path") or b""
        if raw.startswith(f"{prefix}/".encode()):
            scope["raw_path"] = raw[len(prefix) :]


def _parts(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _badge(token: str) -> str:
    """What the cookie holds: proof of the token, the same after a restart, and not the token."""
    return hmac.new(token.encode(), b"lipstream cookie", hashlib.sha256).hexdigest()


def _with_headers(send: Send, cookie: str | None) -> Send:
    async def send_all(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if cookie is not None:
                headers.append("set-cookie", cookie)
        await send(message)

    return send_all
