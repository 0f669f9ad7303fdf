import io
import os
import sys
import threading

import pytest

from lipstream.models.face import native_log
from lipstream.pipeline import UserError
from lipstream.stages.capture import devices, native_noise
from lipstream.stages.capture.devices import CameraInfo, linux_cameras, list_cameras, list_microphones
from lipstream.stages.capture.microphone_backend import MicrophoneInfo, PortAudio


def test_linux_cameras_are_those_that_capture_by_number(tmp_path):
    for index, name in ((10, "Far Camera\n"), (0, "HD Webcam: HD Webcam\n"), (1, "HD Webcam: metadata\n")):
        (tmp_path / f"video{index}").mkdir()
        (tmp_path / f"video{index}" / "name").write_text(name)
    sizes = {0: (1280, 720), 10: (None, None)}
    assert linux_cameras(tmp_path, sizes.get) == [
        CameraInfo(0, "HD Webcam: HD Webcam", 1280, 720),
        CameraInfo(10, "Far Camera"),
    ]


def test_a_machine_without_cameras_has_none(tmp_path):
    assert linux_cameras(tmp_path / "missing", lambda index: (1, 1)) == []


def test_a_video_device_that_cannot_be_opened_is_no_camera():
    if not sys.platform.startswith("linux"):
        pytest.skip("Video4Linux is Linux's")
    assert devices._query(4711) is None


def test_looking_for_cameras_is_silent(capfd, monkeypatch):
    list_cameras()
    monkeypatch.setattr(sys, "platform", "unknown")
    list_cameras()
    assert capfd.readouterr().err == ""


class FakePyAudio:
    """What the `pyaudio` module and its class are to us, with devices of the test."""

    paInputOverflow, paContinue, paFloat32 = 2, 0, 1

    def __init__(self, infos=(), refuse=()):
        self.infos, self.refuse = infos, refuse
        self.opened = []
        self.terminated = False

    def PyAudio(self):
        os.write(2, b"ALSA lib pcm.c:2664:(snd_pcm_open_noupdate) Unknown PCM rear\n\nsomething serious\n")
        return self

    def get_device_count(self):
        return len(self.infos)

    def get_device_info_by_index(self, index):
        return self.infos[index]

    def get_default_input_device_info(self):
        if not self.infos:
            raise OSError("No Default Input Device Available")
        return self.infos[-1]

    def open(self, **how):
        if how["rate"] in self.refuse:
            raise OSError(-9997, "Invalid sample rate")
        self.opened.append(how)
        return self

    def is_active(self):
        return True

    def close(self):
        self.opened.append("closed")

    def terminate(self):
        self.terminated = True


def info(index, name, channels, rate):
    return {"index": index, "name": name, "maxInputChannels": channels, "defaultSampleRate": rate}


@pytest.fixture
def sound_system(monkeypatch):
    def install(*args, **kwargs):
        fake = FakePyAudio(*args, **kwargs)
        monkeypatch.setitem(sys.modules, "pyaudio", fake)
        return fake

    return install


def test_microphones_are_the_devices_with_inputs(sound_system, capfd):
    fake = sound_system([info(0, "HDMI", 0, 48_000.0), info(1, "Mic", 2, 44_100.0)])
    assert list_microphones() == [MicrophoneInfo(1, "Mic", 2, 44_100, True)]
    assert fake.terminated
    assert capfd.readouterr().err == "something serious\n"


def test_no_sound_card_is_an_empty_list(sound_system):
    sound_system()
    assert list_microphones() == []


def test_without_portaudio_the_list_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(UserError, match="PortAudio"):
        list_microphones()


def test_a_microphone_is_opened_at_its_own_rate_with_two_channels_at_most(sound_system):
    fake = sound_system([info(0, "Array", 8, 44_100.0)])
    backend = PortAudio()
    heard = []
    stream = backend.start(backend.devices()[0], 0.02, lambda *block: heard.append(block))
    assert (stream.rate, stream.channels) == (44_100, 2)
    assert fake.opened[0]["frames_per_buffer"] == 882 and fake.opened[0]["input_device_index"] == 0
    deliver = fake.opened[0]["stream_callback"]
    assert deliver(b"x", 1, None, 0) == (None, fake.paContinue)
    deliver(b"y", 1, {"input_buffer_adc_time": 0.0}, fake.paInputOverflow | 4)
    deliver(b"z", 441, {"input_buffer_adc_time": 7.0}, 0)
    assert heard == [(b"x", False, None), (b"y", True, None), (b"z", False, pytest.approx(7.01))]


def test_a_refused_rate_is_replaced_by_a_usual_one(sound_system):
    sound_system([info(0, "Odd", 1, 44_101.0)], refuse=[48_000])
    backend = PortAudio()
    assert backend.start(backend.devices()[0], 0.02, print).rate == 44_100


def test_a_device_that_refuses_everything_is_an_os_error(sound_system):
    sound_system([info(0, "Bad", 1, 48_000.0)], refuse=[48_000, 44_100, 16_000])
    backend = PortAudio()
    with pytest.raises(OSError, match="Invalid sample rate"):
        backend.start(backend.devices()[0], 0.02, print)


def test_standard_error_comes_back_also_after_an_error(capfd):
    with pytest.raises(RuntimeError), native_noise.devices_quiet():
        os.write(2, b"Cannot connect to server socket\nreal trouble\n")
        raise RuntimeError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "real trouble\nafterwards\n"


def test_a_closed_standard_error_is_no_obstacle(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    with native_noise.devices_quiet():
        pass
    assert not native_log.REDIRECTING.locked()


def test_a_library_that_hangs_does_not_keep_standard_error(capfd, monkeypatch):
    monkeypatch.setattr(native_noise, "_LIMIT_SECONDS", 0.01)
    with native_noise.devices_quiet():
        while native_log.REDIRECTING.locked():
            threading.Event().wait(0.001)
        os.write(2, b"ALSA lib said while it hangs\n")
    assert capfd.readouterr().err == "ALSA lib said while it hangs\n"


def test_two_that_silence_standard_error_do_not_mix_it_up(capfd):
    def silence():
        for _ in range(50):
            with native_noise.devices_quiet():
                os.write(2, b"ALSA lib noise\n")

    def hide():
        for _ in range(50):
            with native_log.notices_hidden():
                os.write(2, b"INFO: noise\n")

    threads = [threading.Thread(target=target) for target in (silence, hide, silence, hide)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err.endswith("still here\n")
