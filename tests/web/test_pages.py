"""Everything that a page names is served, and everything that lies ready to be served is named by a page."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urljoin

import httpx
import pytest

from lipstream.web.api import Api
from lipstream.web.app import STATIC, make_app
from lipstream.web.files.uploads import UploadLimits
from lipstream.web.guard import Guard
from lipstream.web.session import Prepared
from lipstream.web.sessions import Sessions

PAGES = ("/", "/captions", "/captions/settings", "/docs")
NAMES = {
    "text/html": re.compile(r'(?:src|href)="([^"#]+)"'),
    "text/javascript": re.compile(r'(?:from |import |import\()"([^"]+)"'),
    "text/css": re.compile(r"""(?:@import |url\()["']?([^"')]+)"""),
}
"""How a file names others."""


@pytest.fixture(scope="module")
def answers() -> dict[str, httpx.Response]:
    """The pages, what they name, what that names, and so on, by address."""

    def prepare() -> Prepared:
        raise AssertionError("no session is asked for")

    api = Api(Sessions(prepare, limit=1), UploadLimits(max_bytes=1, max_seconds=1))
    guard = Guard(make_app(api.routes), host="127.0.0.1", port=8765, token=None)

    async def follow() -> dict[str, httpx.Response]:
        found: dict[str, httpx.Response] = {}
        waiting = list(PAGES)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://127.0.0.1:8765") as client:
            while waiting:
                address = waiting.pop()
                if address in found:
                    continue
                answer = found[address] = await client.get(address)
                names = NAMES.get(answer.headers["content-type"].partition(";")[0])
                waiting += [urljoin(address, name) for name in names.findall(answer.text)] if names else []
        return found

    return asyncio.run(follow())


def test_everything_that_a_page_names_is_served(answers: dict[str, httpx.Response]):
    assert {address: answer.status_code for address, answer in answers.items() if answer.status_code != 200} == {}


def test_everything_that_can_be_served_is_named_by_a_page(answers: dict[str, httpx.Response]):
    parts = [path for path in STATIC.rglob("*") if path.is_file() and path.suffix != ".html"]
    assert len(parts) > 30
    assert {f"/static/{path.relative_to(STATIC).as_posix()}" for path in parts} == {
        address for address in answers if address.startswith("/static/")
    }


def test_nothing_of_a_page_is_kept_by_a_browser_or_needs_more_than_the_policy_allows(
    answers: dict[str, httpx.Response],
):
    for address, answer in answers.items():
        assert answer.headers["cache-control"] == "no-store", address
        if answer.headers["content-type"].startswith("text/html"):
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", answer.text), address
