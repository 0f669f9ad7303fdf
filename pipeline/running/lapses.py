"""Recoverable errors of one component: reported when they begin and when they are over."""

from __future__ import annotations

from lipstream.pipeline.component import Component
from lipstream.pipeline.errors import RecoverableError


class Lapses:
    """Turns a component's recoverable errors into `Degraded`, and the next success into `Recovered`.

    Kept by input port: a join that fails on one stream and succeeds on the other is degraded all the time, and does
    not report so again at every packet.

    Args:
        component: the component; it must have its context.
    """

    def __init__(self, component: Component) -> None:
        self._component = component
        self._failing: dict[str, set[str]] = {}

    @property
    def lasting(self) -> bool:
        """Whether the component could not handle what came last, on any port."""
        return bool(self._failing)

    def begin(self, port: str, error: RecoverableError) -> None:
        """The component could not handle what came on a port."""
        modalities = self._failing.setdefault(port, set())
        if error.modality not in modalities:
            modalities.add(error.modality)
            self._component.degrade(error.modality, error.reason)

    def end(self, port: str) -> None:
        """The component has handled what came on a port."""
        for modality in sorted(self._failing.pop(port, ())):
            if not any(modality in others for others in self._failing.values()):
                self._component.recover(modality)
