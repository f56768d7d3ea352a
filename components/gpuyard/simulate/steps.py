"""What an operation on a simulated stack did: one step per resource, with simulated times."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gpuyard.errors import EngineError
from gpuyard.simulate.changes import Change


class Action(StrEnum):
    """What happened to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"
    READ = "read"
    REFRESH = "refresh"
    """Looked up and found changed; unchanged ones are ``same``."""
    GONE = "gone"
    """Looked up and not found."""
    SKIP = "skip"
    """Not tried: something it needs failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One resource in one operation."""

    urn: str
    type: str
    name: str
    action: Action
    begin: float
    """Simulated seconds since the scenario's beginning."""
    end: float
    id: str = ""
    custom: bool = True
    """Managed by a provider (False: a component)."""
    changes: tuple[Change, ...] = ()
    error: EngineError | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One operation on a stack."""

    operation: str
    """``preview``, ``up``, ``refresh`` or ``destroy``."""
    steps: tuple[Step, ...]
    """By their beginning, then by URN."""
    begin: float
    end: float
    """When the last step was over."""
    outputs: Mapping[str, Any]
    """Of the stack, secrets masked."""
    messages: tuple[tuple[str, str], ...]
    """Severity and text of what the program logged, sorted."""

    @property
    def seconds(self) -> float:
        """Simulated seconds that the operation took."""
        return self.end - self.begin

    @property
    def failures(self) -> tuple[Step, ...]:
        """Steps that the cloud refused."""
        return tuple(step for step in self.steps if step.error)

    @property
    def counts(self) -> Mapping[str, int]:
        """Resources by action, without those that failed, in the order of `Action`."""
        found = Counter(step.action for step in self.steps if not step.error)
        return {action: found[action] for action in Action if found[action]}

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, changed."""
        quiet = (Action.SAME, Action.READ, Action.SKIP)
        return any(step.action not in quiet for step in self.steps)
