"""Spot prices over past days, and AWS's odds that a spot request succeeds."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gpuyard.catalog.evidence_items import PlacementScore, SpotPrice
from gpuyard.discovery.aws.region import NOW, AwsRegion
from gpuyard.discovery.spread import spread

SCORES_AT_ONCE = 10
"""Regions of one request, and places that one answer scores (GetSpotPlacementScores, botocore 1.44).

AWS limits how many different requests an account may make in a day, so places are asked about together.
"""


def ask_spot_prices(region: AwsRegion, window_days: int) -> Iterator[SpotPrice]:
    """Latest Linux price and its spread, per machine type and zone; a filter, as for machine types."""
    end = datetime.now(UTC)
    window = timedelta(days=window_days)
    changes: dict[tuple[str, str], list[tuple[datetime, float]]] = {}
    for quote in region.pages(
        "describe_spot_price_history",
        "SpotPriceHistory",
        Filters=[{"Name": "instance-type", "Values": list(region.machine_types)}],
        ProductDescriptions=["Linux/UNIX"],
        StartTime=end - window,
    ):
        zone = quote.get("AvailabilityZoneId") or region.zone_id(quote["AvailabilityZone"])
        changes.setdefault((zone, quote["InstanceType"]), []).append(
            (quote["Timestamp"], float(quote["SpotPrice"]))
        )
    for (zone, machine_type), steps in changes.items():
        began, latest = max(steps)
        low, middle, high = spread(steps, end, window)
        yield SpotPrice(
            cloud="aws",
            region=region.name,
            zone=zone,
            machine_type=machine_type,
            usd=latest,
            changed_at=timestamp(began),
            usd_p10=low,
            usd_p50=middle,
            usd_p90=high,
            window_days=window_days,
            changes=len(steps) - 1,
            as_of=NOW,
        )


def ask_placement_scores(
    ec2: Any, machine_types: Sequence[str], zones: Mapping[str, int], instances: int
) -> Iterator[PlacementScore]:
    """Scores of regions and of their zones for ``instances`` of any of the machine types.

    ``zones`` says how many zones of each region matter.
    """
    for regions, single_zone in (
        *((group, False) for group in _groups(dict.fromkeys(zones, 1))),
        *((group, True) for group in _groups(zones)),
    ):
        pages = ec2.get_paginator("get_spot_placement_scores").paginate(
            InstanceTypes=list(machine_types),
            TargetCapacity=instances,
            TargetCapacityUnitType="units",
            SingleAvailabilityZone=single_zone,
            RegionNames=regions,
        )
        for found in (found for page in pages for found in page["SpotPlacementScores"]):
            yield PlacementScore(
                cloud="aws",
                region=found["Region"],
                zone=found.get("AvailabilityZoneId", "") if single_zone else "",
                machine_types=tuple(sorted(machine_types)),
                instances=instances,
                score=found["Score"],
                as_of=NOW,
            )


def _groups(places: Mapping[str, int]) -> Iterator[list[str]]:
    """Regions in groups with no more places together than one answer scores."""
    group: list[str] = []
    total = 0
    for region, count in places.items():
        if group and total + count > SCORES_AT_ONCE:
            yield group
            group, total = [], 0
        group.append(region)
        total += count
    if group:
        yield group


def timestamp(moment: datetime) -> str:
    """The moment as evidence writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
