"""Whose face it is: the chip, the comparison, and the network against the same layers in torch."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest

from lipstream.models.assets import resolve
from lipstream.models.errors import ModelError
from lipstream.models.face.gallery import Gallery
from lipstream.models.face.identity import (
    CHIP,
    GRAPH,
    NUMBERS,
    SAME_PERSON,
    FaceEmbedder,
    can_tell,
    face_chip,
    likeness,
)
from lipstream.models.face.litert_backend import LiteRtBackend
from lipstream.models.face.pose import head_pose
from lipstream.models.face.training.identity import MEAN, NAME, graph, read
from lipstream.models.ort_session import session_options

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402


@pytest.fixture(scope="module")
def faces():
    """Two pictures of the demo clip, seconds apart, each with the landmarks of its largest face."""
    backend = LiteRtBackend(1, 0.5)
    backend.load()
    found = []
    with av.open(str(resolve("media/obama_speech.mp4"))) as container:
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for number, index in enumerate((5, len(images) - 10)):
        backend.reset()
        (face,) = backend.detect(images[index], number)
        found.append((images[index], face.landmarks))
    backend.close()
    return found


@pytest.fixture(scope="module")
def embedder():
    made = FaceEmbedder()
    made.load()
    return made


def test_the_same_person_is_told_again_seconds_later_and_in_other_light(faces, embedder):
    (image, landmarks), (later, others) = faces
    one, two = embedder.embed(image, [landmarks])[0], embedder.embed(later, [others])[0]
    darker = embedder.embed((later * 0.5).astype(np.uint8), [others])[0]
    assert one.shape == (NUMBERS,)
    assert likeness(one, two) > SAME_PERSON + 0.1
    assert likeness(one, darker) > SAME_PERSON


def test_something_else_than_that_face_is_not_that_person(faces, embedder):
    image, landmarks = faces[0]
    upside_down = landmarks.copy()
    upside_down[:, 1] = image.shape[0] - upside_down[:, 1]
    one, other = embedder.embed(image, [landmarks, upside_down])
    assert likeness(one, other) < SAME_PERSON


def test_a_chip_does_not_depend_on_the_size_of_the_face_in_the_picture(faces):
    image, landmarks = faces[0]
    chip = face_chip(image, landmarks)
    assert chip.shape == (CHIP, CHIP, 3)
    large = np.repeat(np.repeat(image, 3, axis=0), 3, axis=1)
    again = face_chip(large, 3 * landmarks + 1)
    assert np.abs(chip.astype(int) - again).mean() < 6


def test_faces_that_are_small_or_turned_away_are_not_judged(faces):
    _, landmarks = faces[0]
    assert can_tell(landmarks, head_pose(landmarks))
    assert not can_tell(landmarks / 10, head_pose(landmarks / 10))
    angle = np.radians(60)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    turned = ((landmarks - landmarks.mean(axis=0)) @ turn.T).astype(np.float32)
    assert not can_tell(turned, head_pose(turned))


def test_nothing_is_embedded_before_it_is_loaded_and_a_missing_file_is_told(faces, tmp_path):
    image, landmarks = faces[0]
    with pytest.raises(ModelError, match="not loaded"):
        FaceEmbedder().embed(image, [landmarks])
    with pytest.raises(ModelError, match="no such network"):
        FaceEmbedder(tmp_path / "identity.onnx").load()


def test_no_faces_are_no_embeddings(embedder):
    assert embedder.embed(np.zeros((10, 10, 3), np.uint8), []).shape == (0, NUMBERS)


def test_a_gallery_knows_people_by_the_nearest_look_and_does_not_grow_without_end():
    chance = np.random.default_rng(0)
    looks = chance.normal(size=(40, NUMBERS)).astype(np.float32)
    gallery = Gallery()
    assert gallery.likeness(1, looks[0]) == -np.inf
    for look in looks:
        gallery.add(1, look)
        gallery.add(1, look)
    assert gallery.people == (1,)
    kept = [index for index, look in enumerate(looks) if gallery.likeness(1, look) == 1.0]
    assert len(kept) == 12 and kept[0] == 0 and kept[-1] == 39
    gallery.forget(1)
    assert 1 not in gallery


def layers(folder):
    """What `read` wants, with random weights: all of face-api's layers."""
    chance = np.random.default_rng(1)
    entries, content = [], b""

    def put(name, shape, *, eight_bits, scale, lowest):
        nonlocal content
        if eight_bits:
            values = chance.integers(0, 256, shape).astype(np.uint8)
            kept = {"quantization": {"dtype": "uint8", "scale": scale / 255, "min": lowest}}
        else:
            values, kept = (chance.random(shape) * scale + lowest).astype(np.float32), {}
        content += values.tobytes()
        entries.append({"name": name, "shape": list(shape), "dtype": "float32", **kept})

    def convolution(name, size, before, after):
        wide = 3.0 / np.sqrt(size * size * before)
        put(f"{name}/conv/filters", (size, size, before, after), eight_bits=after != 64, scale=wide, lowest=-wide / 2)
        for part, low in (("conv/bias", -0.1), ("scale/weights", 0.6), ("scale/biases", -0.1)):
            put(f"{name}/{part}", (after,), eight_bits=True, scale=0.2, lowest=low)

    convolution("conv32_down", 7, 3, 32)
    before = 32
    for filters, blocks in ((32, 3), (64, 3), (128, 2), (256, 2)):
        names = [f"conv{filters}_{block}" for block in range(1, blocks + 1)]
        for name in ([] if filters == 32 else [f"conv{filters}_down"]) + names:
            convolution(f"{name}/conv1", 3, before, filters)
            convolution(f"{name}/conv2", 3, filters, filters)
            before = filters
    convolution("conv256_down_out/conv1", 3, 256, 256)
    convolution("conv256_down_out/conv2", 3, 256, 256)
    put("fc", (256, NUMBERS), eight_bits=True, scale=0.5, lowest=-0.25)
    (folder / f"{NAME}-weights_manifest.json").write_text(json.dumps([{"weights": entries, "paths": []}]))
    (folder / f"{NAME}.bin").write_bytes(content)


