"""The resources around a resource: its region, what it refers to, which cluster it runs in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from math import isfinite
from typing import Any

from gpuyard.costs.usage import Usage
from gpuyard.resources import SECRET, UNKNOWN, Resource


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that pricing one resource may need to look at."""

    resources: Sequence[Resource]
    usage: Usage
    hours: Decimal
    reference_date: date

    default_regions: Mapping[str, str] = field(default_factory=dict)
    """Region by cloud (``aws``, ``gcp``) of resources that name none, from the program's configuration."""

    def hours_of(self, resource: Resource) -> Decimal:
        """Hours of the month in which the resource exists: declared, or all of them."""
        declared = self.usage.amount(resource, "monthly_hours")
        return self.hours if declared is None else declared

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        """Resources by URN."""
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """Sums over all resources that several prices need, by who made them."""
        return {}

    @cached_property
    def by_type(self) -> dict[str, list[Resource]]:
        """Resources by type token, sorted by URN."""
        found: dict[str, list[Resource]] = {}
        for resource in sorted(self.resources, key=lambda r: r.urn):
            found.setdefault(resource.type, []).append(resource)
        return found

    def region(self, resource: Resource) -> str:
        """The region that the resource says, or its provider, or its parents'; empty: not known."""
        for block in (resource.inputs, resource.outputs):
            for text in (block.get(key) for key in _PLACES):
                text = text[0] if isinstance(text, list | tuple) and text else text  # noqa: PLW2901
                if isinstance(text, str) and text:
                    return to_region(text)
        seen: Resource | None = resource
        while seen is not None:
            provider = self._provider(seen)
            region = provider.inputs.get("region") if provider else None
            if isinstance(region, str) and region:
                return region
            seen = self.by_urn.get(seen.parent or "")
        return self.default_regions.get(resource.type.partition(":")[0], "")

    def linked(
        self, resource: Resource, type_token: str, *properties: str, value: Any = None
    ) -> Resource | None:
        """The resource of that type that the given properties refer to.

        By the dependencies of these properties, by id, ARN, link or name, by any dependency, in this order.
        A file that lists no dependencies leaves one clue: an id that is not known yet, where only one
        resource of the type is in the program, is the id of that one.
        """
        urns = [urn for key in properties for urn in resource.property_dependencies.get(key, ())]
        found = self._first_of(type_token, urns)
        if found is None and isinstance(value, str) and value:
            found = self._named.get((type_token, value)) or self._named.get(
                (type_token, value.rsplit("/", 1)[-1])
            )
        found = found or self._first_of(type_token, resource.dependencies)
        alike = self.by_type.get(type_token, ())
        if found is None and value is UNKNOWN and len(alike) == 1 and not resource.dependencies:
            return alike[0]
        return found

    def _first_of(self, type_token: str, urns: Iterable[str]) -> Resource | None:
        for urn in urns:
            found = self.by_urn.get(urn)
            if found is not None and found.type == type_token:
                return found
        return None

    @cached_property
    def _named(self) -> dict[tuple[str, str], Resource]:
        """Resources by type and whatever text other resources may call them by; the first by URN keeps it."""
        found: dict[tuple[str, str], Resource] = {}
        for resource in sorted(self.resources, key=lambda r: r.urn):
            texts = [resource.id, resource.urn, resource.inputs.get("name"), resource.inputs.get("family")]
            texts += [resource.outputs.get(key) for key in ("arn", "name", "selfLink", "id")]
            for text in (*texts, resource.name):
                if isinstance(text, str) and text:
                    found.setdefault((resource.type, text), resource)
        return found

    def cluster_of(self, resource: Resource) -> Resource | None:
        """The cloud cluster that a Kubernetes resource lands in; None: not made here.

        A provider whose cluster the file does not tell is that of the only cluster in the program: its
        credentials are not known yet, or the file has no provider at all.
        """
        provider = self._provider(resource)
        if provider is not None:
            for found in self._reach(provider, depth=3):
                if found.type in CLUSTERS:
                    return found
        clusters = self._clusters
        if len(clusters) != 1:
            return None
        if provider is None:
            return None if resource.provider else clusters[0]
        config = provider.inputs.get("kubeconfig")
        return clusters[0] if config is UNKNOWN or config is SECRET else None

    @cached_property
    def _clusters(self) -> Sequence[Resource]:
        return [found for kind in CLUSTERS for found in self.by_type.get(kind, ())]

    def _reach(self, resource: Resource, depth: int) -> Iterator[Resource]:
        """What a resource depends on, near things first."""
        layer, seen = [resource], {resource.urn}
        for _ in range(depth):
            urns = [
                urn
                for r in layer
                for urn in (*(u for us in r.property_dependencies.values() for u in us), *r.dependencies)
            ]
            layer = []
            for urn in dict.fromkeys(urns):
                found = self.by_urn.get(urn)
                if found is not None and urn not in seen:
                    seen.add(urn)
                    layer.append(found)
                    yield found

    def _provider(self, resource: Resource) -> Resource | None:
        """Its provider; state files write ``urn::id``."""
        if not resource.provider:
            return None
        return self.by_urn.get(resource.provider) or self.by_urn.get(resource.provider.rpartition("::")[0])


_PLACES = ("region", "zone", "location", "availabilityZone", "availabilityZones")
"""Inputs and outputs that say where a resource is."""
CLUSTERS = {"aws:eks/cluster:Cluster": "aws", "gcp:container/cluster:Cluster": "gcp"}
"""Types that are a Kubernetes cluster of a cloud."""


def to_region(place: str) -> str:
    """The region of a zone or region name: ``us-east-1a``, ``us-central1-b`` and regions themselves."""
    name = place.rsplit("/", 1)[-1]
    parts = name.split("-")
    if len(parts) >= 3 and len(parts[-1]) == 1 and parts[-1].isalpha():
        return "-".join(parts[:-1])
    if len(parts) >= 3 and parts[-1][-1:].isalpha() and parts[-1][:-1].isdigit():
        return name[:-1]
    return name


def mapping(value: Any) -> dict[str, Any]:
    """A nested block; empty where it is absent or not known. State files of lists of one block pass too."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    return dict(value) if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The entries of a list; empty where it is absent or not known."""
    return list(value) if isinstance(value, list | tuple) else []


def text(value: Any, default: str = "") -> str:
    """A text or a number as text; the default where it is absent, not known, secret or anything else."""
    is_said = isinstance(value, str | int | float) and not isinstance(value, bool)
    return (str(value) if is_said else "") or default


def count(value: Any) -> int | None:
    """A whole number from 0 up, also as text; None: absent, not known, or no such number."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if isfinite(value) and value >= 0 else None
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return None


def amount(value: Any) -> Decimal | None:
    """A number from 0 up, whole or not, also as text; None: absent, not known, or no such number."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            return None
        return found if found.is_finite() and found >= 0 else None
    return None


def truth(value: Any, default: bool = False) -> bool:
    """A boolean, also as text as launch templates write it; what is absent or unknown is the default."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return default
