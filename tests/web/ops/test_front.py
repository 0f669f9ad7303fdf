"""Behind a proxy: names, paths, and whose word is taken."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from lipstream.pipeline import UserError
from lipstream.web.address import Address
from lipstream.web.app import STATIC, make_app, under
from lipstream.web.front import Front, front_of
from lipstream.web.guard import Guard

TOKEN = "a-long-enough-secret"
PUBLIC = "https://captions.example.org/lip"


def ask(
    front: Front,
    path: str = "/",
    *,
    client: str = "127.0.0.1",
    method: str = "GET",
    host: str = "captions.example.org",
    token: str | None = None,
    **headers: str,
) -> httpx.Response:
    guard = Guard(make_app([]), host="127.0.0.1", port=8765, token=token, front=front)
    named = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(guard, client=(client, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as http:
            return await http.request(method, path, headers=named)

    return asyncio.run(send())


def test_it_answers_to_its_public_name_and_its_own():
    front = front_of(PUBLIC, None)
    assert ask(front).status_code == 200
    assert ask(front, host="127.0.0.1:8765").status_code == 200
    assert ask(front, host="evil.example").status_code == 421
    assert ask(front_of(None, None)).status_code == 421


@pytest.mark.parametrize("host", ["captions.example.org", "127.0.0.1:8765"], ids=["host kept", "host rewritten"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://captions.example.org", 405),
        ("https://captions.example.org:443", 405),
        ("https://evil.example", 403),
        ("https://captions.example.org.evil.example", 403),
        ("https://captions.example.org:444", 403),
    ],
)
def test_what_changes_something_may_come_from_the_public_page(host: str, origin: str, status: int):
    # That nothing may be sent to the page itself shows that the guard let it through.
    assert ask(front_of(PUBLIC, None), method="POST", host=host, origin=origin).status_code == status


def test_a_page_with_another_scheme_than_the_public_one_is_another_page():
    rewritten = ask(front_of(PUBLIC, None), method="POST", host="127.0.0.1:8765", origin="http://captions.example.org")
    assert rewritten.status_code == 403


@pytest.mark.parametrize("path", ["/lip/", "/"], ids=["path kept", "path taken off"])
def test_the_page_under_a_path_has_everything_under_that_path(path: str):
    page = ask(front_of(PUBLIC, None), path)
    assert page.status_code == 200
    assert 'href="/lip/static/shared/base.css"' in page.text and 'src="/lip/static/main/page.js"' in page.text
    assert '="/static' not in page.text
    assert ask(front_of(PUBLIC, None), "/lip/static/shared/base.css").status_code == 200


def test_a_path_without_its_last_slash_leads_to_the_page():
    answer = ask(front_of(PUBLIC, None), f"/lip?token={TOKEN}", token=TOKEN)
    assert answer.status_code == 307 and answer.headers["location"] == f"/lip/?token={TOKEN}"
    assert ask(front_of(PUBLIC, None), "/lipstick").status_code == 404


def test_links_of_a_page_and_nothing_else_are_put_under_a_prefix():
    page = '<a href="/docs">/docs</a><img src="//other/x"><a href="https://x/y"><script src="/static/a.js">'
    assert under("/lip", page) == (
        '<a href="/lip/docs">/docs</a><img src="//other/x"><a href="https://x/y"><script src="/lip/static/a.js">'
    )


def test_scripts_name_no_address_that_a_path_in_front_would_break():
    """`address` of shared/api.js makes them; `call` goes through it."""
    broken = re.compile(
        r"new URL\(\s*[\"'`]/|\.(?:href|src|action)\s*=\s*[\"'`]/|fetch\(\s*[\"'`]/|\.open\(\"\w+\",\s*[\"'`]/"
    )
    scripts = sorted(STATIC.rglob("*.js"))
    found = [f"{script.name}: {each[0]}" for script in scripts for each in broken.finditer(script.read_text("utf-8"))]
    assert len(scripts) > 20 and found == []


def test_the_cookie_is_for_the_path_and_for_https():
    cookie = ask(front_of(PUBLIC, None), f"/lip/?token={TOKEN}", token=TOKEN).headers["set-cookie"]
    assert "; Path=/lip/;" in cookie and cookie.endswith("; Secure")
    plain = front_of("http://captions.example.org", None)
    assert "Secure" not in ask(plain, f"/?token={TOKEN}", token=TOKEN).headers["set-cookie"]


def scope(client: str = "10.0.0.5", **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "client": (client, 1), "headers": named, "path": "/"}


FORWARDED = {
    "host": "127.0.0.1:8765",
    "x_forwarded_host": "captions.example.org",
    "x_forwarded_proto": "https",
    "x_forwarded_prefix": "/deep/er/",
    "x_forwarded_for": "203.0.113.9, 10.0.0.7",
}


def test_a_proxy_that_is_named_is_believed():
    asked = front_of(None, "10.0.0.0/8").asked(scope(**FORWARDED))
    assert (asked.host, asked.secure, asked.prefix) == ("captions.example.org", True, "/deep/er")
    # 10.0.0.7 is a proxy too; what stands before its word is its client.
    assert asked.client == "203.0.113.9"


def test_nobody_else_is_believed():
    asked = front_of(None, "10.0.0.1").asked(scope(**FORWARDED))
    assert (asked.host, asked.secure, asked.prefix, asked.client) == ("127.0.0.1:8765", False, "", "10.0.0.5")
    assert not front_of(None, None).asked(scope(**FORWARDED)).secure


def test_what_a_client_put_into_the_chain_itself_is_not_believed():
    chain = {"x_forwarded_for": "1.1.1.1, 203.0.113.9"}
    assert front_of(None, "10.0.0.0/8").asked(scope(**chain)).client == "203.0.113.9"


@pytest.mark.parametrize("prefix", ["no-slash", "/a b", "//evil.example", '/x"onload', "/..;/"])
def test_a_prefix_that_is_no_path_is_none(prefix: str):
    assert front_of(None, "10.0.0.5").asked(scope(x_forwarded_prefix=prefix)).prefix == ""


@pytest.mark.parametrize(
    "url",
    ["example.org", "ftp://example.org", "https://", "https://x:99999", "https://u:p@x", "https://x/a b", "https://["],
)
def test_a_public_url_that_is_none_is_said(url: str):
    with pytest.raises(UserError, match="--public-url"):
        front_of(url, None)


def test_who_is_reached_through_a_proxy_needs_a_token():
    with pytest.raises(UserError, match="--token"):
        Address("127.0.0.1", 0, front=front_of(PUBLIC, None)).check()
    Address("127.0.0.1", 0, TOKEN, front=front_of(PUBLIC, None)).check()
    Address("127.0.0.1", 0, front=front_of("http://localhost:8080", None)).check()
    assert Address("127.0.0.1", 0, TOKEN, front=front_of(PUBLIC, None)).url(1) == f"{PUBLIC}/?token={TOKEN}"


def test_probes_are_for_everybody_and_metrics_are_not():
    front = front_of(None, None)
    assert ask(front, "/healthz", host="10.1.2.3:8765", token=TOKEN).status_code == 404  # not served here, but let in
    assert ask(front, "/metrics", host="127.0.0.1", token=TOKEN).status_code == 401
