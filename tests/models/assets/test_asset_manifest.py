"""The manifest: the one that ships is sound, bad ones are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lipstream.models.assets.manifest import Manifest, load_manifest


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
        {"places": [{"url": "http://plain.invalid/file"}]},
        {"places": [{"package": "pydantic", "file": "../../etc/passwd"}]},
        {"colour": "red"},
    ],
)
def test_bad_manifest_entries_are_refused(change):
    with pytest.raises(ValidationError):
        Manifest.model_validate(with_asset(**change))


@pytest.mark.parametrize("name", ["../outside", "/absolute", "C:/windows", "a\\b", ""])
def test_asset_name_that_leaves_the_cache_is_refused(name):
    with pytest.raises(ValidationError, match="relative path"):
        Manifest.model_validate(with_asset(name))
