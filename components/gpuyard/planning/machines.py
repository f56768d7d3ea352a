"""Machine types that hold one replica of a model, cheapest first, and why the others do not.

What is ranked is the price of the machines that one replica needs: a machine with GPUs to spare costs what
it costs, and the option says how many replicas it would hold.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from gpuyard.catalog.hardware import Gpu, MachineType, machine_types
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.places import regions_selling
from gpuyard.catalog.prices import on_demand, spot
from gpuyard.catalog.purchases import purchase_limit
from gpuyard.planning.fit import fit_model, node_sizes, smallest_fit
from gpuyard.planning.fitted import Fit
from gpuyard.planning.obstacle import find_obstacle
from gpuyard.planning.wanted import Wanted
from gpuyard.records import record

TOO_FEW = "one replica takes more"
NODES_MAX = 4
"""Nodes that one replica may span before it counts as too large."""


@record
class RegionPrice:
    """The lowest price of one machine type among the regions asked for, USD per machine-hour."""

    usd: float
    region: str
    source: str
    as_of: str
    low: float | None = None
    high: float | None = None
    """P10 and P90 where the price is a distribution (spot)."""
    note: str = ""


@record
class Verdict:
    """What a judge knows of a fit beside its memory."""

    refusal: str = ""
    """Why it cannot run at all."""
    warnings: tuple[str, ...] = ()


@record
class Option:
    """One machine type that holds a replica."""

    cloud: str
    machine_type: str
    gpus_per_machine: int
    machines: int
    """For one replica."""
    replicas_per_machine: int
    """0: one replica spans several machines."""
    fit: Fit
    on_demand: RegionPrice | None
    """None: no known price in these regions."""
    spot: RegionPrice | None
    warnings: tuple[str, ...] = ()
    """What speaks against it without ruling it out."""

    @property
    def usd_per_hour(self) -> float | None:
        """On demand, for the machines that one replica needs."""
        return None if self.on_demand is None else self.on_demand.usd * self.machines


Judge = Callable[[Fit, Gpu], Verdict]


@record
class LeftOut:
    """A GPU, or a machine type, that does not hold the model, and why."""

    what: str
    reason: str


@record
class Options:
    """Everything that was looked at."""

    found: tuple[Option, ...]
    """Cheapest first; unknown prices last."""
    left_out: tuple[LeftOut, ...]


def rank_machines(
    model: ModelShape,
    gpus: Sequence[Gpu],
    *,
    clouds: Sequence[str] = ("aws", "gcp"),
    regions: Sequence[str] = (),
    judge: Judge = lambda fit, gpu: Verdict(),  # noqa: ARG005 (the least of judges)
    **wanted: Any,
) -> Options:
    """Machine types of ``clouds`` with ``gpus`` that hold the model. ``wanted`` is what `fit_model` takes.

    ``judge`` may refuse a fit by saying why, or warn; ``regions`` limits where prices are looked up.
    """
    found: list[Option] = []
    left_out: list[LeftOut] = []
    for gpu in gpus:
        carriers = {cloud: types for cloud in clouds if (types := _machines(cloud, gpu))}
        if not carriers:
            unsold = f"no machine type of {' or '.join(clouds)} has it"
            left_out.append(LeftOut(what=gpu.id, reason=f"{unsold}; {_own_node(model, gpu, judge, wanted)}"))
        for cloud, machines in carriers.items():
            fits = _fits(model, gpu, machines, wanted)
            verdicts = {fitted: judge(fitted, gpu) for fitted in fits.values() if fitted is not None}
            refusal = next((verdict.refusal for verdict in verdicts.values() if verdict.refusal), "")
            refusal = refusal or _unfit(model, gpu, fits, judge, wanted)
            if refusal:
                left_out.append(LeftOut(what=f"{cloud} {gpu.id}", reason=refusal))
                continue
            for machine in machines:
                option = _option(machine, fits[int(machine.gpu_count)], regions)
                if isinstance(option, Option):
                    found.append(replace(option, warnings=verdicts[option.fit].warnings))
                else:
                    left_out.append(option)
    found.sort(key=_order)
    return Options(found=tuple(found), left_out=tuple(left_out))


def thin_out(found: Sequence[Option], *, spot: bool = False) -> Iterator[Option]:
    """The first option of each cloud and GPU: the others have more GPUs, CPUs or disks.

    With ``spot`` also the cheapest on spot, where that is another.
    """
    first: dict[tuple[str, str], Option] = {}
    cheapest: dict[tuple[str, str], Option] = {}
    for option in found:
        key = (option.cloud, option.fit.gpu)
        first.setdefault(key, option)
        if _spot_usd(option) < _spot_usd(cheapest.setdefault(key, option)):
            cheapest[key] = option
    for option in found:
        key = (option.cloud, option.fit.gpu)
        if option is first[key] or (spot and option is cheapest[key]):
            yield option


def _machines(cloud: str, gpu: Gpu) -> list[MachineType]:
    """Machine types with whole GPUs of that kind."""
    return [
        machine
        for machine in machine_types(cloud).values()
        if machine.gpu == gpu.id and machine.gpu_count >= 1
    ]


def _fits(
    model: ModelShape, gpu: Gpu, machines: Sequence[MachineType], wanted: Mapping[str, Any]
) -> dict[int, Fit | None]:
    """The smallest fit by GPUs per machine; across machines only where the largest does not hold it."""
    counts = sorted({int(machine.gpu_count) for machine in machines})
    fits = {count: smallest_fit(model, gpu, gpus_most=count, **wanted) for count in counts}
    if counts and fits[counts[-1]] is None:
        fits[counts[-1]] = smallest_fit(model, gpu, gpus_most=counts[-1], nodes_max=NODES_MAX, **wanted)
    return fits


def _unfit(
    model: ModelShape, gpu: Gpu, fits: Mapping[int, Fit | None], judge: Judge, wanted: Mapping[str, Any]
) -> str:
    """Why no machine with the GPU holds the model; empty: one does.

    More nodes are no way out where the judge lets the GPU run it on none.
    """
    if any(fits.values()):
        return ""
    largest = fit_model(model, gpu, gpus=max(fits), **wanted)
    by_memory = f"{largest.gpus} GPUs: {largest.reason}"
    if find_obstacle(model, gpu, Wanted(gpus=largest.gpus, **wanted)):
        return by_memory
    return judge(largest, gpu).refusal or by_memory


def _own_node(model: ModelShape, gpu: Gpu, judge: Judge, wanted: Mapping[str, Any]) -> str:
    """What a node that nobody rents out would do with it."""
    fitted = smallest_fit(model, gpu, **wanted)
    if fitted is None:
        return _unfit(model, gpu, {node_sizes(gpu)[-1]: None}, judge, wanted)
    refusal = judge(fitted, gpu).refusal
    return refusal or f"{fitted.gpus} in a node of your own hold a replica: {' '.join(fitted.flags)}"


def _option(machine: MachineType, fitted: Fit | None, regions: Sequence[str]) -> Option | LeftOut:
    count = int(machine.gpu_count)
    if fitted is None:
        return LeftOut(what=f"{machine.cloud} {machine.id}", reason=f"{count} x {machine.gpu}: {TOO_FEW}")
    per_machine = fitted.gpus // fitted.nodes
    sold = regions_selling(machine.cloud, machine.id)
    places = [region for region in sold if not regions or region in regions]
    if not places:
        reason = "not sold in the regions asked for" if regions else "no region is known to sell it"
        return LeftOut(what=f"{machine.cloud} {machine.id}", reason=reason)
    return Option(
        cloud=machine.cloud,
        machine_type=machine.id,
        gpus_per_machine=count,
        machines=fitted.nodes,
        replicas_per_machine=count // per_machine if fitted.nodes == 1 else 0,
        fit=fitted,
        on_demand=_lowest(_on_demand(machine, region) for region in places),
        spot=_lowest(_spot(machine, region) for region in places),
    )


def _on_demand(machine: MachineType, region: str) -> RegionPrice | None:
    price = on_demand(machine.cloud, machine.id, region)
    if price is None or purchase_limit(machine.cloud, machine.id, "on_demand"):
        return None
    return RegionPrice(usd=price.usd, region=region, source=price.source, as_of=price.as_of, note=price.note)


def _spot(machine: MachineType, region: str) -> RegionPrice | None:
    price = spot(machine.cloud, machine.id, region)
    if price is None or purchase_limit(machine.cloud, machine.id, "spot"):
        return None
    return RegionPrice(
        usd=price.p50,
        low=price.p10,
        high=price.p90,
        region=region,
        source=price.source,
        as_of=price.as_of,
        note=price.basis,
    )


def _lowest(prices: Iterable[RegionPrice | None]) -> RegionPrice | None:
    known = [price for price in prices if price is not None]
    return min(known, key=lambda price: (price.usd, price.region), default=None)


def _order(option: Option) -> tuple[float, float, str, str]:
    price = option.usd_per_hour
    return (inf if price is None else price, _spot_usd(option), option.cloud, option.machine_type)


def _spot_usd(option: Option) -> float:
    return inf if option.spot is None else option.spot.usd * option.machines
