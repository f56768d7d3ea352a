"""The ladder: every allowed offering that meets a demand, in the order in which to try them.

Order, and so the reason on each rung: accelerator preference, purchase preference, known price before
unknown, expected price, then the order of regions in the config. Each offering left out says why.
Pure and deterministic: the same demand and catalog give the same ladder.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, inf

from gpuyard.catalog.hardware import MachineType, machine_types
from gpuyard.catalog.places import regions_selling, zones_selling
from gpuyard.catalog.prices import on_demand, spot
from gpuyard.catalog.purchases import purchase_limit
from gpuyard.planning.demand import Demand, GpuNeed, Purchase


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one machine costs per hour, and how well that is known."""

    usd: float | None
    """Expected USD per machine-hour; None: unknown."""
    usd_low: float | None = None
    usd_high: float | None = None
    """P10 and P90 where the price is a distribution (spot)."""
    source: str = ""
    as_of: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One offering with the count that meets the demand."""

    cloud: str
    region: str
    zones: tuple[str, ...]
    """AWS zone ids or GCP zone names that sell the type; empty: not known."""
    machine_type: str
    accelerator: str
    gpus_per_node: int
    gpus_per_replica: int
    purchase: str
    nodes_min: int
    nodes_max: int
    rate: Rate
    quota: str
    """The quota bucket, in words."""
    reason: str
    """Why it stands where it stands, one line."""

    @property
    def usd_per_hour(self) -> float | None:
        """Expected USD per hour of the nodes that are always on."""
        return None if self.rate.usd is None else self.rate.usd * self.nodes_min


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """An offering, or a group of them, that is left out, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Rungs in order, and what was left out."""

    demand: Demand
    rungs: tuple[Rung, ...]
    excluded: tuple[Exclusion, ...]


def rank_offerings(demand: Demand) -> Ladder:
    """Every rung of ``demand``, best first."""
    rungs: list[tuple[tuple[float, ...], str, Rung]] = []
    excluded: dict[str, str] = {}
    region_order = {(place.cloud, place.region): index for index, place in enumerate(demand.regions)}
    for preference, need in enumerate(demand.needs):
        for machine in _machines(demand, need, excluded):
            for rung in _rungs(demand, need, machine, excluded):
                order = (
                    preference,
                    demand.purchases.index(Purchase(rung.purchase)),
                    rung.usd_per_hour is None,
                    rung.usd_per_hour or inf,
                    region_order[rung.cloud, rung.region],
                )
                rungs.append((order, rung.machine_type, rung))
    rungs.sort(key=lambda item: item[:2])
    ordered = tuple(_explained(rung, demand) for _, _, rung in rungs)
    return Ladder(
        demand=demand,
        rungs=ordered,
        excluded=tuple(Exclusion(what=what, reason=reason) for what, reason in sorted(excluded.items())),
    )


def _machines(demand: Demand, need: GpuNeed, excluded: dict[str, str]) -> Iterator[MachineType]:
    clouds = sorted({place.cloud for place in demand.regions})
    found = False
    for cloud in clouds:
        for machine in machine_types(cloud).values():
            if machine.gpu != need.accelerator:
                continue
            found = True
            if machine.gpu_count < need.gpus_per_replica:
                excluded[f"{cloud} {machine.id}"] = (
                    f"has {machine.gpu_count:g} {need.accelerator}, one replica takes {need.gpus_per_replica}"
                )
            else:
                yield machine
    if not found:
        excluded[need.accelerator] = f"no machine type of {' or '.join(clouds)} has it"


def _rungs(demand: Demand, need: GpuNeed, machine: MachineType, excluded: dict[str, str]) -> Iterator[Rung]:
    selling = set(regions_selling(machine.cloud, machine.id))
    replicas_per_node = int(machine.gpu_count) // need.gpus_per_replica
    for place in demand.regions:
        if place.cloud != machine.cloud:
            continue
        what = f"{place.cloud} {place.region} {machine.id}"
        if place.region not in selling:
            excluded[what] = "not sold in this region"
            continue
        for purchase in demand.purchases:
            if purchase is Purchase.FLEX_START and machine.cloud != "gcp":
                excluded[f"{what} {purchase}"] = "flex-start is sold by Google Cloud only"
                continue
            limit = purchase_limit(machine.cloud, machine.id, purchase)
            if limit is not None:
                excluded[f"{machine.cloud} {machine.id} {purchase}"] = (
                    f"{limit.reason} ({limit.source}, {limit.as_of})"
                )
                continue
            rate = _rate(machine, place.region, purchase)
            gpu_rate = None if rate.usd is None else rate.usd / machine.gpu_count
            limit = demand.usd_per_gpu_hour_max
            if limit is not None and gpu_rate is not None and gpu_rate > limit:
                excluded[f"{what} {purchase}"] = (
                    f"${gpu_rate:.2f} per GPU-hour is above the limit of ${limit:g}"
                )
                continue
            yield Rung(
                cloud=machine.cloud,
                region=place.region,
                zones=tuple(zones_selling(machine.cloud, machine.id, place.region)),
                machine_type=machine.id,
                accelerator=need.accelerator,
                gpus_per_node=int(machine.gpu_count),
                gpus_per_replica=need.gpus_per_replica,
                purchase=str(purchase),
                nodes_min=ceil(demand.replicas_min / replicas_per_node),
                nodes_max=ceil(demand.replicas_max / replicas_per_node),
                rate=rate,
                quota=machine.quota,
                reason="",
            )


def _rate(machine: MachineType, region: str, purchase: Purchase) -> Rate:
    if purchase is Purchase.SPOT:
        price = spot(machine.cloud, machine.id, region)
        if price is None:
            return Rate(usd=None, note="no usable spot quote")
        return Rate(
            usd=price.p50,
            usd_low=price.p10,
            usd_high=price.p90,
            source=price.source,
            as_of=price.as_of,
            note=price.basis,
        )
    if purchase is Purchase.FLEX_START:
        return Rate(usd=None, note="flex-start prices are not published per region (up to 53 % off)")
    list_price = on_demand(machine.cloud, machine.id, region)
    if list_price is None:
        return Rate(usd=None, note="no published price")
    return Rate(usd=list_price.usd, source=list_price.source, as_of=list_price.as_of, note=list_price.note)


def _explained(rung: Rung, demand: Demand) -> Rung:
    need = next(need for need in demand.needs if need.accelerator == rung.accelerator)
    price = "price unknown" if rung.rate.usd is None else f"${rung.rate.usd * rung.nodes_min:,.2f}/h"
    rank = demand.needs.index(need) + 1
    bought = demand.purchases.index(Purchase(rung.purchase))
    parts = [
        f"{rung.accelerator} is choice {rank} of {len(demand.needs)}",
        f"{rung.purchase} choice {bought + 1} of {len(demand.purchases)}",
        f"{rung.nodes_min} x {rung.machine_type} at {price}",
    ]
    return replace(rung, reason=", ".join(parts))
