"""A resource as data: what a Pulumi program asked for, whoever recorded it.

The recorder (`engine`), previews and state files become these; `costs`, `leadtime`, `report` and the
validator read them. Inputs use Pulumi's wire names (camelCase). Nothing here imports Pulumi.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from gpuyard.records import record


class _Marker:
    """A value that is not there: unknown until created, or secret. Falsy, equal only to itself."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return False

    def __copy__(self) -> "_Marker":
        return self

    def __deepcopy__(self, _memo: object) -> "_Marker":
        return self


UNKNOWN: Final = _Marker("[unknown]")
"""A value known only after creation, such as the id of a resource to be created."""
SECRET: Final = _Marker("[secret]")
"""A secret. Its plain value never enters a recorded resource."""


@record
class Resource:
    """One resource of a program, before or after deployment."""

    urn: str
    type: str
    """Pulumi type token, e.g. ``aws:eks/nodeGroup:NodeGroup``."""
    name: str
    """Logical name."""
    custom: bool = True
    """Managed by a provider (False: a component)."""
    parent: str | None = None
    """URN of the parent; None at the root."""
    provider: str | None = None
    """URN of the provider resource; None: the default provider, or a component."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Wire names; values JSON-like, or UNKNOWN, or SECRET, nested anywhere."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """After deployment, or from a state file; empty in a plan."""
    id: str | None = None
    """Provider id after deployment."""
    dependencies: tuple[str, ...] = ()
    """URNs, sorted."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Resource options that were set: protect, retainOnDelete, ignoreChanges, customTimeouts, …"""
    source: str | None = None
    """``file:line`` where the program made it, relative to the project."""


def to_json(value: Any) -> Any:
    """A value of a resource as JSON-ready data: markers become their text."""
    if isinstance(value, _Marker):
        return repr(value)
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value
