"""The microphone against a real sound system: a PulseAudio server of our own with a null sink."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from tests.media_factory import Sound, write_media

RATE = 16_000
SECONDS = 3.0
PATIENCE = 60.0


@pytest.fixture
def pulse():
    """Environment of a private PulseAudio server that has one sink, whose monitor is the default source."""
    missing = [name for name in ("pulseaudio", "paplay", "pactl") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"PulseAudio is not installed ({', '.join(missing)} not found)")
    if importlib.util.find_spec("pyaudio") is None:
        pytest.skip("PyAudio is not installed")
    # Not pytest's own folder: its path may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="lip") as folder, contextlib.ExitStack() as stack:
        yield start_server(Path(folder), stack)


def start_server(folder, stack):
    folder.chmod(0o700)
    socket = folder / "socket"
    (folder / ".asoundrc").write_text(
        "pcm.!default { type pulse }\npcm.pulse { type pulse }\nctl.!default { type pulse }\n"
    )
    script = folder / "script.pa"
    script.write_text(
        f"load-module module-native-protocol-unix socket={socket} auth-anonymous=1\n"
        "load-module module-null-sink sink_name=lip rate=48000\n"
        "set-default-sink lip\nset-default-source lip.monitor\n"
    )
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PULSE_SERVER": f"unix:{socket}",
    }
    command = ["pulseaudio", "-n", "-F", str(script), "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    server = subprocess.Popen(
        [*command, "--disable-shm=yes"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    stack.callback(end, server)
    deadline = time.monotonic() + PATIENCE
    while subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            pytest.skip("PulseAudio does not run here")
        time.sleep(0.1)
    return environment


def end(process):
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def noise():
    """Three seconds that resemble nothing but themselves: low-pass noise, louder and softer."""
    generator = np.random.default_rng(5)
    spectrum = np.fft.rfft(generator.normal(size=round(SECONDS * RATE)))
    # Low enough for the sound system's shift by a fraction of a sample not to matter.
    spectrum[round(1500 * SECONDS) :] = 0
    samples = np.fft.irfft(spectrum)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * np.arange(len(samples)) / RATE)
    return (0.5 * swell * samples / np.abs(samples).max()).astype(np.float32)


def captured_while_playing(environment, folder, wav):
    root = Path(__file__).parents[3]
    output = folder / "heard.npz"
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.stages.capture.capture_microphone", str(output)],
        cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said = child.stdout.readline().strip()
        if said != "ready":
            pytest.skip(f"PortAudio cannot use PulseAudio here: {said}")
        subprocess.run(["paplay", "--device=lip", str(wav)], env=environment, check=True, timeout=PATIENCE)
        child.stdin.close()
        assert child.wait(PATIENCE) == 0
    finally:
        end(child)
        child.stdout.close()
    return np.load(output)


def offset_of(part, whole):
    """Where a part lies in a whole, and how well it matches there."""
    size = 1 << (len(part) + len(whole)).bit_length()
    match = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)[: len(whole) - len(part)]
    at = int(np.argmax(match))
    found = whole[at : at + len(part)]
    return at, float(match[at] / (np.linalg.norm(found) * np.linalg.norm(part)))


def test_what_is_played_is_heard_without_gaps(pulse, tmp_path):
    played = noise()
    wav = write_media(tmp_path / "noise.wav", Sound(played[None], RATE, codec="pcm_s16le"))
    heard = captured_while_playing(pulse, tmp_path, wav)
    assert (heard["starts"][1:] == heard["ends"][:-1]).all()
    assert heard["lost"] == 0 and len(heard["events"]) == 0
    found = []
    for first in range(0, len(played) - RATE // 2, RATE // 2):
        part = played[first : first + RATE // 2]
        at, likeness = offset_of(part, heard["samples"])
        found.append(at - first)
        assert likeness > 0.95
    # Samples lost or put in on the way would move everything behind them.
    assert max(found) - min(found) <= 2
