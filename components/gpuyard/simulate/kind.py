"""What the simulated clouds know of a resource type: its id, the outputs they compute, its physical name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gpuyard.simulate.lookup import Lookup
from gpuyard.simulate.place import Place

Outputs = Mapping[str, Any]
"""By wire name."""


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

    compute: Callable[[Request], Outputs]
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
