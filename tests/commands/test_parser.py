"""What a mistyped verb, option or choice is answered with."""

from __future__ import annotations

import pytest

from lipstream.commands.main import main


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The usage and the message; nothing goes to standard output, and the exit code is 2."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    *usage, message = err.splitlines()
    return " ".join(usage), message


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["fil"], "file"),
        (["fil", "talk.mp4"], "file"),
        (["Serve"], "serve"),
        (["doctr"], "doctor"),
        (["models", "pul"], "pull"),
        (["config", "shw", "live"], "show"),
        (["train", "speec"], "speech"),
        (["file", "a.mp4", "--pace", "maxx"], "max"),
        (["live", "--camra", "0"], "--camera"),
        (["live", "--camra=0"], "--camera"),
        (["live", "--shwo", "-q"], "--show"),
        (["file", "talk.mp4", "--no-vido"], "--no-video"),
        (["file", "--no-vido"], "--no-video"),
        (["models", "pull", "--forse"], "--force"),
        (["--versoin"], "--version"),
    ],
)
def test_what_was_meant_is_suggested(arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]):
    _, message = refused(arguments, capsys)
    assert message.endswith(f", did you mean '{meant}'?")


@pytest.mark.parametrize(
    "arguments", [["xyzzy"], ["live", "--xyzzy"], ["live", "-x"], ["live", "more"], ["file"], ["live", "--mic"], []]
)
def test_nothing_is_suggested_where_nothing_is_like_it(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    _, message = refused(arguments, capsys)
    assert "did you mean" not in message


def test_the_options_of_a_mistyped_verb_are_not_taken_for_those_of_the_program(capsys: pytest.CaptureFixture[str]):
    _, message = refused(["fil", "talk.mp4", "--verbose"], capsys)
    assert message.endswith(", did you mean 'file'?") and "--version" not in message


def test_an_unknown_option_is_shown_with_the_usage_of_its_verb(capsys: pytest.CaptureFixture[str]):
    usage, message = refused(["live", "--camra", "0"], capsys)
    assert usage.startswith("usage: lipstream live [-h] [--camera")
    assert message == (
        "lipstream live: error: unrecognized arguments: --camra 0; there is no --camra, did you mean '--camera'?"
    )


def test_options_may_still_be_shortened(capsys: pytest.CaptureFixture[str]):
    _, message = refused(["live", "--cam", "none", "--mic", "none", "--frmats", "txt"], capsys)
    assert "--cam," not in message and message.endswith("there is no --frmats, did you mean '--formats'?")


def test_what_comes_behind_two_dashes_is_no_option(capsys: pytest.CaptureFixture[str]):
    assert main(["file", "--", "--camra.mp4"]) == 2
    err = capsys.readouterr().err
    assert "did you mean" not in err and "'--camra.mp4' does not exist" in err
