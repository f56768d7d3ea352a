"""EC2 Capacity Manager, where an account has switched it on: odds on demand, and what happened before."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gpuyard.catalog.evidence_items import Advice, History, Reason
from gpuyard.discovery.aws.region import NOW
from gpuyard.discovery.failure import Failure, KnownError

ZONES_AT_ONCE = 10
TYPES_AT_ONCE = 50
WINDOW_DAYS = 14
METRICS: Mapping[str, tuple[str, str]] = {
    "capacity-request-fulfillment-rate": ("on_demand", "fulfilment_rate"),
    "spot-capacity-request-fulfillment-rate": ("spot", "fulfilment_rate"),
    "spot-interruption-rate-inst": ("spot", "interruption_rate"),
}
"""Purchase and measure by metric (names: botocore 1.44, `Metric` of GetCapacityManagerMetricData)."""


class ManagerOffError(KnownError):
    """Capacity Manager is not switched on in the region that was asked."""

    def __init__(self, region: str) -> None:
        super().__init__(
            Failure(
                reason=Reason.NOT_ENABLED,
                message=f"EC2 Capacity Manager is not switched on in {region}",
                fix="optional: switch it on in the EC2 console, under Capacity Manager",
            )
        )


def require_manager(ec2: Any, region: str) -> None:
    """Raise where Capacity Manager is off.

    Raises:
        ManagerOffError: it is.
    """
    if ec2.get_capacity_manager_attributes().get("CapacityManagerStatus") != "enabled":
        raise ManagerOffError(region)


def ask_supportability(
    ec2: Any,
    home: str,
    machine_types: Sequence[str],
    zones: Mapping[str, str],
    instances: int,
    purchase: str,
) -> Iterator[Advice]:
    """Scores of machine types and zones (zone id → region) for ``instances`` machines."""
    require_manager(ec2, home)
    names = sorted(zones)
    for first in range(0, len(names), ZONES_AT_ONCE):
        answer = ec2.get_capacity_manager_supportability_scores(
            MarketType=purchase.replace("_", "-"),
            CapacityAmount=instances,
            CapacityUnit="instances",
            CapacityAvailabilityZoneIds=names[first : first + ZONES_AT_ONCE],
            InstanceTypes=list(machine_types)[:TYPES_AT_ONCE],
        )
        for score in answer["CapacityManagerSupportabilityScores"]:
            yield Advice(
                cloud="aws",
                region=zones.get(score["AvailabilityZoneId"], ""),
                zone=score["AvailabilityZoneId"],
                machine_type=score["InstanceType"],
                purchase=purchase,
                instances=instances,
                measure="supportability",
                word=score["Score"],
                as_of=NOW,
            )


def ask_history(
    ec2: Any, home: str, account: str, machine_types: Sequence[str], regions: Sequence[str]
) -> Iterator[History]:
    """Mean rates of the account's own requests over two weeks, per machine type and zone.

    EC2 gives percentages (AWS, "Fulfillment metrics" of Capacity Manager, read 2026-11-26).
    """
    require_manager(ec2, home)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    pages = ec2.get_paginator("get_capacity_manager_metric_data").paginate(
        MetricNames=list(METRICS),
        StartTime=end - timedelta(days=WINDOW_DAYS),
        EndTime=end,
        Period=86400,
        GroupBy=["resource-region", "availability-zone-id", "instance-type"],
        FilterBy=[
            {
                "DimensionCondition": {
                    "Dimension": "instance-type",
                    "Comparison": "in",
                    "Values": list(machine_types),
                }
            }
        ],
    )
    values: dict[tuple[str, str, str, str], list[float]] = {}
    for result in (result for page in pages for result in page["MetricDataResults"]):
        where = result["Dimension"]
        if where.get("ResourceRegion") not in regions:
            continue
        for metric in result.get("MetricValues", ()):
            if metric["Metric"] in METRICS and "Value" in metric:
                key = (
                    where["ResourceRegion"],
                    where.get("AvailabilityZoneId", ""),
                    where["InstanceType"],
                    metric["Metric"],
                )
                values.setdefault(key, []).append(metric["Value"])
    for (region, zone, machine_type, metric), found in values.items():
        purchase, measure = METRICS[metric]
        yield History(
            cloud="aws",
            account=account,
            region=region,
            zone=zone,
            machine_type=machine_type,
            purchase=purchase,
            measure=measure,
            value=sum(found) / len(found) / 100,
            window_days=WINDOW_DAYS,
            as_of=NOW,
        )
