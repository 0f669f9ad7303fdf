import threading

import numpy as np
import pytest

from lipstream.config.schema import Pace
from lipstream.pipeline import UserError
from lipstream.pipeline.testing import run_source
from lipstream.stages.media.audio import MediaAudio
from tests.media_factory import Picture, Sound, beeps, joined, moving, tone, write_media
from tests.stages.media.media_runs import RATE, SelfMovingClock, bursts, hear, level, reasons, sound, times


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_any_rate_becomes_16_khz_without_drift_or_loss(tmp_path, rate):
    path = write_media(tmp_path / "a.wav", Sound(tone(2.0, rate), rate, codec="pcm_s16le"))
    run = hear(path)
    samples = sound(run)
    assert len(samples) == 32_000
    expected = tone(2.0, RATE)[0]
    inner = slice(400, -400)
    assert np.abs(samples[inner] - expected[inner]).max() < 1e-3
    assert not run.counters and not run.events


@pytest.mark.parametrize(
    ("layout", "channels", "loudest"),
    [("mono", 1, 0.3), ("stereo", 2, 0.3), ("3.0", 3, 0.6), ("quad", 4, 0.6), ("5.1", 6, 0.6), ("7.1", 8, 0.6)],
)
def test_channels_are_mixed_at_a_sensible_level(tmp_path, layout, channels, loudest):
    samples = tone(0.5, channels=channels)
    path = write_media(tmp_path / "a.mkv", Sound(samples, layout=layout, codec="pcm_s16le"))
    assert 0.29 < level(sound(hear(path))[800:-800]) < loudest * 1.02


