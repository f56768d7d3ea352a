"""What the simulated clouds know of a resource type: its id, the outputs they compute, its physical name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gpuyard.simulate.functions import Lookup
from gpuyard.simulate.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A resource to be made or changed, its inputs checked and named."""

    type: str
    name: str
    """Logical name."""
    inputs: Mapping[str, Any]
    """Wire names, secrets readable."""
    place: Place
    lookup: Lookup
    seed: str
    """Differs for every resource ever made, and stays while the resource is updated."""
    now: datetime
    """Simulated time."""
    before: Mapping[str, Any] | None = None
    """Outputs before an update; None: a creation."""

    @property
    def time(self) -> str:
        """When the resource was created, as the clouds write it."""
        return f"{self.now:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The rules of one resource type."""

    compute: Callable[[Request], Mapping[str, Any]]
    """``id`` and the outputs that are not inputs; nested ones are laid over the inputs."""
    name: str = ""
    """Property that Pulumi names when the program does not. Empty: the type has no such name."""
    name_length: int = 0
    """Most characters of that name. 0: no limit worth checking."""
    unsettled: tuple[str, ...] = ()
    """Outputs that every update changes: unknown until it is done."""


def name_of(request: Request, key: str = "name") -> str:
    """The physical name; the logical one where there is none."""
    return str(request.inputs.get(key) or request.name)


def lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``below`` with ``above`` on top, objects merged key by key."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = lay_over(under, value) if both else value  # pyright: ignore[reportArgumentType] (mappings)
    return merged


def find_kind(type_: str) -> Kind | None:
    """The rules of ``type_``; None: it has none of its own (`generic` answers)."""
    package = type_.partition(":")[0]
    if package == "kubernetes":
        from gpuyard.simulate.kubernetes_kinds import find_kubernetes_kind  # noqa: PLC0415 (each cloud on demand)

        return find_kubernetes_kind(type_)
    if package == "aws":
        from gpuyard.simulate.aws_eks import EKS_KINDS  # noqa: PLC0415
        from gpuyard.simulate.aws_kinds import AWS_KINDS  # noqa: PLC0415

        return AWS_KINDS.get(type_) or EKS_KINDS.get(type_)
    if package == "gcp":
        from gpuyard.simulate.gcp_kinds import GCP_KINDS  # noqa: PLC0415
        from gpuyard.simulate.gke import GKE_KINDS  # noqa: PLC0415

        return GCP_KINDS.get(type_) or GKE_KINDS.get(type_)
    return None
