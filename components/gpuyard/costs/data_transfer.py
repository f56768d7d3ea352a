"""Traffic that belongs to no resource, as the usage file declares it: by cloud, region and direction."""

from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.catalog.component_prices import egress_tiers, zone_traffic
from gpuyard.catalog.price import Tier
from gpuyard.catalog.service_prices import service_tiers
from gpuyard.costs.line_item import NETWORK, Charge, charge_tiers, when_used
from gpuyard.costs.scene import Scene
from gpuyard.resources import Resource

_ROWS = {
    "aws:data_transfer": (
        ("monthly_intra_region_gb", "between zones, each direction", 2),
        ("monthly_outbound_us_east_to_us_east_gb", "between US East regions", 1),
        ("monthly_outbound_other_regions_gb", "to other regions", 1),
        ("monthly_outbound_internet_gb", "to the internet", 1),
    ),
    "gcp:data_transfer": (
        ("monthly_inter_zone_gb", "between zones", 1),
        ("monthly_outbound_internet_gb", "to the internet", 1),
    ),
}
"""Key of the usage file, item of the price table, how many times a gigabyte is billed."""


def price_free_usage(scene: Scene) -> Iterator[Charge]:
    """The lines of every entry of ``free_usage``."""
    for number, entry in enumerate(scene.usage.free):
        yield from _price(entry, number)


def _price(entry: Mapping[str, Any], number: int) -> Iterator[Charge]:
    kind, region = str(entry["kind"]), str(entry["region"])
    cloud = kind.partition(":")[0]
    name = f"data transfer {region}"
    resource = Resource(urn=f"free_usage[{number}]::{kind}", type=kind, name=name)
    for key, item, times in _ROWS[kind]:
        if key not in entry:
            continue
        yield from charge_tiers(
            resource,
            item,
            _tiers(cloud, item, region),
            when_used(entry[key]) * times,
            unit="GB",
            group=NETWORK,
            region=region,
        )


def _tiers(cloud: str, item: str, region: str) -> tuple[Tier, ...]:
    found = service_tiers(cloud, "data_transfer", item, region)
    if found:
        return found
    if item == "to the internet":
        return egress_tiers(cloud, region)
    both = zone_traffic(cloud, region) if item == "between zones, each direction" else None
    if both is None:
        return ()
    each = both.usd / 2
    return (
        Tier(from_gb=0, price=type(both)(usd=each, unit=both.unit, source=both.source, as_of=both.as_of)),
    )
