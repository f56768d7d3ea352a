"""Scenarios: what goes wrong in a simulated cloud, where, how often, when, and how long things take.

A scenario is a YAML file (`docs/reference/simulate.md`):

    description: H100 is sold out in one zone for two hours
    rules:
      - when: {machine_type: p5.48xlarge, zone: use1-az1, operation: create}
        fail: insufficient_capacity
        between: [0s, 2h]
      - when: {type: "aws:eks/cluster:*"}
        takes: 9m
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from gpuyard.engine.yaml_file import read_mapping
from gpuyard.parsing import Spec, parse_spec

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1, None: 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


class Refusing(StrEnum):
    """Kinds of refusal; each cloud has its own words for each."""

    INSUFFICIENT_CAPACITY = "insufficient_capacity"
    QUOTA_EXCEEDED = "quota_exceeded"
    GLOBAL_QUOTA_EXCEEDED = "global_quota_exceeded"
    RESERVATION_EMPTY = "reservation_empty"
    NOT_SOLD = "not_sold"
    NO_ADDRESSES = "no_addresses"
    PERMISSION_DENIED = "permission_denied"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    BAD_CONFIGURATION = "bad_configuration"


OF_MACHINES = frozenset(
    {
        Refusing.INSUFFICIENT_CAPACITY,
        Refusing.QUOTA_EXCEEDED,
        Refusing.GLOBAL_QUOTA_EXCEEDED,
        Refusing.RESERVATION_EMPTY,
        Refusing.NOT_SOLD,
        Refusing.NO_ADDRESSES,
    }
)
"""Refusals that only meet a resource which asks for machines at once: an empty pool is made without any."""


class Operation(StrEnum):
    """What can be refused or can take time."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    INVOKE = "invoke"


def read_duration(value: Any) -> float:
    """Seconds of ``90``, ``"90s"``, ``"35m"``, ``"1h 30m"``.

    Raises:
        ValueError: it is no duration.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    text = value.replace(" ", "") if isinstance(value, str) else ""
    parts = list(_DURATION.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError("is no duration\nwrite it as 90s, 35m, 2h or 1h 30m")
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts)


Seconds = Annotated[float, BeforeValidator(read_duration)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
"""One pattern or several, of which one must match; ``*`` stands for anything."""


class When(Spec):
    """What a rule is about; what is left out matches everything."""

    operation: Annotated[tuple[Operation, ...], BeforeValidator(_as_list)] = ()
    type: Patterns = ()
    """Pulumi type token, or the token of a function."""
    name: Patterns = ()
    """Logical name."""
    cloud: Patterns = ()
    region: Patterns = ()
    zone: Patterns = ()
    """Zone id or name."""
    machine_type: Patterns = ()
    purchase: Patterns = ()
    """``on_demand``, ``spot``, ``reservation``, ``capacity_block``, ``flex_start`` or ``queued``."""

    def matches(self, facts: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether every given key has a pattern that one of the facts of that name matches."""
        for key in type(self).model_fields:
            patterns = getattr(self, key)
            if patterns and not any(
                fnmatchcase(fact, pattern) for fact in facts[key] for pattern in patterns
            ):
                return False
        return True


class Rule(Spec):
    """One thing that happens: a refusal, a duration, or a refusal after a duration."""

    name: str = ""
    """For messages. Default: its place in the file."""
    when: When = When()
    fail: Refusing | None = None
    message: str = ""
    """Words of the refusal. Default: those of the cloud."""
    times: Annotated[int, Field(gt=0)] | None = None
    """Only the first so many times. Default: always."""
    between: tuple[Seconds, Seconds] | None = None
    """Only from and until these simulated times after the beginning. Default: always."""
    takes: Seconds | None = None
    """How long the operation lasts, or how long until the refusal comes."""

    @model_validator(mode="after")
    def _does_something(self) -> "Rule":
        if self.fail is None and self.takes is None:
            raise ValueError("does nothing\nadd `fail`, `takes` or both")
        if self.message and self.fail is None:
            raise ValueError("has a message but refuses nothing\nadd `fail`")
        return self

    @field_validator("between")
    @classmethod
    def _in_order(cls, window: tuple[float, float] | None) -> tuple[float, float] | None:
        if window and window[0] >= window[1]:
            raise ValueError("ends before it begins\nwrite [from, until], e.g. [0s, 2h]")
        return window

    def is_open(self, at: float) -> bool:
        """Whether the rule holds at that many simulated seconds."""
        return self.between is None or self.between[0] <= at < self.between[1]


class FunctionAnswer(Spec):
    """The result of a provider function, where the simulated clouds have none or another one."""

    function: str
    """Token, e.g. ``aws:ec2/getVpc:getVpc``."""
    args: Mapping[str, Any] = Field(default_factory=dict)
    """Arguments that must be given so; empty: any."""
    result: Mapping[str, Any]

    def answers(self, token: str, args: Mapping[str, Any]) -> bool:
        """Whether this is the answer to that call."""
        return token == self.function and all(args.get(key) == value for key, value in self.args.items())


class Scenario(Spec):
    """A whole scenario. Without rules everything works at once."""

    description: str = ""
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    """Simulated time of the beginning; a time without an offset is UTC."""
    speed: Annotated[float, Field(gt=0)] = 60.0
    """Simulated seconds in one real second, where a real engine waits."""
    rules: tuple[Rule, ...] = ()
    answers: tuple[FunctionAnswer, ...] = ()

    @field_validator("start")
    @classmethod
    def _with_offset(cls, start: datetime) -> datetime:
        return start if start.tzinfo else start.replace(tzinfo=UTC)


def scenario_file(folder: Path, stack: str) -> Path:
    """Where a stack's own scenario lies, beside its program; it need not be there."""
    return folder / f"clouds.{stack}.yaml"


def load_scenario(folder: Path, stack: str) -> Scenario | None:
    """The stack's own scenario; None: it has none.

    Raises:
        SpecError: the file is there but malformed; every problem in it.
    """
    file = scenario_file(folder, stack)
    return read_scenario(file) if file.is_file() else None


def parse_scenario(data: Mapping[str, Any], path: str = "") -> Scenario:
    """A scenario from plain data.

    Raises:
        SpecError: every problem in it.
    """
    return parse_spec(Scenario, data, path)


def read_scenario(file: Path) -> Scenario:
    """The scenario in a YAML file.

    Raises:
        SpecError: the file is missing or malformed; every problem in it.
    """
    return parse_scenario(read_mapping(file, file.parent), "")
