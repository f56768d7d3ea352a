"""Google services by the resource: secrets, keys, and all that `gcp_parts` lists."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gpuyard.costs.gcp_parts import HOME, PARTS
from gpuyard.costs.line_item import OTHER, Charge
from gpuyard.costs.parts import Part, charge_part
from gpuyard.costs.scene import Scene, count, listed, mapping
from gpuyard.resources import Resource


def price_parts(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The parts that `PARTS` lists for the type."""
    region = scene.region(resource) or HOME
    for part in PARTS[resource.type]:
        yield from charge_part(resource, scene, part, region)


def price_secret(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A secret: versions times the places where they are kept, operations, rotations."""
    region = scene.region(resource) or "global"
    managed = mapping(mapping(resource.inputs.get("replication")).get("userManaged"))
    copies = len(listed(managed.get("replicas"))) or 1
    versions = Part(
        "active versions", "secretmanager", "secret version", "version-month", OTHER, "active_secret_versions"
    )
    yield from charge_part(resource, scene, versions, region, copies)
    for part in (
        Part(
            "access operations",
            "secretmanager",
            "access operations",
            "10k operations",
            OTHER,
            "monthly_access_operations",
            10_000,
        ),
        Part("rotations", "secretmanager", "rotations", "rotation", OTHER, "monthly_rotation_notifications"),
    ):
        yield from charge_part(resource, scene, part, region)


def price_crypto_key(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A key: its versions and operations, software or HSM."""
    region = scene.region(resource) or "global"
    level = mapping(resource.inputs.get("versionTemplate")).get("protectionLevel")
    kind = "HSM" if level == "HSM" else "software"
    made = _versions_a_month(resource.inputs.get("rotationPeriod"))
    for part in (
        Part("key versions", "kms", f"{kind} key version", "version-month", OTHER, "key_versions", 1, made),
        Part(
            "operations",
            "kms",
            f"{kind} operations",
            "10k operations",
            OTHER,
            "monthly_key_operations",
            10_000,
        ),
    ):
        yield from charge_part(resource, scene, part, region)


def _versions_a_month(period: Any) -> Decimal:
    """Versions that a rotation like ``7776000s`` makes in 30 days, at least the one that there is."""
    seconds = count(period.removesuffix("s")) if isinstance(period, str) else None
    return max(Decimal(1), Decimal(30 * 86_400) / seconds) if seconds else Decimal(1)
