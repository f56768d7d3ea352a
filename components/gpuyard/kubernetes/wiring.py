"""What clusters and pools ask of their callers beside plain values: providers, and others' outputs."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from gpuyard.errors import Finding
from gpuyard.inputs import ArgsError


def passed_provider(opts: pulumi.ResourceOptions | None, package: str) -> pulumi.ProviderResource | None:
    """The provider of ``package`` that the caller gave by ``provider`` or ``providers``; None: no such."""
    if opts is None:
        return None
    given = opts.providers or []
    listed = list(given.values()) if isinstance(given, Mapping) else list(_as_list(given))
    if opts.provider is not None:
        listed.append(opts.provider)
    return next((provider for provider in listed if provider.package == package), None)


def passed_dependencies(opts: pulumi.ResourceOptions | None) -> list[Any]:
    """What the caller's ``depends_on`` names, for the children.

    The SDK makes a component's children wait for it, but the engine does not know: without this it might
    delete nodes under running pods.
    """
    given: Any = opts.depends_on if opts else None
    return [] if given is None else _as_list(given)


def require_wiring(component: str, wiring: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Check that each of ``keys`` was given.

    Raises:
        ArgsError: with one finding per missing key.
    """
    missing = tuple(
        Finding.error(
            "REQUIRED",
            key,
            "is required",
            "take it from the cluster, or make the pool with the cluster's gpu_pool()",
        )
        for key in keys
        if wiring.get(key) is None
    )
    if missing:
        raise ArgsError(component, missing)


def require_zones(component: str, asked: Iterable[str], known: Iterable[str]) -> None:
    """Check that a pool asks only for zones of its cluster.

    Raises:
        ArgsError: with one finding per zone that the cluster lacks.
    """
    zones = sorted(known)
    missing = tuple(
        Finding.error(
            "ZONE_NOT_IN_CLUSTER",
            "zones",
            f'the cluster has no subnet in "{zone}"',
            "use one of: " + ", ".join(zones) + "; or append the zone to the cluster",
            value=zone,
        )
        for zone in asked
        if zone not in zones
    )
    if missing:
        raise ArgsError(component, missing)


def _as_list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, Iterable) else [given]
