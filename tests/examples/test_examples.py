"""Every example runs as it is, on a few seconds of real speech."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import runpy
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lipstream.events import TranscriptCorrected, TranscriptFinal, Word
from tests.media_factory import Sound, beginning, write_media

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def speech(obama_audio: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ "Today, after two years of negotiations." without a picture, which would cost most of the time."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    samples = np.pad(obama_audio[None, int(0.8 * 16_000) : int(3.9 * 16_000)], ((0, 0), (0, 8_000)))
    return write_media(path, Sound(samples, rate=16_000, codec="pcm_s16le"))


def started(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an example as its user does."""
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)]
    # What an installed Lipstream does by itself.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=280)


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an example as a program in this process, which has all modules, and after one of them the networks too."""
    path, out, err, code = str(ROOT / "examples" / name), io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [path, *map(str, arguments)])
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=err)
    return subprocess.CompletedProcess([name], code, out.getvalue(), err.getvalue())


def said(text: str) -> str:
    return " ".join(text.lower().replace(",", "").replace(".", "").split())


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.removesuffix(".py"), ROOT / "examples" / name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_seven_and_each_is_short():
    assert len(EXAMPLES) == 7
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 60 for path in EXAMPLES)


@pytest.mark.media
def test_print_captions(speech: Path):
    done = started("print_captions.py", speech)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    start, text = line.split(maxsplit=1)
    assert 0 < float(start) < 1 and said(text) == "today after two years of negotiations"
    # Of the missing picture it tells elsewhere.
    assert "picture" in done.stderr


@pytest.mark.media
def test_emotions_to_csv(speech: Path, tmp_path: Path):
    done = run("emotions_to_csv.py", tmp_path / "e.csv", speech)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "e.csv").open(newline="", encoding="utf-8") as file:
        first, *rest = csv.DictReader(file)
    assert (first["who"], first["from"], float(first["voice"])) == ("voice", "unknown", 1.0)
    # What is unclear has no probability.
    assert first["to"] != "unknown" and (first["to"] == "unclear") == (first["probability"] == "")
    assert all(0 < float(row["probability"]) <= 1 for row in (first, *rest) if row["probability"])


@pytest.mark.media
def test_to_sqlite(speech: Path, tmp_path: Path):
    done = run("to_sqlite.py", tmp_path / "c.db", speech)
    assert done.returncode == 0, done.stderr
    database = sqlite3.connect(tmp_path / "c.db")
    try:
        ((text, source),) = database.execute("SELECT text, source FROM segments JOIN runs ON runs.id = run")
        words = [word for (word,) in database.execute("SELECT word FROM words ORDER BY start")]
        ((emotions,),) = database.execute("SELECT count(*) FROM emotions")
    finally:
        database.close()
    assert said(text) == said(" ".join(words)) == "today after two years of negotiations"
    assert source == str(speech) and emotions >= 6


def test_to_sqlite_has_the_corrected_text():
    example = load("to_sqlite.py")
    words = [Word(word=word, start=at, end=at + 0.5, confidence=1.0) for at, word in enumerate(("wether", "weather"))]
    final = TranscriptFinal(segment=1, start=0.0, end=0.5, text="wether", words=(words[0],))
    told = TranscriptCorrected(segment=1, start=1.0, end=1.5, previous="wether", text="weather", words=(words[1],))
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(example.TABLES)
        for event in (final, told):
            example.keep(database, 1, event)
        assert database.execute('SELECT start, "end", text FROM segments').fetchall() == [(1.0, 1.5, "weather")]
        assert database.execute("SELECT word FROM words").fetchall() == [("weather",)]
    finally:
        database.close()


@pytest.mark.media
def test_on_phrase(speech: Path):
    done = run("on_phrase.py", "TWO years of!", speech)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert 1.3 < float(line.removeprefix("said at ").removesuffix(" s")) < 1.8


@pytest.mark.media
def test_push_source(speech: Path, obama_speech: Path, tmp_path: Path):
    done = run("push_source.py", speech)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert said(line.split(maxsplit=1)[1]) == "today after two years of negotiations"
    # With a picture, whose frames come between the sound.
    pushed = run("push_source.py", beginning(obama_speech, tmp_path / "talk.mp4", 5.0))
    assert pushed.returncode == 0, pushed.stderr
    assert "after two years of negotiations" in said(pushed.stdout) and "united states" in said(pushed.stdout)


def test_push_source_without_a_recording_is_one_line(tmp_path: Path):
    done = run("push_source.py", tmp_path / "none.mp4")
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.fixture
def server() -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """A WebSocket server of this machine, and what it was sent until the connection was closed."""
    sync = pytest.importorskip("websockets.sync.server", reason="websockets is not installed (pip install '.[dev]')")
    messages: list[str] = []
    over = threading.Event()

    def take(connection: Iterable[str]) -> None:
        messages.extend(connection)
        over.set()

    def sent() -> list[str]:
        # A client is through before the server has taken the last messages from its queue.
        assert over.wait(60)
        return messages

    with sync.serve(take, "127.0.0.1", 0) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{serving.socket.getsockname()[1]}", sent
        serving.shutdown()
        thread.join(60)


@pytest.mark.media
def test_to_websocket(speech: Path, server: tuple[str, Callable[[], list[str]]]):
    url, sent = server
    done = run("to_websocket.py", url, speech)
    assert done.returncode == 0, done.stderr
    events = [json.loads(message) for message in sent()]
    (final,) = [event for event in events if event["event"] == "TranscriptFinal"]
    assert said(final["text"]) == "today after two years of negotiations"
    assert events[-1]["event"] == "End"


def test_a_server_that_is_not_there_is_one_line(speech: Path):
    pytest.importorskip("websockets")
    done = run("to_websocket.py", "ws://127.0.0.1:1", speech)
    assert done.returncode == 1 and done.stderr.startswith("error: ws://127.0.0.1:1: ")
    assert len(done.stderr.splitlines()) == 1


def test_without_websockets_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(SystemExit, match="pip install 'websockets"):
        load("to_websocket.py")


# The phrase, heard in scripted captions.


def heard(phrase: str, *captions: tuple[float, str]) -> list[float]:
    times: list[float] = []
    listener = load("on_phrase.py").PhraseListener(phrase, times.append)
    for number, (start, text) in enumerate(captions, 1):
        words = tuple(
            Word(word=word, start=start + 0.5 * at, end=start + 0.5 * at + 0.4, confidence=0.9)
            for at, word in enumerate(text.split())
        )
        listener(TranscriptFinal(segment=number, start=start, end=words[-1].end, text=text, words=words))
    return times


@pytest.mark.parametrize(
    ("captions", "times"),
    [
        ([(1.0, "So, next slide, please. Thanks.")], [1.5]),
        ([(1.0, "Well. Next"), (2.5, "slide. PLEASE!")], [1.5]),
        ([(1.0, "Next slide please next slide please")], [1.0, 2.5]),
        ([(1.0, "Next next slide please")], [1.5]),
        ([(1.0, "Next slide"), (9.0, "please go on")], []),
        ([(1.0, "Nextslide please, next slides please")], []),
        ([(1.0, "The next slide-please")], [1.5]),
    ],
    ids=["punctuation", "two captions", "twice", "false start", "a long pause between", "other words", "hyphen"],
)
def test_a_phrase_is_heard_whatever_its_form(captions: list[tuple[float, str]], times: list[float]):
    assert heard("Next slide, please", *captions) == pytest.approx(times)


def test_an_apostrophe_is_one_however_it_is_drawn():
    assert heard("let's go", (0.0, "Let\u2019s go!")) == [0.0]
