"""Things whose bill follows from a table: what a resource is billed for, at which rate, by which use."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from gpuyard.catalog.service_prices import service_tiers
from gpuyard.costs.line_item import Charge, Loads, always, charge_tiers, decimal, when_used
from gpuyard.costs.scene import Scene
from gpuyard.resources import Resource


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a resource is billed for."""

    component: str
    service: str
    """Service and item of the price table."""
    item: str
    unit: str
    group: str
    usage: str = ""
    """Key of the usage file with the monthly amount. Empty: every hour, or once a month, by the unit."""
    per: int = 1
    """How many of the declared amount make one priced unit, such as 1,000 requests."""
    default: int | Decimal | None = None
    """The amount where nobody declares one. None: the part is then a rate and in no total."""


def charge_part(
    resource: Resource, scene: Scene, part: Part, region: str, times: int = 1
) -> Iterator[Charge]:
    """The lines of one part, ``times`` over (zones, replicas)."""
    cloud = resource.type.partition(":")[0]
    tiers = service_tiers(cloud, part.service, part.item, region)
    quantity = part_quantity(resource, scene, part)
    quantity = None if quantity is None else quantity * times
    yield from charge_tiers(
        resource, part.component, tiers, quantity, unit=part.unit, group=part.group, region=region
    )


def part_quantity(resource: Resource, scene: Scene, part: Part) -> Loads | None:
    """Priced units per month; None: depends on use that nobody declared."""
    if not part.usage:
        hours = scene.hours_of(resource)
        return always(hours if part.unit.endswith("hour") else hours / scene.hours)
    amount = scene.usage.amount(resource, part.usage)
    if amount is None:
        if part.default is None:
            return None
        amount = part.default
    # what is stored or licensed stays when nothing is asked of it; traffic and requests do not
    keep = always if part.unit.endswith(("-month", "month")) else when_used
    return keep(decimal(amount) / part.per)
