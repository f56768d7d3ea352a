"""GPU limits of a Google project: Compute Engine's per region, the total, and Cloud Quotas' per family.

Compute Engine lists older GPUs with their use. H100 and newer are limited per GPU family, which only
Cloud Quotas knows, without use: that is counted from running machines.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpuyard.catalog.evidence_items import Quota
from gpuyard.discovery.asking import Trouble
from gpuyard.discovery.gcp.client import GcpClients
from gpuyard.discovery.gcp.places import NOW, last_part, list_regions, region_of, scopes
from gpuyard.discovery.gcp.reserved import utc

SERVICE = "compute.googleapis.com"
QUOTA_INFOS = "/v1/projects/{project}/locations/global/services/compute.googleapis.com/quotaInfos"
QUOTA_PREFERENCES = "/v1/projects/{project}/locations/global/quotaPreferences"
COUNTED = "GPUs of running and starting machines; spot and flex-start machines have quotas of their own"
NOT_MACHINES = ("COMMITTED_", "_VWS_")
"""Limits of commitments and of virtual workstations: no machine of a cluster counts against them."""
ALIVE = ("PROVISIONING", "STAGING", "RUNNING", "REPAIRING")


def ask_quotas(clients: GcpClients, wanted: Sequence[str]) -> Iterator[Quota | Trouble]:
    """Every GPU limit of the regions; what Cloud Quotas does not say does not hide what Compute does."""
    try:
        yield from ask_family_quotas(clients, wanted)
    except Exception as error:  # noqa: BLE001 (explained and reported, whatever it is)
        yield Trouble(error)
    for region in list_regions(clients):
        if region.name in wanted:
            for quota in region.quotas:
                if "GPU" in quota.metric and not any(word in quota.metric for word in NOT_MACHINES):
                    yield _compute_quota(clients.project, region.name, quota)


def ask_total_quotas(clients: GcpClients) -> Iterator[Quota]:
    """What Compute Engine limits over all regions: ``GPUS_ALL_REGIONS``."""
    for quota in clients.compute("projects.get").quotas:
        if "GPU" in quota.metric:
            yield _compute_quota(clients.project, "global", quota)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One value of Cloud Quotas, in one region, for one GPU family."""

    quota_id: str
    name: str
    region: str
    family: str
    value: float
    is_adjustable: bool | None


def ask_family_quotas(clients: GcpClients, wanted: Sequence[str]) -> Iterator[Quota | Trouble]:
    """What Cloud Quotas limits per GPU family; use and open requests stay unknown where they are refused."""
    infos = list(
        clients.pages(
            "cloudquotas",
            "quotaInfos.list",
            QUOTA_INFOS.format(project=clients.project),
            "quotaInfos",
            pageSize="500",
        )
    )
    limits = [
        limit for info in infos if "GPU" in info.get("quotaId", "") for limit in limits_of(info, wanted)
    ]
    used: Mapping[tuple[str, str], int] | None = None
    pending: Sequence[Mapping[str, Any]] = ()
    try:
        used = _used(clients, {limit.family for limit in limits})
    except Exception as error:  # noqa: BLE001 (explained and reported, whatever it is)
        yield Trouble(error)
    try:
        pending = _pending(clients)
    except Exception as error:  # noqa: BLE001
        yield Trouble(error)
    for limit in limits:
        is_on_demand = "PREEMPTIBLE" not in limit.quota_id and "COMMITTED" not in limit.quota_id
        asked = _asked(pending, limit)
        yield Quota(
            cloud="gcp",
            account=clients.project,
            region=limit.region,
            code=limit.quota_id,
            name=limit.name,
            unit="GPU",
            gpu_family=limit.family,
            limit=limit.value,
            used=used.get((limit.region, limit.family), 0) if used is not None and is_on_demand else None,
            pending=float(asked["quotaConfig"]["preferredValue"]) if asked else None,
            pending_state="reconciling" if asked else "",
            pending_since=utc(asked.get("createTime", "")) if asked else "",
            is_adjustable=limit.is_adjustable,
            note=COUNTED if used is not None and is_on_demand else "use unknown",
            as_of=NOW,
        )


