"""What a provider function is, and what it may ask the simulated cloud for.

Both speak wire names (camelCase).
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gpuyard.simulate.place import Place


class Lookup(Protocol):
    """What a simulated cloud holds."""

    def find(self, type_: str, place: Place, **properties: Any) -> Mapping[str, Any] | None:
        """Outputs, ``id`` too, of the first resource of ``type_`` at ``place`` with these properties."""
        ...

    def find_all(self, type_: str, place: Place) -> list[Mapping[str, Any]]:
        """Outputs, ``id`` too, of every resource of ``type_`` at ``place``, by id."""
        ...


class NothingThere:
    """The `Lookup` of an empty cloud."""

    def find(self, type_: str, place: Place, **properties: Any) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Nothing."""
        return None

    def find_all(self, type_: str, place: Place) -> list[Mapping[str, Any]]:  # noqa: ARG002
        """Nothing."""
        return []


Function = Callable[[Mapping[str, Any], Place, Lookup], Mapping[str, Any]]
"""Takes its arguments, the place of the provider that is called, and what the cloud holds."""