def test_a_voice_in_the_centre_of_surround_sound_stays_audible(tmp_path):
    samples = np.zeros((6, 24_000), np.float32)
    samples[2] = tone(0.5)[0]
    path = write_media(tmp_path / "a.mkv", Sound(samples, layout="5.1", codec="pcm_s16le"))
    assert level(sound(hear(path))[800:-800]) > 0.15


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.flac", "a.mkv", "a.webm", "a.ts", "a.flv", "a.ogg"])
def test_usual_containers_keep_the_length_without_gaps(tmp_path, name):
    codecs = {"a.mp3": "libmp3lame", "a.flac": "flac", "a.webm": "libopus", "a.ogg": "libopus"}
    path = write_media(tmp_path / name, Sound(tone(3.0), codec=codecs.get(name, "aac")))
    run = hear(path)
    samples = sound(run)
    # Encoders round up to whole frames, and not every container says how much of that to cut off again.
    assert 3.0 <= len(samples) / RATE < 3.08
    # Only the encoder's run-in may be quiet: rounded timestamps must not tear holes.
    windows = samples[1600 : 16_000 * 3 - 800]
    windows = windows[: len(windows) // 160 * 160].reshape(-1, 160)
    assert np.sqrt(np.mean(windows**2, axis=1)).min() > 0.15
    assert run.counters == {} and run.events == []


def test_every_block_but_the_last_has_the_same_size(tmp_path):
    run = hear(write_media(tmp_path / "a.wav", Sound(tone(1.01, RATE), RATE, codec="pcm_s16le")))
    sizes = [len(packet.payload.samples) for packet in run]
    assert set(sizes[:-1]) == {512}
    assert sum(sizes) == 16_160


def test_the_sound_keeps_its_late_start(tmp_path):
    path = write_media(tmp_path / "a.mkv", Sound(tone(1.0), start=0.75, codec="pcm_s16le"), Picture(moving(25)))
    run = hear(path)
    assert times(run)[0] == pytest.approx(0.75, abs=0.001)
    assert run[-1].end / 1e6 == pytest.approx(1.75, abs=0.002)


def in_pieces(path, pieces, rate=RATE):
    return write_media(path, Sound(rate=rate, codec="pcm_s16le", pieces=pieces))


def test_a_gap_is_filled_with_silence_and_counted(tmp_path):
    run = hear(in_pieces(tmp_path / "a.mkv", [(0.0, tone(1.0, RATE)), (1.5, tone(1.0, RATE))]))
    samples = sound(run)
    assert len(samples) == pytest.approx(2.5 * RATE, abs=2)
    assert np.abs(samples[16_050:23_950]).max() == 0
    assert level(samples[24_050:]) == pytest.approx(0.3, rel=0.05)
    assert sum(packet.payload.filled for packet in run) == pytest.approx(8000, abs=2)
    assert run.counters["audio.filled_seconds"] == pytest.approx(0.5, abs=0.001)


def test_an_overlap_is_cut_off(tmp_path):
    first, second = tone(1.0, RATE), tone(1.0, RATE, frequency=880.0)
    samples = sound(hear(in_pieces(tmp_path / "a.mkv", [(0.0, first), (0.8, second)])))
    assert len(samples) == pytest.approx(1.8 * RATE, abs=2)
    assert np.abs(samples[:15_900] - first[0][:15_900]).max() < 1e-3
    assert np.abs(samples[16_100:] - second[0][16_100 - 12_800 :][: len(samples) - 16_100]).max() < 1e-3


def test_jitter_of_the_timestamps_makes_no_clicks(tmp_path):
    whole = tone(4.0, RATE)
    jitter = np.random.default_rng(3).uniform(-0.009, 0.009, 100)
    pieces = [(max(0.0, i * 0.04 + jitter[i]), whole[:, i * 640 : i * 640 + 640]) for i in range(100)]
    run = hear(in_pieces(tmp_path / "a.mkv", pieces))
    assert np.abs(sound(run) - whole[0]).max() < 1e-3
    assert run.counters == {}


def test_millisecond_timestamps_of_44100_hz_do_not_drift(tmp_path):
    whole = tone(30.0, 44_100, channels=1)
    run = hear(write_media(tmp_path / "a.mkv", Sound(whole, 44_100, codec="pcm_s16le")))
    assert len(sound(run)) == 30 * RATE
    assert run.counters == {}


def test_a_jump_of_hours_is_a_reset_not_silence(tmp_path):
    pieces = [(start, tone(1.0, RATE)) for start in (0.0, 7200.0, 7201.0)]
    run = hear(in_pieces(tmp_path / "a.mkv", pieces))
    assert len(sound(run)) == pytest.approx(3 * RATE, abs=2)
    assert "jump" in reasons(run)[0]


def test_recordings_joined_end_to_end_play_one_after_the_other(tmp_path):
    part = write_media(tmp_path / "part.ts", Sound(tone(2.0)), Picture(moving(50)))
    run = hear(joined([part, part, part], tmp_path / "a.ts"))
    assert len(sound(run)) / RATE == pytest.approx(6.1, abs=0.2)
    assert reasons(run)


def test_the_format_may_change_in_mid_stream(tmp_path):
    first = write_media(tmp_path / "1.mp3", Sound(tone(1.0, 44_100, channels=2), 44_100, "stereo", "libmp3lame"))
    second = write_media(tmp_path / "2.mp3", Sound(tone(1.0, 22_050), 22_050, "mono", "libmp3lame"))
    samples = sound(hear(joined([first, second], tmp_path / "a.mp3")))
    assert len(samples) / RATE == pytest.approx(2.1, abs=0.1)
    assert level(samples[-12_000:-4_000]) == pytest.approx(0.3, rel=0.1)


def test_values_that_are_no_numbers_become_silence_and_loud_ones_are_clipped(tmp_path):
    samples = tone(1.0, RATE)
    samples[0, 4000] = np.nan
    samples[0, 8000] = np.inf
    samples[0, 12_000] = 1e30
    heard = sound(hear(write_media(tmp_path / "a.wav", Sound(samples, RATE, codec="pcm_f32le"))))
    assert np.isfinite(heard).all()
    assert heard[4000] == 0 and heard[8000] == 0 and heard[12_000] == 1.0
    assert np.abs(np.delete(heard, [4000, 8000, 12_000]) - np.delete(samples[0], [4000, 8000, 12_000])).max() < 1e-6


def test_silence_is_passed_on_as_it_is(tmp_path):
    run = hear(write_media(tmp_path / "a.wav", Sound(np.zeros((1, RATE), np.float32), RATE, codec="pcm_s16le")))
    assert not sound(run).any()
    assert run.counters == {} and sum(packet.payload.filled for packet in run) == 0


def test_a_beep_is_where_it_was(tmp_path):
    path = write_media(tmp_path / "a.wav", Sound(beeps(3.0, [0.5, 1.7]), codec="pcm_s16le"))
    assert bursts(sound(hear(path))) == pytest.approx([0.5, 1.7], abs=0.002)


def test_real_time_pace_gives_no_block_before_its_end(tmp_path):
    path = write_media(tmp_path / "a.wav", Sound(tone(1.0, RATE), RATE, codec="pcm_s16le"))
    clock = SelfMovingClock()
    run = run_source(MediaAudio(path, Pace.REALTIME), clock=clock)
    assert list(np.cumsum(clock.slept)) == [packet.end for packet in run]
    assert clock.now() == 1_000_000


def test_stop_during_real_time_pace_ends_the_source(tmp_path):
    path = write_media(tmp_path / "a.wav", Sound(tone(1.0, RATE), RATE, codec="pcm_s16le"))
    source = MediaAudio(path, Pace.REALTIME)

    class StoppingClock(SelfMovingClock):
        def sleep(self, duration: int, stop: threading.Event) -> None:
            stop.set()

    run = run_source(source, clock=StoppingClock())
    assert len(run) == 0 and run.events == []


def test_a_file_without_sound_is_an_error_of_the_user(tmp_path):
    path = write_media(tmp_path / "a.mp4", picture=Picture(moving(5)))
    with pytest.raises(UserError, match="no sound track"):
        run_source(MediaAudio(path))
