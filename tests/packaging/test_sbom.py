"""The software bill of materials."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lipstream.models.assets.manifest import load_manifest

ROOT = Path(__file__).parent.parent.parent


def write_bill(path: Path) -> bytes:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "sbom.py"), "--output", str(path)], check=True, timeout=120)
    return path.read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_bill(tmp_path_factory.mktemp("sbom") / "bill.json")


def components(written: bytes) -> dict[str, dict]:
    return {component["name"]: component for component in json.loads(written)["components"]}


def test_it_lists_every_requirement_with_version_licence_and_hashes(written: bytes):
    found = components(written)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in map(Requirement, project["dependencies"]):
        component = found[requirement.name]
        assert requirement.specifier.contains(component["version"])
        assert component["purl"] == f"pkg:pypi/{requirement.name}@{component['version']}"
        assert component["licenses"][0]
        assert component["properties"]
    assert "pytest" not in found


def test_it_lists_every_model_file_with_its_hash_and_licence(written: bytes):
    found = components(written)
    for name, asset in load_manifest().assets.items():
        assert found[name]["hashes"] == [{"alg": "SHA-256", "content": asset.sha256}]
        assert found[name]["licenses"] == [{"license": {"name": asset.licence}}]
    weights = [path.relative_to(ROOT).as_posix() for path in (ROOT / "models/emotion/weights").glob("*.safetensors")]
    assert weights and set(weights) <= set(found)


def test_references_are_unique_and_all_depended_on(written: bytes):
    bill = json.loads(written)
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(set(references)) == len(references) > 40
    assert bill["dependencies"][0]["dependsOn"] == references
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")


def test_the_same_inputs_give_the_same_bytes(written: bytes, tmp_path: Path):
    assert write_bill(tmp_path / "again.json") == written
