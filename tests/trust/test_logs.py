"""What is said is in the outputs and on the terminal, never in the log at its default level."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest

from lipstream import Pipeline
from lipstream.commands.main import main
from lipstream.config import load_config
from lipstream.events import TranscriptFinal
from lipstream.pipeline import EventSink, PipelineError
from lipstream.stages.sinks import ConsoleSink, SrtWriter
from tests.commands.conftest import captions, consent, recording  # noqa: F401
from tests.commands.fakes import Captions, sentence
from tests.trust.conftest import WatchedRun

SECRET = "Xylophone quarrels vex mercurial zebras"


def words(text: str) -> list[str]:
    # Shorter ones, such as "after", are in the lines of Lipstream itself.
    return [word for word in re.findall(r"[a-z']+", text.lower()) if len(word) > 5]


@pytest.mark.media
@pytest.mark.parametrize("what", ["file", "live"])
def test_no_word_of_real_speech_is_logged(watched: Callable[[str], WatchedRun], what: str):
    run = watched(what)
    spoken = words(" ".join(run.texts))
    assert len(spoken) > 5
    logged = set(words(run.err)) | set(words("\n".join(run.logged)))
    assert [word for word in spoken if word in logged] == []


@pytest.mark.media
def test_live_captions_go_to_standard_output(watched: Callable[[str], WatchedRun]):
    run = watched("live")
    assert all(text in run.out for text in run.texts)


class Failing(EventSink):
    def handle(self, event: object) -> None:
        if isinstance(event, TranscriptFinal):
            raise RuntimeError("out of order")


def failing(self: object, event: object) -> None:
    raise RuntimeError("out of order")


def no_secret_in(*texts: str) -> bool:
    return not set(words(SECRET)) & set(words("\n".join(texts)))


@pytest.mark.parametrize("culprit", ["console", "writer", "stage", "bug"])
def test_no_failure_puts_the_transcript_into_the_log(
    captions: Captions,  # noqa: F811
    recording: Callable[[str], object],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    culprit: str,
):
    captions.steps = [sentence(SECRET, 0.2), *([RuntimeError("out of order")] if culprit == "stage" else [])]
    if culprit == "console":
        monkeypatch.setattr(ConsoleSink, "handle", failing)
    elif culprit == "writer":
        monkeypatch.setattr(SrtWriter, "handle", failing)
    elif culprit == "bug":
        monkeypatch.setattr("lipstream.commands.transcribe._summary", lambda *args: 1 / 0)
    arguments = ["file", str(recording("talk.wav")), "-f", "srt", "-o", "out"]
    if culprit == "bug":
        with pytest.raises(ZeroDivisionError):
            main(arguments)
    else:
        main(arguments)
    out, err = capsys.readouterr()
    assert no_secret_in(err, caplog.text), err
    assert culprit in ("console", "bug") or SECRET in out
    assert culprit == "bug" or "out of order" in err


def test_a_failing_hook_is_logged_without_what_it_was_given(
    captions: Captions,  # noqa: F811
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    captions.steps = [sentence(SECRET, 0.2)]
    pipeline = Pipeline(load_config("file", {"input": "none.wav"}), captions.build)
    pipeline.on(TranscriptFinal, lambda event: [][len(event.words)])
    pipeline.add_sink("failing", Failing())
    with caplog.at_level(logging.WARNING):
        try:
            pipeline.run()
        except PipelineError as error:
            assert no_secret_in(str(error))
    assert "IndexError" in caplog.text
    assert no_secret_in(caplog.text, *capfd.readouterr())


def test_the_words_of_a_transcript_are_logged_on_request_only(
    captions: Captions,  # noqa: F811
    recording: Callable[[str], object],  # noqa: F811
    capsys: pytest.CaptureFixture[str],
):
    captions.steps = [sentence(SECRET, 0.2)]
    main(["file", str(recording("talk.wav")), "-f", "txt", "-o", "out", "--verbose"])
    assert not no_secret_in(capsys.readouterr().err)
