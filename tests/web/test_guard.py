"""Who may ask for what: token, host, origin, and the headers of every answer."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
import websockets

from lipstream.web.address import Address
from lipstream.web.app import make_app
from lipstream.web.guard import Guard, is_local
from tests.web.fakes import server

TOKEN = "a-long-enough-secret"


def ask(path: str = "/", *, listen: str = "127.0.0.1", token: str | None = None, method: str = "GET", **headers: str):
    guard = Guard(make_app([]), host=listen, port=8765, token=token)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://127.0.0.1:8765") as client:
            return await client.request(method, path, headers=named)

    return asyncio.run(send())


def test_without_a_token_the_page_is_for_everybody_on_this_machine():
    answer = ask()
    assert answer.status_code == 200 and "text/html" in answer.headers["content-type"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/static/shared/base.css", "/api/nothing"])
def test_every_answer_has_the_headers_that_keep_a_page_in_its_bounds(path: str):
    headers = ask(path).headers
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy and "default-src 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"].startswith("camera=(self), microphone=(self)")
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 401),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        ({"authorization": f"bearer  {TOKEN}"}, 200),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"cookie": f"lipstream-8765={TOKEN}"}, 401),
        ({"cookie": 'lipstream-8765="; other; ='}, 401),
    ],
)
def test_a_token_is_asked_for(given: dict[str, str], status: int):
    assert ask(token=TOKEN, **given).status_code == status


def test_the_token_in_the_address_sets_a_cookie_that_is_not_the_token_and_does_from_then_on():
    answer = ask(f"/?token={TOKEN}", token=TOKEN)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200 and TOKEN not in cookie
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    name_and_value = cookie.partition(";")[0]
    assert ask(token=TOKEN, cookie=name_and_value).status_code == 200
    assert ask(token="another secret", cookie=name_and_value).status_code == 401
    assert ask("/?token=wrong", token=TOKEN).status_code == 401


def test_the_static_files_and_the_api_need_the_token_too():
    assert ask("/static/shared/base.css", token=TOKEN).status_code == 401
    refused = ask("/api/status", token=TOKEN)
    assert refused.status_code == 401 and refused.json()["error"] == "unauthorized"


@pytest.mark.parametrize("name", ["localhost:8765", "127.0.0.1:8765", "[::1]:8765", "127.0.0.1"])
def test_the_server_answers_to_its_own_names(name: str):
    assert ask(host=name).status_code == 200
    assert ask(listen="192.0.2.7", host=name).status_code == 200


def test_a_server_on_a_named_address_answers_to_it_and_one_on_all_addresses_to_every_name():
    assert ask(listen="192.0.2.7", host="192.0.2.7:8765").status_code == 200
    assert ask(listen="192.0.2.7", host="evil.example").status_code == 421
    assert ask(listen="0.0.0.0", host="my-machine.local:8765").status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "127.0.0.2"])
def test_a_page_whose_name_was_made_to_point_here_is_refused(name: str):
    assert ask(host=name).status_code == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8765", 405),
        ("https://127.0.0.1:8765", 405),
        ("http://evil.example", 403),
        ("http://127.0.0.1:9999", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
def test_what_changes_something_must_come_from_a_page_of_this_server(origin: str, status: int):
    # That nothing may be sent to the page itself shows that the guard let it through.
    assert ask(method="POST", origin=origin).status_code == status
    assert ask(origin=origin).status_code == 200


def test_a_program_without_an_origin_is_let_through():
    assert ask(method="POST").status_code == 405


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/%00", "/static"]
)
def test_nothing_outside_the_static_files_is_served(path: str):
    assert ask(path).status_code == 404


def test_a_websocket_needs_the_origin_and_the_token(caplog: pytest.LogCaptureFixture):
    async def scenario():
        address = Address("127.0.0.1", 0, TOKEN)
        async with server(address=address) as here:
            url = here.base.replace("http", "ws", 1) + "/events"
            good = {"authorization": f"Bearer {TOKEN}"}
            for path, headers, status in (
                ("/events", {}, 401),
                ("/events", good | {"origin": "http://evil.example"}, 403),
                ("/v1/stream?token=wrong-secret", {}, 401),
            ):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url.replace("/events", path), additional_headers=headers)
                answer = refused.value.response
                assert answer.status_code == status and answer.headers["x-content-type-options"] == "nosniff"
                told = json.loads(answer.body)
                # Under /v1/ in OpenAI's form.
                assert told["error"]["code"] == "invalid_api_key" if "/v1/" in path else told["message"]
            async with websockets.connect(url, additional_headers=good) as socket:
                assert '"Hello"' in await socket.recv()
            async with websockets.connect(f"{url}?token={TOKEN}") as socket:
                assert '"Hello"' in await socket.recv()

    asyncio.run(scenario())
    # Whoever is refused writes nothing into the log.
    assert not [each for each in caplog.records if each.name.startswith("uvicorn")]


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.5", False), ("example.org", False)],
)  # fmt: skip
def test_which_hosts_are_this_machine_alone(host: str, local: bool):
    assert is_local(host) == local