def in_torch(weights, faces):
    """face-api's FaceRecognitionNet, layer by layer."""
    wide = {name: torch.from_numpy(kept.widened().astype(np.float32)) for name, kept in weights.items()}

    def convolution(value, name, stride, *, rectified=True):
        filters = wide[f"{name}/conv/filters"].permute(3, 2, 0, 1)
        padding = 0 if stride == 2 else 1
        value = functional.conv2d(value, filters, wide[f"{name}/conv/bias"], stride, padding)
        value = value * wide[f"{name}/scale/weights"][:, None, None] + wide[f"{name}/scale/biases"][:, None, None]
        return torch.relu(value) if rectified else value

    def block(value, name, stride):
        inner = convolution(convolution(value, f"{name}/conv1", stride), f"{name}/conv2", 1, rectified=False)
        if stride == 2:
            value = functional.avg_pool2d(value, 2)
            missing = value.shape[2] - inner.shape[2]
            inner = functional.pad(inner, (0, missing, 0, missing))
            value = functional.pad(value, (0, 0, 0, 0, 0, inner.shape[1] - value.shape[1]))
        return torch.relu(value + inner)

    value = (torch.from_numpy(faces).permute(0, 3, 1, 2) - torch.tensor(MEAN)[:, None, None]) / 255
    value = functional.max_pool2d(convolution(value, "conv32_down", 2), 3, 2)
    for name in ("32_1", "32_2", "32_3", "64_down", "64_1", "64_2", "64_3", "128_down", "128_1", "128_2"):
        value = block(value, f"conv{name}", 2 if "down" in name else 1)
    for name in ("256_down", "256_1", "256_2", "256_down_out"):
        value = block(value, f"conv{name}", 2 if "down" in name else 1)
    return (value.mean(dim=(2, 3)) @ wide["fc"]).numpy()


def test_the_graph_computes_what_the_layers_do(tmp_path):
    import onnxruntime

    layers(tmp_path)
    weights = read(tmp_path)
    faces = np.random.default_rng(2).uniform(0, 255, (2, CHIP, CHIP, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(graph(weights, "test"), session_options(1))
    (found,) = session.run(None, {"faces": faces})
    wanted = in_torch(weights, faces)
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found, wanted, rtol=0.01, atol=0.01 * np.abs(wanted).max())


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ModelError, match=f"has no {NAME}"):
        read(tmp_path)
    layers(tmp_path)
    with (tmp_path / f"{NAME}.bin").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="its manifest tells of"):
        read(tmp_path)


def test_the_graph_tells_what_it_was_made_of():
    import onnx

    model = onnx.load(GRAPH)
    properties = {each.key: each.value for each in model.metadata_props}
    assert [len(part) for part in properties["weights"].split(",")] == [64, 64]
