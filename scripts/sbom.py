"""Write a software bill of materials: the locked packages and the model files, as CycloneDX 1.6 JSON.

Usage: python scripts/sbom.py [--output FILE]    (make sbom)

The packages are those of requirements/runtime.txt for the machine it runs on, with the sha256 of every file the lock
allows; their licences come from the installed distributions. The model files are those of models/assets/manifest.yaml
and models/emotion/weights. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lipstream.models.assets.manifest import UrlPlace, load_manifest  # noqa: E402

Component = dict[str, Any]

_WEIGHTS_LICENCE = "non-commercial (trained on RAVDESS, CC BY-NC-SA 4.0, and FER2013, research use)"


def bill_of_materials() -> dict[str, Any]:
    """The whole document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    components = [*_packages(), *_assets(), *_weights(version)]
    reference = f"pkg:pypi/{name}@{version}"
    content = json.dumps(components, sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, reference + content)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": reference,
                "name": name,
                "version": version,
                "purl": reference,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": reference, "dependsOn": [component["bom-ref"] for component in components]},
        ],
    }


def _packages() -> Iterator[Component]:
    text = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pinned, *hashes = (part.strip() for part in line.split("--hash=sha256:"))
        requirement = Requirement(pinned)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        name, version = canonicalize_name(requirement.name), str(requirement.specifier).removeprefix("==")
        reference = f"pkg:pypi/{name}@{version}"
        yield {
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": version,
            "purl": reference,
            "licenses": [_licence(name)],
            # `hashes` is for the one file a component is; the lock allows one for each platform.
            "properties": [{"name": "lipstream:sha256", "value": digest} for digest in hashes],
        }


def _licence(name: str) -> dict[str, Any]:
    about = metadata.metadata(name).json
    if expression := about.get("license_expression"):
        return {"expression": expression}
    classified = [text.rpartition(" :: ")[2] for text in about.get("classifier", []) if text.startswith("License")]
    stated = str(about.get("license", "")).strip().splitlines()
    return {"license": {"name": " AND ".join(classified) or (stated[0] if stated else "not stated")}}


def _assets() -> Iterator[Component]:
    for name, asset in load_manifest().assets.items():
        places = [f"pkg:pypi/{wheel.replace('==', '@')}" for wheel in asset.wheels]
        addresses = [place.url for place in asset.places if isinstance(place, UrlPlace)]
        references = [{"type": "distribution", "url": address} for address in [*addresses, *places]]
        described = {"purpose": asset.purpose, "licence": asset.licence, "size": asset.size}
        yield _file(name, asset.sha256, described) | {"externalReferences": references}


def _weights(version: str) -> Iterator[Component]:
    for path in sorted((ROOT / "models" / "emotion" / "weights").glob("*.safetensors")):
        content = path.read_bytes()
        described = {"purpose": "emotion, trained by us", "licence": _WEIGHTS_LICENCE, "size": len(content)}
        name = path.relative_to(ROOT).as_posix()
        yield _file(name, hashlib.sha256(content).hexdigest(), described) | {"version": version}


def _file(name: str, sha256: str, described: dict[str, Any]) -> Component:
    model = not name.startswith("media/")
    return {
        "type": "machine-learning-model" if model else "data",
        "bom-ref": f"asset:{name}",
        "name": name,
        "description": described["purpose"],
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "licenses": [{"license": {"name": described["licence"]}}],
        "properties": [{"name": "lipstream:size", "value": str(described["size"])}],
    }


def main() -> None:
    """Write the document and say how much is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "lipstream.cdx.json")
    output: Path = parser.parse_args().output
    bill = bill_of_materials()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"{output}: {len(bill['components'])} components\n")


if __name__ == "__main__":
    main()
