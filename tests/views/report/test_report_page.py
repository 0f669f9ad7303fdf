"""The page of `file --report`."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from pathlib import Path

import pytest

from lipstream.config import Config
from lipstream.pipeline import Degraded, End, UserError
from lipstream.views.recorded.record import Recorder
from lipstream.views.report import write_report
from tests.media_factory import Picture, Sound, moving, tone, write_media
from tests.views.pages import PageReader
from tests.views.records import emotion, final, recorded, seen, stats, talk, two_voices

HOSTILE = "</script><img src=x onerror=alert(1)> <!-- ${alert(1)} \x1b[31m \u202egnp &lt;b&gt; \" ' \u2028 $title ]]>"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    return write_media(folder / "talk.mp4", Sound(tone(1.0)), Picture(moving(25)))


def report(record: Recorder, source: Path, out: Path, **options: str) -> PageReader:
    write_report(record, source, out, **options)
    return PageReader(out.read_text(encoding="utf-8"))


def test_every_word_is_there_with_its_times_confidence_and_the_share_of_the_lips(tmp_path: Path, video: Path):
    record = recorded([final("Well, hello there.", 1.0, lip_gate=0.25), final("Bye.", 5.0, segment=2), *talk(0)])
    page = report(record, video, tmp_path / "r.html")
    first, second = page.data["segments"]
    assert first["words"] == [["Well,", 1.0, 1.3, 0.9], ["hello", 1.4, 1.7, 0.9], ["there.", 1.8, 2.1, 0.9]]
    assert (first["lips"], second["lips"]) == (0.25, 0.0)
    assert second["words"][0][:2] == ["Bye.", 5.0]
    # Without scripts the text can be read all the same.
    assert "Well, hello there." in "".join(page.texts["p"])


def test_the_tracks_are_there(tmp_path: Path, video: Path):
    data = report(recorded(talk(6.0)), video, tmp_path / "r.html").data
    assert data["duration"] == 6.0
    assert len(data["sound"]["t"]) == len(data["sound"]["v"]) == 30
    assert len(data["aperture"]["t"]) == 150
    assert data["faces"] == [{"face": 1, "seen": [[0.0, 6.0]], "talking": [[0.0, 6.0]], "speaker": [[0.0, 6.0]]}]
    (track,) = data["emotionTracks"]
    assert track["whose"] == "speaker"
    assert track["rows"][0] == [0, 500, 100, 400, 100, 100, 100, 100, 100, 600, 400, 1]
    assert data["troubles"] == [{"text": "Picture: the picture stands still", "span": [2.0, 3.0]}]


def test_the_figures_tell_length_words_and_speed(tmp_path: Path, video: Path):
    page = report(recorded(talk(6.0)), video, tmp_path / "r.html")
    figures = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert figures["Length"] == "6.0 s" and figures["Words"] == "10" and figures["Speed"] == "4.0 × real time"


# Nothing in it acts.


def test_hostile_text_and_names_add_no_element_and_no_attribute(tmp_path: Path, video: Path):
    def made(text: str, name: str) -> PageReader:
        record = recorded(
            [
                final(f"one {text} two"),
                seen(0.5),
                emotion(0.0),
                Degraded(modality=text, stage=text, reason=text, emitted=1.0),
                stats(),
                End(reason="finished", duration=3.0),
            ]
        )
        return report(record, video, tmp_path / f"{len(name)}.html", title=name)

    tame, hostile = made("three", "talk.mp4"), made(HOSTILE, f"{HOSTILE}.mp4")
    assert hostile.shape == tame.shape
    assert len(hostile.data["segments"]) == 1
    assert "<img src=x onerror=alert(1)>" in "".join(hostile.texts["h1"])
    assert "onerror=alert(1)>" in [word for word, *_ in hostile.data["segments"][0]["words"]]


def test_no_control_character_and_no_change_of_direction_gets_into_the_page(tmp_path: Path, video: Path):
    out = tmp_path / "r.html"
    record = recorded([final(HOSTILE), Degraded(modality="audio", stage="x", reason=HOSTILE)])
    write_report(record, video, out, title=HOSTILE)
    text = out.read_text(encoding="utf-8")
    assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cs") and char != "\n"]
    assert not set(text) & set("\u202e\u2028")


def test_the_policy_allows_what_is_in_the_page_and_nothing_else(tmp_path: Path, video: Path):
    page = report(recorded(talk(1.0)), video, tmp_path / "r.html")
    (policy,) = [each["content"] for each in page.of("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    rules = {name: values for name, *values in (rule.split() for rule in policy.split(";"))}
    assert rules["default-src"] == ["'none'"] and rules["media-src"] == ["data:"]
    assert "unsafe" not in policy and "*" not in policy

    def hashes(texts: list[str]) -> list[str]:
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

    scripts = zip(page.of("script"), page.texts["script"], strict=True)
    assert rules["script-src"] == hashes([text for attributes, text in scripts if not attributes])
    assert rules["style-src"] == hashes(page.texts["style"])
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.elements for name in attributes)


def test_no_address_leads_out_of_the_page(tmp_path: Path, video: Path):
    out = tmp_path / "r.html"
    page = report(recorded(talk(1.0)), video, out)
    links = [attributes[name] for _, attributes in page.elements for name in ("src", "href") if name in attributes]
    assert links and all(link.startswith(("data:", "#")) for link in links)
    text = re.sub(r"data:[\w/]+;base64,[\w+/=]+", "", out.read_text(encoding="utf-8"))
    assert set(re.findall(r"\w+://[^\s\"')]+", text)) <= {"http://www.w3.org/2000/svg"}


# What there is of it.


def test_of_an_interrupted_run_the_page_shows_what_there_is_and_says_so(tmp_path: Path, video: Path):
    events = [event for event in talk(6.0) if not isinstance(event, End)]
    page = report(recorded([*events, End(reason="stopped", duration=6.0)]), video, tmp_path / "r.html")
    assert "stopped early" in page.data["troubles"][0]["text"]
    assert len(page.data["segments"]) == 2


def test_a_record_of_sound_alone_has_no_faces_and_an_audio_player(tmp_path: Path):
    sound = write_media(tmp_path / "talk.wav", Sound(tone(1.0), codec="pcm_s16le"))
    record = recorded([final("Hello.", 0.1), emotion(0.0, face=None, voice=1.0), End(reason="finished", duration=1.0)])
    page = report(record, sound, tmp_path / "r.html")
    (player,) = page.of("audio")
    assert player["src"].startswith("data:audio/wav;base64,") and not page.of("video")
    assert page.data["faces"] == [] and page.data["aperture"]["t"] == []
    assert page.data["emotionTracks"][0]["rows"][0][-3:] == [0, 1000, 1]


def test_an_empty_record_makes_a_page(tmp_path: Path, video: Path):
    data = report(Recorder(), video, tmp_path / "r.html").data
    assert data["segments"] == [] and data["duration"] > 0


def test_an_hour_makes_a_page_of_a_megabyte_and_not_of_a_hundred(tmp_path: Path, video: Path):
    out = tmp_path / "r.html"
    page = report(recorded(talk(3600.0)), video, out, media_url="/media")
    assert out.stat().st_size < 2_000_000
    assert sum(len(segment["words"]) for segment in page.data["segments"]) == 6000


# The file.


def test_what_was_there_stays_whole_until_the_page_is_complete(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "r.html"
    out.write_text("the page of yesterday")

    def broken(*_: object):
        yield b"data:"
        raise UserError("the disk is gone")

    monkeypatch.setattr("lipstream.views.report.page.data_uri", broken)
    with pytest.raises(UserError, match="the disk is gone"):
        write_report(recorded(talk(1.0)), video, out)
    assert out.read_text() == "the page of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_a_recording_beyond_the_usual_limits_has_its_report_where_the_user_has_allowed_it(tmp_path: Path):
    source = write_media(tmp_path / "a.wav", Sound(tone(0.5, 16_000, channels=33), 16_000, "33 channels", "pcm_s16le"))
    with pytest.raises(UserError, match="the limit is 32"):
        write_report(recorded(talk(0.5)), source, tmp_path / "r.html")
    write_report(recorded(talk(0.5)), source, tmp_path / "r.html", config=Config(limits={"max_channels": 64}))
    assert (tmp_path / "r.html").is_file()


def test_a_recording_that_was_cut_off_at_the_limit_has_its_report(tmp_path: Path, video: Path):
    write_report(recorded(talk(0.5)), video, tmp_path / "r.html", config=Config(limits={"max_duration": 0.5}))
    assert (tmp_path / "r.html").is_file()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, video: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_report(Recorder(), video, tmp_path / "file" / "r.html")


def test_the_page_holds_the_transcript_in_every_format_of_text(tmp_path: Path, video: Path):
    record = recorded([final("Well, hello there.", 1.0), End(reason="finished", duration=3.0)])
    downloads = report(record, video, tmp_path / "r.html", title="my/talk.mp4").data["downloads"]
    assert downloads["name"] == "talk"
    assert downloads["texts"]["txt"] == "Well, hello there.\n"
    assert downloads["texts"]["srt"] == "1\n00:00:01,000 --> 00:00:02,100\nWell, hello there.\n\n"
    assert {"vtt", "ass", "tsv"} <= set(downloads["texts"])
    silent = report(recorded([End(reason="finished", duration=3.0)]), video, tmp_path / "s.html")
    assert silent.data["downloads"]["texts"] == {}


def test_the_transcript_of_the_page_has_the_speakers_that_are_known_at_the_end(tmp_path: Path, video: Path):
    record = recorded([*two_voices(), End(reason="finished", duration=3.0)])
    texts = report(record, video, tmp_path / "r.html").data["downloads"]["texts"]
    assert texts["txt"] == "Is it?\n- It is.\n"
    assert "<v Speaker 1>-Is it?</v>\n<v Bo>-It is.</v>" in texts["vtt"]


def test_the_subtitles_of_the_page_are_cut_as_those_of_the_run(tmp_path: Path, video: Path):
    record = recorded([final("Well, hello there.", 1.0), End(reason="finished", duration=3.0)])
    page = report(record, video, tmp_path / "r.html", config=Config(subtitles={"max_chars": 8}))
    assert "Well,\nhello\n" in page.data["downloads"]["texts"]["srt"]
