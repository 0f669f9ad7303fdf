"""The page's question whether a profile may grow: who is asked, what an answer does, and which sessions count."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import httpx
import numpy as np
import pytest

from lipstream import Pipeline
from lipstream.config import Config, load_config
from lipstream.models import profile_files
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings
from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech
from lipstream.pipeline import PipelineError
from lipstream.stages.build import connect
from lipstream.stages.enrol.consent import GrowthConsent
from lipstream.stages.enrol.growing import Growing
from lipstream.web.address import Address
from lipstream.web.api import Api
from lipstream.web.app import make_app
from lipstream.web.files.uploads import UploadLimits
from lipstream.web.front import front_of
from lipstream.web.growing.api import GrowingApi
from lipstream.web.growing.local import is_own_server
from lipstream.web.growing.runs import learn_on, prepare_own
from lipstream.web.prepare import prepare
from lipstream.web.rtc.peer_source import Invitation
from lipstream.web.session import Prepared
from lipstream.web.sessions import Sessions

HERE, AWAY = ("127.0.0.1", 50_000), ("192.168.0.7", 50_000)
PROXIED = {"x-forwarded-for": "203.0.113.9"}


@pytest.fixture
def consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GrowthConsent:
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path / "profiles")
    return GrowthConsent(tmp_path / "growing.json")


def keep_some() -> Path:
    """Two minutes of speech, as if from use, and a profile."""
    folder = kept_folder("me")
    clean = EncodedStretch(np.zeros((4, 288), np.float16), 0.0, 120.0)
    shape, look = np.zeros((4, 107), np.float16), np.zeros((4, 12, 12), np.float16)
    mask = np.ones(4, np.bool_)
    folder.add(KeptSpeech(Encodings(clean, clean, ()), shape, look, mask, "go", (("go", 1.0),), 120.0, None), 1)
    profile_files.profile_path("me").write_bytes(b"networks")
    return folder.path


class Run:
    """A run that waits for its browser."""

    def __init__(self) -> None:
        self.fails = self.stopped = False

    @classmethod
    def begin(cls, config: Config) -> Prepared:
        return Prepared(cast("Pipeline", cls()), None, None, lambda: 0, Invitation())

    def wait(self, timeout: float) -> bool:
        if self.fails:
            raise PipelineError("there is no such profile")
        return False

    def stop(self) -> None:
        self.stopped = True


def ask(
    consent: GrowthConsent | None,
    what: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]],
    client: tuple[str, int] = HERE,
) -> httpx.Response:
    def prepare() -> Prepared:
        raise AssertionError("no session is asked for")

    async def asking() -> httpx.Response:
        api = Api(Sessions(prepare, 1), UploadLimits(1, 1), growing=consent is not None)
        app = make_app([*api.routes, *GrowingApi(consent).routes])
        transport = httpx.ASGITransport(app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            return await what(http)

    return asyncio.run(asking())


def test_an_answer_is_kept_on_this_machine_and_all_of_it_can_be_deleted(consent: GrowthConsent):
    nobody = {"answer": None, "minutes": 0.0, "made": False, "paused": False, "kept": False}
    assert ask(consent, lambda http: http.get("/api/growing")).json() == nobody
    yes = ask(consent, lambda http: http.put("/api/growing", json={"grow": True})).json()
    assert yes["answer"] is True and consent.given
    folder = keep_some()
    there = ask(consent, lambda http: http.get("/api/growing")).json()
    assert there == {"answer": True, "minutes": 2.0, "made": True, "paused": False, "kept": True}
    stopped = ask(consent, lambda http: http.put("/api/growing", json={"grow": False})).json()
    assert stopped == there | {"answer": False} and folder.exists()
    consent.give()
    gone = ask(consent, lambda http: http.delete("/api/growing")).json()
    assert gone == nobody | {"answer": False}
    assert not folder.exists() and not profile_files.profile_path("me").exists() and not consent.given


@pytest.mark.parametrize("wrong", [{}, {"grow": "yes"}, {"grow": 1}, {"grow": None}])
def test_an_answer_is_yes_or_no(consent: GrowthConsent, wrong: dict[str, object]):
    assert ask(consent, lambda http: http.put("/api/growing", json=wrong)).status_code == 400
    assert consent.answer is None


@pytest.mark.parametrize(("client", "headers"), [(AWAY, {}), (HERE, PROXIED)], ids=["another machine", "a proxy"])
def test_who_comes_from_elsewhere_is_not_asked_and_changes_nothing(
    consent: GrowthConsent, client: tuple[str, int], headers: dict[str, str]
):
    status = ask(consent, lambda http: http.get("/api/status", headers=headers), client)
    assert status.json()["growing"] is False
    for method in ("GET", "DELETE"):
        answer = ask(consent, lambda http, how=method: http.request(how, "/api/growing", headers=headers), client)
        assert answer.status_code == 404
    given = ask(consent, lambda http: http.put("/api/growing", json={"grow": True}, headers=headers), client)
    assert given.status_code == 404 and consent.answer is None


def test_this_machines_browser_is_told_that_it_may_ask(consent: GrowthConsent):
    assert ask(consent, lambda http: http.get("/api/status")).json()["growing"] is True


def test_a_server_without_the_question_has_none():
    assert ask(None, lambda http: http.get("/api/status")).json()["growing"] is False
    assert ask(None, lambda http: http.get("/api/growing")).status_code == 404


@pytest.mark.parametrize(
    ("address", "own"),
    [
        (Address("127.0.0.1", 0), True),
        (Address("localhost", 0, "a-long-enough-secret"), True),
        (Address("0.0.0.0", 0, "a-long-enough-secret"), False),
        (Address("192.168.0.7", 0, "a-long-enough-secret"), False),
        (Address("127.0.0.1", 0, "a-long-enough-secret", front=front_of("https://captions.example.org", None)), False),
        (Address("127.0.0.1", 0, front=front_of(None, "127.0.0.1")), False),
    ],
)
def test_a_shared_server_never_asks(address: Address, own: bool):
    assert is_own_server(address) is own


def test_a_session_grows_a_profile_only_where_it_is_the_users_own_camera_and_he_agrees(consent: GrowthConsent):
    prepared = prepare(load_config("live", {"emotion.enabled": False}), connect, consent)
    try:
        growing = prepared.pipeline.graph.components["growing"]
        assert isinstance(growing, Growing)
        may = growing._permitted
        assert not may()
        consent.give()
        assert not may(), "a tab that is shared"
        prepared.own.set()
        assert may()
        consent.refuse()
        assert not may()
    finally:
        prepared.pipeline.stop()


def test_a_run_that_waits_is_made_anew_when_the_answer_or_the_profile_is_another_one(
    consent: GrowthConsent, monkeypatch: pytest.MonkeyPatch
):
    """The first one can never run, as where its profile was deleted while it was loaded: that ends no server."""
    monkeypatch.setattr("lipstream.web.prepare.prepare", lambda config, consent: Run.begin(config))

    async def serving() -> None:
        sessions = Sessions(lambda: prepare_own(load_config("live"), consent), 1)

        async def ready() -> Run:
            sessions.load()
            assert sessions._reserve is not None
            run = (await sessions._reserve).pipeline
            assert isinstance(run, Run)
            return run

        keep_some()
        first = await ready()
        sessions.check()
        assert await ready() is first
        for change in (consent.give, profile_files.profile_path("me").unlink, consent.refuse):
            run = await ready()
            run.fails = True
            change()
            sessions.check()
            assert await ready() is not run
            await asyncio.gather(*sessions._tasks)
            assert run.stopped
        await sessions.close()

    asyncio.run(serving())


def test_a_server_that_asks_imports_no_torch(tmp_path: Path):
    """Its import takes seconds, and the page asks how far the profile is."""
    code = (
        "import sys; from lipstream.stages.enrol import own_profile; own_profile.grown(); own_profile.usable(); "
        "sys.exit('torch' in sys.modules)"
    )
    elsewhere = os.environ | {"XDG_DATA_HOME": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", code], env=elsewhere, check=False).returncode == 0


def test_after_a_session_a_profile_is_made_only_while_its_user_agrees(
    consent: GrowthConsent, monkeypatch: pytest.MonkeyPatch
):
    begun: list[str] = []
    monkeypatch.setattr("lipstream.web.growing.runs.begin_learning", begun.append)
    learn_on(consent)
    consent.give()
    learn_on(consent)
    assert begun == ["me"]
