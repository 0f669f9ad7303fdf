"""Profiles: networks that know one user's lips, kept in the user's folder and never sent anywhere."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lipstream.models.av_speech.correspondence_net import CorrespondenceNet
from lipstream.models.av_speech.fusion_net import FusionNet
from lipstream.models.av_speech.lip_net import LipNet
from lipstream.models.errors import ModelError
from lipstream.models.profile_files import FORMAT, profile_names, profile_path
from lipstream.models.shared import made_of, shared
from lipstream.models.whole_file import whole_file

LIP_WIDTH = 192
"""Width of the lip network."""
WIDTH = 192
"""Width of the fusion network."""
LAYERS = 3
"""Layers of the fusion network."""


@dataclass(frozen=True, slots=True, eq=False)
class LipNetworks:
    """The networks of lip fusion.

    Attributes:
        lips: the lip network.
        fusion: the fusion network.
        correspondence: tells lips that do not belong to the sound.
        facts: how they came about, as JSON takes it.
    """

    lips: LipNet
    fusion: FusionNet
    correspondence: CorrespondenceNet
    facts: dict[str, Any]

    @staticmethod
    def untrained(seed: int = 0) -> LipNetworks:
        """Networks as training begins; the fusion leaves frames as they are."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            lips, fusion = LipNet(width=LIP_WIDTH), FusionNet(LIP_WIDTH, WIDTH, layers=LAYERS)
            return LipNetworks(lips, fusion, CorrespondenceNet(LIP_WIDTH, WIDTH), {})

    def parts(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return {"lips": self.lips, "fusion": self.fusion, "agreement": self.correspondence}

    def with_facts(self, facts: dict[str, Any]) -> LipNetworks:
        """The same networks with other facts."""
        return LipNetworks(self.lips, self.fusion, self.correspondence, facts)


def save_networks(networks: LipNetworks, path: Path) -> None:
    """Write networks in half precision, for this user alone.

    Raises:
        ModelError: the file cannot be written.
    """
    tensors = {key: each for name, network in networks.parts().items() for key, each in _tensors(name, network).items()}
    with whole_file(path) as partial:
        save_file(tensors, partial, {"format": str(FORMAT), "facts": json.dumps(networks.facts)})
        with contextlib.suppress(OSError):  # a file system without rights
            partial.chmod(0o600)


def load_networks(path: Path) -> LipNetworks:
    """Read what `save_networks` wrote, in inference mode.

    Raises:
        ModelError: the file is missing, of another format, or holds something else.
    """
    networks = LipNetworks.untrained()
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
        if int(about.get("format", 1)) != FORMAT:
            raise ModelError(f"{path}: made by another version of Lipstream; run `lipstream enroll` again")
        tensors = load_file(path)
        for name, network in networks.parts().items():
            own = (key for key in tensors if key.startswith(f"{name}."))
            parts = {key.partition(".")[2]: tensors[key].float() for key in own}
            network.load_state_dict(parts)
            network.eval().requires_grad_(False)
        facts = json.loads(about.get("facts", "{}"))
    except (OSError, RuntimeError, SafetensorError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise ModelError(f"{path}: no usable profile ({why}); run `lipstream enroll` again") from None
    return networks.with_facts(facts)


def load_profile(name: str) -> LipNetworks:
    """A user's profile; its networks may be in use elsewhere, and are not to be changed.

    Raises:
        ModelError: there is none of that name, or it is unusable.
    """
    path = check_profile(name)
    return shared(("profile", made_of(path)), lambda: load_networks(path))


def check_profile(name: str) -> Path:
    """The file of a profile that is there.

    Raises:
        ModelError: there is none of that name.
    """
    path = profile_path(name)
    if not path.exists():
        known = ", ".join(profile_names()) or "none"
        raise ModelError(f"no profile called {name!r} (there are: {known}); run `lipstream enroll` to make one")
    return path


def _tensors(name: str, network: nn.Module) -> dict[str, Tensor]:
    return {f"{name}.{key}": tensor.detach().half().contiguous() for key, tensor in network.state_dict().items()}
