"""What stands in for the clouds while a program runs in-process."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import field
from typing import Any, Protocol

from gpuyard.records import record
from gpuyard.resources import Resource

calling_provider: ContextVar[str | None] = ContextVar("calling_provider", default=None)
"""URN of the provider whose function is being called; None: the package's default provider."""


@record
class Registration:
    """The answer to a resource that a program asked for."""

    id: str = ""
    """Provider id; empty: not known yet."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Wire names. In a preview, what is missing is unknown to the program."""
    failed: bool = False
    """The resource could not be made; its dependents must not be tried."""


class Answers(Protocol):
    """Decides ids, outputs and invoke results. Called from several threads at once."""

    def register(self, resource: Resource, *, preview: bool) -> Registration:
        """The program asks for ``resource``."""
        ...

    def read(self, resource: Resource) -> Registration:
        """The program looks an existing resource up by ``resource.id``."""
        ...

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The program calls a provider function. A token that is not known must raise `EngineError`."""
        ...
