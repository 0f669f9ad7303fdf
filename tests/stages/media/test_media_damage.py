"""What a damaged file still gives, and what is said about it."""

import pytest

from lipstream.pipeline import UserError
from lipstream.stages.media.probe import probe
from tests.media_factory import Picture, Sound, joined, moving, scribbled, tone, truncated, write_media
from tests.stages.media.media_runs import RATE, hear, reasons, sound, watch


def talk(folder, name, seconds=4.0):
    options = {"mp4": {"movflags": "faststart"}, "webm": {"cluster_time_limit": "500"}}.get(name.rsplit(".", 1)[1], {})
    codecs = {"webm": ("libvpx", "libopus"), "avi": ("mpeg4", "libmp3lame")}
    video, audio = codecs.get(name.rsplit(".", 1)[1], ("libx264", "aac"))
    picture = Picture(moving(round(seconds * 25)), codec=video, options={} if video != "libx264" else {"g": "10"})
    return write_media(folder / name, Sound(tone(seconds), codec=audio), picture, container_options=options)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.ts", "a.avi"])
def test_a_file_cut_off_gives_what_is_left_and_says_so(tmp_path, name):
    path = truncated(talk(tmp_path, name), tmp_path / f"cut_{name}", 0.6)
    heard, seen = hear(path), watch(path)
    assert 1.0 < len(sound(heard)) / RATE < 3.2
    assert 25 < len(seen) < 80
    if not name.endswith("ts"):  # a transport stream has no length written in it
        assert len(reasons(heard)) == 1 and "damaged after" in reasons(heard)[0]
        assert len(reasons(seen)) == 1 and "damaged after" in reasons(seen)[0]


def test_a_wav_file_cut_off_says_so(tmp_path):
    whole = write_media(tmp_path / "a.wav", Sound(tone(2.0, RATE), RATE, codec="pcm_s16le"))
    run = hear(truncated(whole, tmp_path / "cut.wav", 0.5))
    assert len(sound(run)) / RATE == pytest.approx(1.0, abs=0.05)
    assert "damaged after" in reasons(run)[0]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_file_written_to_a_pipe_is_not_damaged(tmp_path, size):
    path = write_media(tmp_path / "a.wav", Sound(tone(1.0, RATE), RATE, codec="pcm_s16le"))
    data = bytearray(path.read_bytes())
    data[4:8] = size.to_bytes(4, "little")
    at = data.index(b"data") + 4
    data[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    run = hear(path)
    assert len(sound(run)) == RATE and run.events == []


def with_size_of_data(path, size):
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("size", [RATE, 2 * RATE + 1])
def test_a_wav_file_is_read_beyond_the_end_that_a_crashed_recorder_or_4_gb_have_left_in_its_header(tmp_path, size):
    path = write_media(tmp_path / "a.wav", Sound(tone(3.0, RATE), RATE, codec="pcm_s16le"))
    with_size_of_data(path, size)
    run = hear(path)
    assert len(sound(run)) == 3 * RATE
    assert [event.kind for event in run.events] == ["length"]
    assert probe(path).duration is None


@pytest.mark.parametrize("behind", [b"LIST" + (40_000).to_bytes(4, "little") + bytes(40_000), b"TAG" + bytes(125)])
def test_what_stands_behind_the_sound_of_a_wav_file_is_not_taken_for_sound(tmp_path, behind):
    path = write_media(tmp_path / "a.wav", Sound(tone(1.0, RATE), RATE, codec="pcm_s16le"))
    path.write_bytes(path.read_bytes() + behind)
    run = hear(path)
    assert len(sound(run)) == RATE and run.events == []


def test_damage_is_said_to_be_where_it_is_though_sound_is_read_ahead(tmp_path):
    parts = [write_media(tmp_path / name, Sound(tone(2.0))) for name in ("a.ts", "b.ts")]
    (reason,) = reasons(hear(joined(parts, tmp_path / "both.ts")))
    assert reason == "the sound has time stamps that jump at 2.0 s"


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.ts", "a.avi"])
def test_damage_in_the_middle_is_skipped(tmp_path, name):
    path = scribbled(talk(tmp_path, name), tmp_path / f"bad_{name}", 0.45, 1500)
    heard, seen = hear(path), watch(path)
    # What comes behind the damage is there, at its own time.
    assert heard[-1].end / 1e6 == pytest.approx(4.0, abs=0.2)
    assert seen[-1].timestamp / 1e6 == pytest.approx(4.0, abs=0.3)
    assert len(seen) > 60


def test_packets_that_cannot_be_decoded_are_counted_and_reported_once(tmp_path):
    path = scribbled(talk(tmp_path, "a.mp4"), tmp_path / "bad.mp4", 0.45, 1500)
    run = hear(path)
    assert run.counters["audio.packets_undecodable"] >= 1
    assert [type(event).__name__ for event in run.events] == ["Degraded", "Recovered"]
    assert run.counters["audio.filled_seconds"] > 0


def test_noise_instead_of_sound_and_picture_is_an_error_with_its_cause(tmp_path):
    path = talk(tmp_path, "a.mp4")
    whole = path.read_bytes()
    at = whole.index(b"mdat") + 8
    path.write_bytes(whole[:at] + bytes(len(whole) - at))
    for read in (hear, watch):
        with pytest.raises(UserError, match=r"cannot be used: .*(could be decoded|too short)"):
            read(path)


def test_damaged_files_read_the_same_every_time(tmp_path):
    path = scribbled(talk(tmp_path, "a.ts"), tmp_path / "bad.ts", 0.3, 3000)
    first, second = hear(path), hear(path)
    assert (sound(first) == sound(second)).all()
    assert first.counters == second.counters
    seen = [[packet.payload.image.tobytes() for packet in watch(path)] for _ in range(3)]
    assert seen[0] == seen[1] == seen[2]


def test_a_sound_file_without_samples_says_so(tmp_path):
    whole = write_media(tmp_path / "a.wav", Sound(tone(0.5, RATE), RATE, codec="pcm_s16le"))
    data = whole.read_bytes()
    at = data.index(b"data") + 4
    header = data[:at] + bytes(4)
    whole.write_bytes(header[:4] + (len(header) - 8).to_bytes(4, "little") + header[8:])
    with pytest.raises(UserError, match="nothing in it could be decoded"):
        hear(whole)
