"""Declared use: amounts per month that no program says, such as gigabytes through a NAT gateway.

Shape in the spirit of Infracost (`docs/reference/usage-file.md`): ``resource_usage`` by URN, logical name or
``<type>::<name>``, which may hold ``*``, ``resource_type_default_usage`` by type token, and ``free_usage``
for traffic that belongs to no resource. The most exact name wins, key by key.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gpuyard.catalog.tables import read_yaml
from gpuyard.costs.line_item import decimal
from gpuyard.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Amounts by resource name, by type, and by no resource at all."""

    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    free: Sequence[Mapping[str, Any]] = ()
    unmatched: tuple[str, ...] = ()
    """Names with ``*`` that no resource of the program has: worth a word, no problem."""
    _merged: dict[str, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)

    def amount(self, resource: Resource, key: str) -> Decimal | None:
        """What is declared as ``key`` for the resource, nested keys joined by dots; None: nothing.

        Yes and no count as 1 and 0.
        """
        value = self._of(resource).get(key)
        if isinstance(value, bool):
            return Decimal(value)
        return decimal(value) if isinstance(value, int | float | Decimal) else None

    def text(self, resource: Resource, key: str) -> str:
        """The word that is declared as ``key``; empty: none."""
        value = self._of(resource).get(key)
        return value if isinstance(value, str) else ""

    def amounts(self, resource: Resource, key: str) -> Mapping[str, Decimal]:
        """The mapping that is declared as ``key``, such as hours by instance type; empty: none."""
        start = f"{key}."
        return {
            name.removeprefix(start): decimal(value)
            for name, value in self._of(resource).items()
            if name.startswith(start) and isinstance(value, int | float)
        }

    def _of(self, resource: Resource) -> Mapping[str, Any]:
        """Everything declared for the resource, the most exact name last to win."""
        if not self.resources and not self.types:
            return {}
        found = self._merged.get(resource.urn)
        if found is None:
            found = dict(flat(self.types.get(resource.type, {})))
            for name in sorted(self.resources, key=_exactness):
                if matches(name, resource):
                    found.update(flat(self.resources[name]))
            self._merged[resource.urn] = found
        return found


def _exactness(name: str) -> tuple[bool, int, str]:
    """Patterns before names, shorter before longer: `flat` of the last one wins."""
    return ("*" not in name, len(name), name)


def matches(name: str, resource: Resource) -> bool:
    """Whether an entry of ``resource_usage`` speaks of the resource. ``*`` stands for anything."""
    names = (resource.urn, resource.name, f"{resource.type}::{resource.name}")
    if "*" not in name:
        return name in names
    pattern = re.compile(".*".join(re.escape(part) for part in name.split("*")))
    return any(pattern.fullmatch(text) for text in names)


def flat(amounts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested amounts under keys joined by dots, other names of keys replaced by their first one."""
    for key, value in amounts.items():
        name = f"{prefix}{key}"
        name = aliases().get(name, name)
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        else:
            yield name, value


def aliases() -> Mapping[str, str]:
    """Other names of keys that are read too."""
    return read_yaml("usage_keys")["aliases"]


def keys_of(type_token: str) -> Mapping[str, str]:
    """Keys that a type may have, with what they mean."""
    table = read_yaml("usage_keys")
    return {**table["types"].get(type_token, {}), **table["any"]}


def is_key(key: str, type_token: str) -> bool:
    """Whether a flattened key is one of the type's. Mappings with free keys take any key below them."""
    keys = keys_of(type_token)
    if key in keys:
        return True
    parent = key.partition(".")[0]
    if parent in keys and keys[parent].startswith("mapping"):
        return True
    return re.sub(r"^node_pool\[\d+\]", "node_pool[N]", key) in keys


def free_kinds() -> Mapping[str, Mapping[str, str]]:
    """Kinds of ``free_usage`` with their keys."""
    return read_yaml("usage_keys")["free_usage"]


def usable_types() -> Iterable[str]:
    """Types that have keys of their own."""
    return read_yaml("usage_keys")["types"]
