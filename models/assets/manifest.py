"""The typed form of `manifest.yaml`: which files there are and where each can be had from."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(gt=0)]


def _inside(path: str) -> str:
    """Refuse a path that could leave the folder it is joined to."""
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts or "\\" in path or ":" in path:
        raise ValueError(f"{path!r} must be a relative path with forward slashes")
    return path


RelativePath = Annotated[str, AfterValidator(_inside)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PackagePlace(_Data):
    """A file of an installed distribution, used where it lies."""

    package: str
    file: RelativePath


class UrlPlace(_Data):
    """An address on the web."""

    url: Annotated[str, Field(pattern=r"^https://")]


class WheelPlace(_Data):
    """A member of a wheel on the package index."""

    wheel: str
    member: RelativePath


class JoinedPlace(_Data):
    """Members of wheels that are one file when they are put one behind the other; only the whole has a hash."""

    parts: Annotated[tuple[WheelPlace, ...], Field(min_length=2)]


Place = PackagePlace | UrlPlace | WheelPlace | JoinedPlace


class Wheel(_Data):
    """One wheel file on the package index."""

    filename: Annotated[str, Field(pattern=r"^[^/\\]+\.whl$")]
    size: Size


class Asset(_Data):
    """One file: what it is, how to know it is the right one, and where to get it, in order.

    Attributes:
        on_demand: it does not belong to what everybody needs, and is fetched only when it is named.
    """

    purpose: str
    licence: str
    size: Size
    sha256: Sha256
    on_demand: bool = False
    places: Annotated[tuple[Place, ...], Field(min_length=1)]

    @property
    def wheels(self) -> tuple[str, ...]:
        """The wheels it, or a part of it, can be taken from, each once, in order."""
        found = dict[str, None]()
        for place in self.places:
            if isinstance(place, WheelPlace):
                found[place.wheel] = None
            elif isinstance(place, JoinedPlace):
                found |= {part.wheel: None for part in place.parts}
        return tuple(found)


class Manifest(_Data):
    """All assets by name, and the wheels some of them come from, by `distribution==version`."""

    wheels: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*==[a-z0-9.]+$")], Wheel]
    assets: dict[RelativePath, Asset]

    @model_validator(mode="after")
    def _wheels_are_described(self) -> Self:
        for name, asset in self.assets.items():
            for wheel in asset.wheels:
                if wheel not in self.wheels:
                    raise ValueError(f"asset {name!r} names wheel {wheel!r}, which `wheels` does not describe")
        return self

    def has_part(self, wheel: str) -> bool:
        """Whether a part of an asset that has to be joined is in `wheel`."""
        joined = (place for asset in self.assets.values() for place in asset.places if isinstance(place, JoinedPlace))
        return any(part.wheel == wheel for place in joined for part in place.parts)

    def members_of(self, wheel: str) -> dict[str, str]:
        """Asset name -> member, for every asset that can be taken whole from `wheel`."""
        return {
            name: place.member
            for name, asset in self.assets.items()
            for place in asset.places
            if isinstance(place, WheelPlace) and place.wheel == wheel
        }


def load_manifest() -> Manifest:
    """Read and validate the manifest that ships with this package."""
    text = resources.files(__package__).joinpath("manifest.yaml").read_text(encoding="utf-8")
    return Manifest.model_validate(yaml.safe_load(text))
