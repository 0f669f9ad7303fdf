"""What a mistyped verb, option or choice is answered with."""

from __future__ import annotations

import pytest

from lipstream.commands.main import main


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The message, one line; nothing goes to standard output, and the exit code is 2."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    [message] = err.splitlines()
    return message


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
        (["people", "remove", "ann"], "delete"),
        (["file", "talk.mp4", "--model", "base"], "--quality"),
    ],
)
def test_what_was_meant_is_suggested(arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]):
    message = refused(arguments, capsys)
    assert message.endswith(f", did you mean '{meant}'?")


@pytest.mark.parametrize(
    "arguments", [["xyzzy"], ["live", "--xyzzy"], ["live", "-x"], ["live", "more"], ["file"], ["live", "--mic"]]
)
def test_nothing_is_suggested_where_nothing_is_like_it(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    message = refused(arguments, capsys)
    assert "did you mean" not in message and f"lipstream{' live' * (arguments[0] == 'live')}" in message


def test_a_recording_in_place_of_a_verb_is_captioned_with_file(capsys: pytest.CaptureFixture[str]):
    assert refused(["talk.mp4"], capsys).endswith(", did you mean: lipstream file talk.mp4")


def test_an_option_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]):
    assert refused(["--bogus"], capsys).endswith("; there is no --bogus")


def test_a_name_that_begins_with_a_dash_is_told_how_to_be_given(capsys: pytest.CaptureFixture[str]):
    assert refused(["file", "-talk.wav"], capsys).endswith("is given as ./-talk.wav")


def test_who_gives_nothing_is_shown_what_there_is(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("usage: lipstream") and "lipstream file talk.mp4" in err


def test_the_options_of_a_mistyped_verb_are_not_taken_for_those_of_the_program(capsys: pytest.CaptureFixture[str]):
    message = refused(["fil", "talk.mp4", "--verbose"], capsys)
    assert message.endswith(", did you mean 'file'?") and "--version" not in message


def test_an_unknown_option_is_the_mistake_of_its_verb(capsys: pytest.CaptureFixture[str]):
    message = refused(["live", "--camra", "0"], capsys)
    assert message == (
        "lipstream live: error: unrecognized arguments: --camra 0; there is no --camra, did you mean '--camera'?"
    )


def test_options_may_still_be_shortened(capsys: pytest.CaptureFixture[str]):
    message = refused(["live", "--cam", "none", "--mic", "none", "--frmats", "txt"], capsys)
    assert "--cam," not in message and message.endswith("there is no --frmats, did you mean '--formats'?")


def test_what_comes_behind_two_dashes_is_no_option(capsys: pytest.CaptureFixture[str]):
    assert main(["file", "--", "--camra.mp4"]) == 2
    err = capsys.readouterr().err
    assert "did you mean" not in err and "'--camra.mp4' does not exist" in err
