"""Declared use: amounts per month that no program says, such as gigabytes through a NAT gateway.

Shape in the spirit of Infracost: ``resource_usage`` by logical name or ``<type>::<name>``, which may hold
``*``, and ``resource_type_default_usage`` by type token. The most exact name wins, key by key.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from gpuyard.costs.line_item import decimal
from gpuyard.errors import Finding, Severity, SpecError
from gpuyard.resources import Resource

_SECTIONS = ("resource_usage", "resource_type_default_usage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Amounts by resource name and by type."""

    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def amount(self, resource: Resource, key: str) -> Decimal | None:
        """What is declared as ``key`` for the resource; None: nothing."""
        if not self.resources and not self.types:
            return None
        names = (f"{resource.type}::{resource.name}", resource.name)
        for name in names:
            exact = self.resources.get(name, {}).get(key)
            if exact is not None:
                return decimal(exact)
        for pattern in sorted(self.resources, key=lambda text: (-len(text), text)):
            amount = self.resources[pattern].get(key) if "*" in pattern else None
            if amount is not None and any(fnmatchcase(name, pattern) for name in names):
                return decimal(amount)
        declared = self.types.get(resource.type, {}).get(key)
        return None if declared is None else decimal(declared)


def read_usage(path: Path, resources: AbstractSet[tuple[str, str]]) -> tuple[Usage, int | None]:
    """A usage file, and the hours per month that it declares, if any.

    ``resources``: type and name of those there are.

    Raises:
        SpecError: unreadable, not YAML, or with problems, every one of them.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([_problem(str(path), "NOT_READABLE", str(error), "check the path")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise SpecError([_problem(str(path), "NOT_YAML", f"is not YAML{where}", "mend it")]) from None
    hours = data.get("hours_per_month") if isinstance(data, Mapping) else None
    if hours is not None and (isinstance(hours, bool) or not isinstance(hours, int) or not 0 < hours <= 744):
        problem = _problem("hours_per_month", "USAGE_AMOUNT", "is not a number of hours", "write 1 to 744")
        raise SpecError([problem])
    names = frozenset({name for _, name in resources} | {f"{kind}::{name}" for kind, name in resources})
    return parse_usage(data, names), hours


def parse_usage(data: Any, names: frozenset[str] | None = None) -> Usage:
    """Usage from plain data (a parsed ``usage.yml``).

    ``names``: the resources there are; usage for any other is a problem.

    Raises:
        SpecError: with every problem.
    """
    problems: list[Finding] = []
    if data is None:
        return Usage()
    if not isinstance(data, Mapping):
        raise SpecError([_problem("", "USAGE_SHAPE", "is not a mapping", "begin with `resource_usage:`")])
    known = ("version", "hours_per_month", *_SECTIONS)
    problems += [
        _problem(str(key), "UNKNOWN_KEY", "is not a key of a usage file", "use one of " + ", ".join(known))
        for key in data
        if key not in known
    ]
    sections = {}
    for section in _SECTIONS:
        sections[section] = _section(section, data.get(section) or {}, problems)
    if names is not None:
        problems += [
            _problem(f"resource_usage.{name}", "USAGE_WITHOUT_RESOURCE", "matches no resource", "remove it")
            for name in sections["resource_usage"]
            if not any(fnmatchcase(there, name) for there in names)
        ]
    if problems:
        raise SpecError(problems)
    return Usage(resources=sections["resource_usage"], types=sections["resource_type_default_usage"])


def _section(path: str, entries: Any, problems: list[Finding]) -> dict[str, dict[str, Any]]:
    if not isinstance(entries, Mapping):
        problems.append(_problem(path, "USAGE_SHAPE", "is not a mapping", "name resources below it"))
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, amounts in entries.items():
        if not isinstance(amounts, Mapping):
            problems.append(
                _problem(f"{path}.{name}", "USAGE_SHAPE", "is not a mapping", "write key: number")
            )
            continue
        for key, value in amounts.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
                problems.append(
                    _problem(
                        f"{path}.{name}.{key}", "USAGE_AMOUNT", "is not an amount", "write a number from 0 up"
                    )
                )
        found[str(name)] = dict(amounts)
    return found


def _problem(path: str, code: str, message: str, fix: str) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, path=path, message=message, fix=fix)
