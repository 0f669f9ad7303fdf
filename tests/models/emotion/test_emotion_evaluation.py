"""Clips for evaluation: what is mute or silent gives no evidence of a voice, what cannot be read is one clear error."""

import numpy as np
import pytest

from lipstream.models.emotion.evaluation.data_sets import _voice_evidence
from lipstream.models.emotion.training.corpora import Clip
from lipstream.models.errors import ModelError
from lipstream.models.training.media import has_pictures, has_sound
from tests.media_factory import Picture, Sound, moving, write_media


def never(*_):
    raise AssertionError("silence must not be judged")


@pytest.mark.parametrize("sound", [None, Sound(np.zeros((1, 48_000), np.float32))])
def test_mute_and_silent_clips_have_no_voice(tmp_path, sound):
    path = write_media(tmp_path / "01-01-05-01-02-01-12.mp4", picture=Picture(moving(25)), sound=sound)
    evidence, (start, end) = _voice_evidence(Clip(path, 3, "ravdess-12"), None, never)
    assert evidence == []
    assert not start <= 0.5 <= end
    assert has_pictures(path)
    assert has_sound(path) == (sound is not None)


@pytest.mark.parametrize("look", [has_pictures, has_sound])
def test_unreadable_clip_is_one_clear_error(tmp_path, look):
    path = tmp_path / "1001_DFA_ANG_XX.wav"
    path.write_bytes(b"no sound")
    with pytest.raises(ModelError, match="expected a clip of sound or video"):
        look(path)
