"""EC2's vCPU limits in one region: how high, how much is used, and what has been asked for."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.catalog.evidence_items import Quota
from gpuyard.catalog.quotas import quotas
from gpuyard.discovery.asking import Trouble
from gpuyard.discovery.aws.region import NOW, AwsRegion
from gpuyard.discovery.aws.spot import timestamp

_NAMES = (
    (re.compile(r"Running On-Demand (.+) instances"), "on_demand"),
    (re.compile(r"All (.+) Spot Instance Requests"), "spot"),
)
_OPEN = ("PENDING", "CASE_OPENED")
COUNTED = "vCPUs of pending and running instances, and of unused on-demand capacity reservations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One vCPU limit and the families that it is for."""

    market: str
    families: frozenset[str]
    """As the quota's name lists them: ``P``, ``G``, ``P5``."""


def bucket_of(name: str) -> Bucket | None:
    """The bucket that a quota's name describes; None: it is another kind of limit."""
    for pattern, market in _NAMES:
        match = pattern.fullmatch(name)
        if match:
            words = re.findall(r"[A-Za-z]+\d*", match.group(1))
            noise = {"and", "Standard", "High", "Memory", "Dedicated"}
            return Bucket(market=market, families=frozenset(set(words) - noise))
    return None


def ask_quotas(region: AwsRegion) -> Iterator[Quota | Trouble]:
    """Every vCPU limit; use and open requests are unknown, with the cause, where they cannot be read."""
    limits = region.clients("service-quotas", region.name)
    listed = {
        quota["QuotaCode"]: quota
        for page in limits.get_paginator("list_service_quotas").paginate(ServiceCode="ec2")
        for quota in page["Quotas"]
        if bucket_of(quota["QuotaName"])
    }
    missing = [quota.code for quota in quotas("aws") if quota.code not in listed]
    for code in missing:
        if (found := _one(limits, code)) is not None:
            listed[code] = found
    buckets = {code: bucket for code, quota in listed.items() if (bucket := bucket_of(quota["QuotaName"]))}
    used: Mapping[str, float] | None = None
    pending: Mapping[str, Any] = {}
    try:
        used = _used(region, buckets)
    except Exception as error:  # noqa: BLE001 (explained and reported, whatever it is)
        yield Trouble(error)
    try:
        pending = _pending(limits)
    except Exception as error:  # noqa: BLE001
        yield Trouble(error)
    for code, quota in listed.items():
        asked = pending.get(code, {})
        yield Quota(
            cloud="aws",
            account=region.account,
            region=region.name,
            code=code,
            name=quota["QuotaName"],
            unit="vCPU",
            limit=quota["Value"],
            used=None if used is None else used.get(code, 0.0),
            pending=asked.get("DesiredValue"),
            pending_state=asked.get("Status", ""),
            pending_since=timestamp(asked["Created"]) if "Created" in asked else "",
            is_adjustable=quota.get("Adjustable"),
            note=COUNTED if used is not None else "use unknown: instances or reservations cannot be listed",
            as_of=NOW,
        )


def _one(limits: Any, code: str) -> Mapping[str, Any] | None:
    try:
        return limits.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]
    except limits.exceptions.NoSuchResourceException:
        return None


def _pending(limits: Any) -> Mapping[str, Any]:
    """The newest open request by quota code."""
    pages = limits.get_paginator("list_requested_service_quota_change_history").paginate(ServiceCode="ec2")
    found = [
        request for page in pages for request in page["RequestedQuotas"] if request.get("Status") in _OPEN
    ]
    return {request["QuotaCode"]: request for request in sorted(found, key=lambda one: one["Created"])}


def _used(region: AwsRegion, buckets: Mapping[str, Bucket]) -> Mapping[str, float]:
    """How many vCPUs by quota code. Machines in capacity blocks count against no on-demand limit."""
    totals: Counter[str] = Counter()
    for group in region.pages(
        "describe_instances",
        "Reservations",
        Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
    ):
        for instance in group["Instances"]:
            market = {"spot": "spot", None: "on_demand"}.get(instance.get("InstanceLifecycle"))
            if market is not None:
                cpus = instance["CpuOptions"]["CoreCount"] * instance["CpuOptions"]["ThreadsPerCore"]
                totals[code_for(instance["InstanceType"], market, buckets)] += cpus
    idle: Counter[str] = Counter()
    for held in region.pages(
        "describe_capacity_reservations",
        "CapacityReservations",
        Filters=[{"Name": "state", "Values": ["active", "pending"]}],
    ):
        if (
            held.get("ReservationType") != "capacity-block"
            and held.get("OwnerId", "")[-4:] == region.account[-4:]
        ):
            idle[held["InstanceType"]] += held.get("AvailableInstanceCount", 0)
    for machine_type, count in _vcpus(region, idle).items():
        totals[code_for(machine_type, "on_demand", buckets)] += count
    totals.pop("", None)
    return totals


def _vcpus(region: AwsRegion, machines: Mapping[str, int]) -> Mapping[str, int]:
    wanted = sorted(name for name, count in machines.items() if count)
    if not wanted:
        return {}
    shapes = region.pages(
        "describe_instance_types",
        "InstanceTypes",
        Filters=[{"Name": "instance-type", "Values": wanted}],
    )
    return {
        shape["InstanceType"]: shape["VCpuInfo"]["DefaultVCpus"] * machines[shape["InstanceType"]]
        for shape in shapes
    }


def code_for(machine_type: str, market: str, buckets: Mapping[str, Bucket]) -> str:
    """The quota that the machine counts against; empty: none that is known.

    The most specific name wins: ``p5en`` is in ``P5`` before ``P``, ``gr6`` in ``G``.
    """
    match = re.match(r"([a-z]+)(\d*)", machine_type)
    letters, generation = (match.group(1), match.group(2)) if match else ("", "")
    names = (letters + generation, letters, letters[:1])
    for name in names:
        for code, bucket in buckets.items():
            if bucket.market == market and name in {family.lower() for family in bucket.families}:
                return code
    return ""
