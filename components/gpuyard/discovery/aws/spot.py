"""Spot prices over past days, and AWS's odds that a spot request succeeds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gpuyard.catalog.evidence_items import PlacementScore, SpotPrice
from gpuyard.discovery.aws.region import NOW, AwsRegion
from gpuyard.discovery.spread import spread

SCORES_AT_ONCE = 10
"""Regions per call, and places that one answer scores (GetSpotPlacementScores, botocore 1.44)."""


def ask_spot_prices(region: AwsRegion, window_days: int) -> Iterator[SpotPrice]:
    """Latest Linux price and its spread, per machine type and zone."""
    end = datetime.now(UTC)
    window = timedelta(days=window_days)
    changes: dict[tuple[str, str], list[tuple[datetime, float]]] = {}
    for quote in region.pages(
        "describe_spot_price_history",
        "SpotPriceHistory",
        InstanceTypes=list(region.machine_types),
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


def ask_placement_scores(region: AwsRegion, instances: int) -> Iterator[PlacementScore]:
    """Scores of the region and of its zones for ``instances`` of any of the machine types.

    One region per call: an answer scores ten places at most.
    """
    for single_zone in (False, True):
        for found in region.pages(
            "get_spot_placement_scores",
            "SpotPlacementScores",
            InstanceTypes=list(region.machine_types),
            TargetCapacity=instances,
            TargetCapacityUnitType="units",
            SingleAvailabilityZone=single_zone,
            RegionNames=[region.name],
        ):
            yield PlacementScore(
                cloud="aws",
                region=region.name,
                zone=found.get("AvailabilityZoneId", "") if single_zone else "",
                machine_types=tuple(sorted(region.machine_types)),
                instances=instances,
                score=found["Score"],
                as_of=NOW,
            )


def timestamp(moment: datetime) -> str:
    """The moment as evidence writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
