"""Where the packages lie: `lipstream` and, as its subpackages, the rooms beside it. All else is in pyproject.toml."""

from setuptools import find_packages, setup

ROOMS = ("commands", "configs", "models", "pipeline", "stages", "views", "web")

setup(
    packages=[
        *find_packages(include=["lipstream", "lipstream.*"]),
        *(f"lipstream.{name}" for room in ROOMS for name in find_packages(include=[room, f"{room}.*"])),
    ],
    package_dir={"lipstream": "lipstream", **{f"lipstream.{room}": room for room in ROOMS}},
)
