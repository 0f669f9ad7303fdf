"""`serve` as a command: where it may listen, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import ssl
import threading
from pathlib import Path

import pytest

import lipstream.commands.serve
from lipstream.commands.failures import guarded
from lipstream.commands.parser import PlainParser
from lipstream.config import load_config
from lipstream.pipeline import UserError
from lipstream.web.address import Address
from lipstream.web.server import Service, serve
from tests.web.fakes import PATIENCE, Runs, first, server
from tests.web.ops.certificate import certificate_in

TOKEN = "a-long-enough-secret"


def run(*arguments: str) -> int:
    parser = PlainParser()
    lipstream.commands.serve.add(parser.add_subparsers())
    args = parser.parse_args(["serve", *arguments])
    return guarded(args.run, args)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    runs = Runs()
    monkeypatch.setattr("lipstream.web.prepare.prepare", lambda config, consent=None: runs.prepare())
    monkeypatch.setattr("lipstream.stages.enrol.consent.consent_path", lambda: tmp_path / "growing.json")
    return runs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "choose a token with --token-file"),
        (["--host", "0.0.0.0", "--token", "short"], "expected at least 8 characters"),
        (["--certfile", "cert.pem"], "belong together"),
        (["--certfile", "none.pem", "--keyfile", "none.pem"], "cannot use the certificate none.pem"),
        (["--host", "no.such.host.invalid", "--token", TOKEN], "cannot listen on no.such.host.invalid"),
        (["--set", "vad.threshold=7"], "vad.threshold"),
        (["--public-url", "captions.example.org"], "expected such as https://example.org"),
        (["--public-url", "https://example.org/?x=1"], "expected such as https://example.org"),
        (["--public-url", "https://example.org"], "choose a token with --token-file"),
        (["--token", TOKEN, "--token-file", "token.txt"], "give one of them"),
        (["--token-file", "no-such-file.txt"], "cannot read the token in no-such-file.txt: No such file"),
        (["--token-file", __file__], "expected one line"),
        (["--trusted-proxies", "127.0.0.1,nginx"], "--trusted-proxies nginx"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(scripted: Runs, capsys, arguments: list[str], said: str):
    assert run("--port", "0", *arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("lipstream: error: ") and said in err and err.count("\n") == 1
    assert scripted.made == []


def test_a_configuration_of_ones_own_holds_for_recordings_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    served: list[Service] = []
    monkeypatch.setattr("lipstream.web.server.serve", lambda address, service, asked, ready: served.append(service))
    mine = tmp_path / "mine.yaml"
    mine.write_text("mode: live\nemotion: {enabled: false}\nspeech: {language: de, terms: [Ada Lovelace]}\nvad:\n")
    assert run("--config", str(mine), "--set", "speech.numerals=as_heard", "--max-upload-minutes", "2") == 0
    live, recordings = served[0].live, served[0].recordings
    for config in (live, recordings):
        assert not config.emotion.enabled
        assert (config.speech.language, config.speech.terms) == ("de", ("Ada Lovelace",))
    # What it does not name is as for the two kinds of runs.
    assert (live.mode, recordings.mode) == ("live", "file")
    assert recordings.vad == load_config("file").vad and recordings.limits.max_duration == 120
    assert recordings.face.report_rate > 0


def test_a_port_that_is_taken_is_said_in_one_line(scripted: Runs, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run("--port", str(taken.getsockname()[1])) == 2
    err = capsys.readouterr().err
    assert "--port chooses another port" in err and err.count("\n") == 1


@pytest.mark.parametrize("wrong", ["-1", "65536", "web"])
def test_a_port_is_a_number(wrong: str):
    with pytest.raises(SystemExit):
        run("--port", wrong)


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(lipstream.commands.serve, "find_spec", lambda name: None if name == "aiortc" else True)
    assert run() == 2
    said = capsys.readouterr().err
    assert said.endswith("serve needs aiortc, which is not installed: pip install 'lipstream[web]'\n")


def test_ctrl_c_ends_it_cleanly_and_it_says_where_to_open_the_page(scripted: Runs, capsys, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or signal.raise_signal(signal.SIGINT))
    assert run("--port", "0", "--token", TOKEN, "--open") == 0
    err = capsys.readouterr().err
    assert err.startswith("lipstream: open http://127.0.0.1:") and f"/?token={TOKEN} " in err and err.count("\n") == 1
    assert opened == [err.split()[2]]
    assert all(made.pipeline.wait(PATIENCE) for made in scripted.made)


@pytest.mark.parametrize("where", ["file", "environment"])
def test_a_token_can_be_kept_out_of_the_command_line_and_is_then_not_shown(
    where: str, scripted: Runs, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or signal.raise_signal(signal.SIGINT))
    (tmp_path / "token.txt").write_text(f"{TOKEN}\n")
    if where == "environment":
        monkeypatch.setenv("LIPSTREAM_TOKEN", TOKEN)
    given = ["--token-file", str(tmp_path / "token.txt")] if where == "file" else []
    assert run("--port", "0", "--open", *given) == 0
    err = capsys.readouterr().err
    assert "/?token=TOKEN " in err and TOKEN not in err
    assert opened[0].endswith(f"/?token={TOKEN}")


def test_the_log_can_be_lines_of_json_without_the_token(scripted: Runs, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr("webbrowser.open", lambda url: signal.raise_signal(signal.SIGINT))
    assert run("--port", "0", "--token", TOKEN, "--open", "--log-format", "json") == 0
    err = capsys.readouterr().err
    told = [json.loads(line) for line in err.splitlines()]
    assert "ready" in [each["message"] for each in told] and TOKEN not in err


def test_a_run_that_hangs_while_it_loads_does_not_keep_the_server_from_ending():
    hang, asked = threading.Event(), threading.Event()
    runs = Runs(before=lambda: hang.wait(2 * PATIENCE))
    service = _service(runs)
    done = threading.Thread(target=serve, args=(Address("127.0.0.1", 0), service, asked, lambda url: asked.set()))
    done.start()
    done.join(PATIENCE)
    assert not done.is_alive() and not hang.is_set()
    hang.set()


def _service(runs: Runs):
    from lipstream.web.files.uploads import UploadLimits

    return Service(runs.prepare, 1, load_config("file"), UploadLimits(1000, 60.0), load_config("live"))


def test_an_ipv6_address_is_bracketed():
    assert Address("::1", 0).url(8765) == "http://[::1]:8765/"


def test_another_host_than_this_machine_needs_a_token():
    with pytest.raises(UserError, match="--token"):
        Address("192.0.2.1", 0).check()
    Address("192.0.2.1", 0, TOKEN).check()
    Address("localhost", 0).check()


def test_with_a_certificate_it_speaks_https(tmp_path: Path):
    certificate, key = certificate_in(tmp_path)

    async def scenario() -> bytes:
        address = Address("127.0.0.1", 0, certificate=(certificate, key))
        address.check()
        async with server(address=address) as here:
            assert here.base.startswith("https://127.0.0.1:")
            context = ssl.create_default_context(cafile=str(certificate))
            context.check_hostname = False
            reader, writer = await asyncio.open_connection("127.0.0.1", int(here.base.rpartition(":")[2]), ssl=context)
            writer.write(b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(scenario()).startswith(b"HTTP/1.1 200 OK")


def test_requests_that_are_too_long_or_no_json_are_refused():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            post = browser.http.post
            assert (await post("/api/sessions", content=b"x" * 200_000)).status_code == 413
            for wrong in (b"", b"{", b"[]", b'{"type": "offer", "sdp": "v=0"}', b"[" * 50_000):
                refused = await post("/api/sessions", content=wrong)
                assert refused.status_code == 400 and refused.json()["message"], wrong[:20]
            broken = (await browser.offer()).replace("a=fingerprint", "a=fingerprnt").replace("a=ice-pwd", "a=ice-pw")
            refused = await browser.post_offer(broken)
            assert refused.status_code == 400 and refused.json()["error"] == "bad offer"
            assert (await browser.http.get("/api/status")).json()["sessions"] == 0
            await browser.close()

    asyncio.run(scenario())


def test_the_log_holds_nothing_of_the_requests(caplog: pytest.LogCaptureFixture):
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.http.get("/api/%1b[31msecret", params={"token": "\x1b[31msecret"})
            await browser.connect()
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal")
            await browser.close()

    with caplog.at_level("INFO"):
        asyncio.run(scenario())
    mine = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "uvicorn"))]
    assert not [record for record in mine if "secret" in record.getMessage() or "Beep" in record.getMessage()]