def limits_of(info: Mapping[str, Any], wanted: Sequence[str]) -> Iterator[Limit]:
    """Values per region and GPU family that a quota info states.

    A value without a region holds in every location that it lists and no other value names; a value
    without a family is left out where the quota has families, for it limits nothing by itself.
    """
    dimensions = info.get("dimensions", ())
    if "gpu_family" not in dimensions:
        return
    found: dict[tuple[str, str], tuple[bool, float]] = {}
    for entry in info.get("dimensionsInfos", ()):
        where = entry.get("dimensions", {})
        family, value = where.get("gpu_family", ""), entry.get("details", {}).get("value")
        if not family or value is None:
            continue
        named = where.get("region", "")
        for region in [named] if named else entry.get("applicableLocations", ()):
            exact, _ = found.get((region, family), (False, 0.0))
            if region in wanted and not exact:
                found[region, family] = (bool(named), float(value))
    for (region, family), (_, value) in sorted(found.items()):
        yield Limit(
            quota_id=info["quotaId"],
            name=info.get("quotaDisplayName", info["quotaId"]),
            region=region,
            family=family,
            value=value,
            is_adjustable=info.get("quotaIncreaseEligibility", {}).get("isEligible"),
        )


def family_of(accelerator: str, families: Sequence[str]) -> str:
    """The GPU family of an accelerator type: ``nvidia-h100-80gb`` is in ``NVIDIA_H100``; empty: none."""
    matching = [
        family for family in families if f"{accelerator}-".startswith(family.lower().replace("_", "-") + "-")
    ]
    return max(matching, key=len, default="")


def _compute_quota(project: str, region: str, quota: Any) -> Quota:
    return Quota(
        cloud="gcp",
        account=project,
        region=region,
        code=quota.metric,
        name=quota.metric.replace("_", " ").lower(),
        unit="GPU",
        limit=quota.limit,
        used=quota.usage,
        note="as Compute Engine counts it",
        as_of=NOW,
    )


def _used(clients: GcpClients, families: set[str]) -> Mapping[tuple[str, str], int]:
    """GPUs of on-demand machines by region and family."""
    used: Counter[tuple[str, str]] = Counter()
    alive = " OR ".join(f'(status = "{status}")' for status in ALIVE)
    pages = clients.compute("instances.aggregatedList", filter=alive)
    for zone, found in scopes(pages):
        if isinstance(found, Trouble):
            raise found.error
        for machine in found.instances:
            if (
                machine.scheduling.provisioning_model in ("SPOT", "FLEX_START")
                or machine.scheduling.preemptible
            ):
                continue
            for gpu in machine.guest_accelerators:
                family = family_of(last_part(gpu.accelerator_type), sorted(families))
                used[region_of(zone), family] += gpu.accelerator_count
    return used


def _pending(clients: GcpClients) -> Sequence[Mapping[str, Any]]:
    """Requests for Compute Engine that are being worked on."""
    preferences = clients.pages(
        "cloudquotas",
        "quotaPreferences.list",
        QUOTA_PREFERENCES.format(project=clients.project),
        "quotaPreferences",
        pageSize="500",
    )
    return [
        preference
        for preference in preferences
        if preference.get("service") == SERVICE and preference.get("reconciling")
    ]


def _asked(pending: Sequence[Mapping[str, Any]], limit: Limit) -> Mapping[str, Any] | None:
    for preference in pending:
        where = preference.get("dimensions", {})
        same_place = where.get("region", limit.region) == limit.region
        same_family = where.get("gpu_family", limit.family) == limit.family
        if preference.get("quotaId") == limit.quota_id and same_place and same_family:
            return preference
    return None
