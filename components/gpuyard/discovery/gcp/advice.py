"""Google's own forecasts: odds of spot and flex-start requests, calendar windows, spot history.

Rates and odds are Google's, as published; nothing here reserves. The machine types that calendar mode
covers are the accelerator-optimised ones (A3 and newer).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gpuyard.catalog.evidence_items import Advice, History, SpotPrice
from gpuyard.discovery.gcp.client import GcpClients
from gpuyard.discovery.gcp.places import NOW, last_part
from gpuyard.discovery.gcp.reserved import utc
from gpuyard.discovery.spread import spread

MODELS = {"spot": "SPOT", "flex_start": "FLEX_START"}
HISTORY_DAYS = 30
"""Google publishes preemption rates of the last 30 days."""
CALENDAR_FAMILIES = ("a3-", "a4-", "a4x-")
CALENDAR_LEAD = timedelta(hours=96)
"""Shortest time before a calendar window that public scripts use with success (2026)."""


def ask_odds(
    clients: GcpClients, region: str, machine_type: str, instances: int, purchase: str
) -> Iterator[Advice]:
    """Odds, 0 to 1, of getting so many machines in any one zone of the region, and for how long."""
    answer = clients.compute(
        "advice.capacity",
        region=region,
        capacity_advice_request_resource={
            "size": instances,
            "distribution_policy": {"target_shape": "ANY_SINGLE_ZONE"},
            "instance_flexibility_policy": {
                "instance_selections": {"only": {"machine_types": [machine_type]}}
            },
            "instance_properties": {"scheduling": {"provisioning_model": MODELS[purchase]}},
        },
    )
    for best in answer.recommendations[:1]:
        zones = {last_part(shard.zone) for shard in best.shards}
        about = {
            "cloud": "gcp",
            "region": region,
            "zone": zones.pop() if len(zones) == 1 else "",
            "machine_type": machine_type,
            "purchase": purchase,
            "instances": instances,
            "as_of": NOW,
        }
        if "obtainability" in best.scores:
            yield Advice(**about, measure="obtainability", value=round(best.scores.obtainability, 4))
        if best.scores.estimated_uptime:
            yield Advice(
                **about, measure="uptime", value=float(best.scores.estimated_uptime.removesuffix("s"))
            )


def ask_calendar(
    clients: GcpClients, region: str, machine_type: str, instances: int, hours: int, start_within_days: int
) -> Iterator[Advice]:
    """The earliest window that Google recommends, and why other zones have none."""
    now = datetime.now(UTC)
    answer = clients.compute(
        "advice.calendarMode",
        region=region,
        calendar_mode_advice_request_resource={
            "future_resources_specs": {
                "only": {
                    "deployment_type": "DENSE",
                    "target_resources": {
                        "specific_sku_resources": {
                            "machine_type": machine_type,
                            "instance_count": instances,
                        }
                    },
                    "time_range_spec": {
                        "start_time_not_earlier_than": _text(now + CALENDAR_LEAD),
                        "start_time_not_later_than": _text(
                            now + max(CALENDAR_LEAD, timedelta(days=start_within_days))
                        ),
                        "min_duration": f"{hours * 3600}s",
                        "max_duration": f"{hours * 3600}s",
                    },
                }
            }
        },
    )
    about = {
        "cloud": "gcp",
        "region": region,
        "machine_type": machine_type,
        "purchase": "calendar",
        "instances": instances,
        "measure": "calendar",
        "as_of": NOW,
    }
    for recommendation in answer.recommendations:
        for found in recommendation.recommendations_per_spec.values():
            if found.start_time:
                yield Advice(
                    **about,
                    zone=last_part(found.location),
                    word="recommended",
                    starts_at=utc(found.start_time),
                    ends_at=utc(found.end_time),
                )
            for place, other in found.other_locations.items():
                yield Advice(**about, zone=last_part(place), word=f"{other.status} {other.details}".strip())


def ask_spot_prices(clients: GcpClients, region: str, machine_type: str, window_days: int) -> Iterator[Any]:
    """Spot price of the region and its spread over the window; Google prices no zone apart."""
    answer = _history(clients, region, machine_type)
    steps = [
        (datetime.fromisoformat(record.interval.start_time), _usd(record.list_price))
        for record in answer.price_history
    ]
    if not steps:
        return
    window = timedelta(days=window_days)
    end = datetime.now(UTC)
    began, latest = max(steps)
    low, middle, high = spread(steps, end, window)
    yield SpotPrice(
        cloud="gcp",
        region=region,
        machine_type=machine_type,
        usd=latest,
        changed_at=utc(began.isoformat()),
        usd_p10=low,
        usd_p50=middle,
        usd_p90=high,
        window_days=window_days,
        changes=sum(1 for start, _ in steps if start > end - window),
        as_of=NOW,
    )


def ask_preemptions(clients: GcpClients, region: str, machine_type: str) -> Iterator[History]:
    """Mean of the daily shares of stopped spot machines that Google itself had stopped."""
    rates = [record.preemption_rate for record in _history(clients, region, machine_type).preemption_history]
    if rates:
        yield History(
            cloud="gcp",
            region=region,
            machine_type=machine_type,
            purchase="spot",
            measure="preemption_rate",
            value=round(sum(rates) / len(rates), 6),
            window_days=HISTORY_DAYS,
            as_of=NOW,
        )


def _history(clients: GcpClients, region: str, machine_type: str) -> Any:
    return clients.once(
        f"history {region} {machine_type}",
        lambda: clients.compute(
            "advice.capacityHistory",
            region=region,
            capacity_history_request_resource={
                "instance_properties": {
                    "machine_type": machine_type,
                    "scheduling": {"provisioning_model": "SPOT"},
                },
                "types": ["PREEMPTION", "PRICE"],
            },
        ),
    )


def _usd(money: Any) -> float:
    return round(money.units + money.nanos / 1e9, 9)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
