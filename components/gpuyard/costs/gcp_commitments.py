"""Resource commitments of Google that a program buys: their fee, and the use that the fee pays for.

A commitment is paid whether anything uses it or not. Machines of its series in its region use it first, by
vCPU, memory and GPU; what it covers of them costs nothing more, so nothing is counted twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from operator import mul

from gpuyard.catalog.committed_prices import (
    SOURCE,
    TERMS,
    Bundle,
    Rates,
    committed_bundle,
    committed_ssd,
    is_committable,
    rates_of,
    series_of,
)
from gpuyard.catalog.gce_types import gce_shape
from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.list_prices import GCP_AS_OF
from gpuyard.catalog.price import Price
from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.line_item import (
    CPU_NODES,
    GPU_NODES,
    NOTHING,
    STORAGE,
    Charge,
    LineItem,
    Loads,
    always,
    charge,
    decimal,
    unpriced,
)
from gpuyard.costs.scene import Scene, amount, listed, mapping, text
from gpuyard.resources import Resource

COMMITMENT = "gcp:compute/regionCommitment:RegionCommitment"


@dataclass(slots=True, kw_only=True)
class Committed:
    """What one commitment pays for."""

    resource: Resource
    region: str
    series: str
    term: str
    vcpus: Decimal = Decimal(0)
    gib: Decimal = Decimal(0)
    ssd_gb: Decimal = Decimal(0)
    gpus: dict[str, Decimal] = field(default_factory=dict)

    @property
    def number_of_gpus(self) -> Decimal:
        """GPUs of every kind."""
        return sum(self.gpus.values(), Decimal(0))


def read_commitment(resource: Resource, scene: Scene) -> Committed | None:
    """The commitment as its inputs say it. None: its plan, region or amounts are not known."""
    term = TERMS.get(text(resource.inputs.get("plan")))
    region = scene.region(resource)
    kind = text(resource.inputs.get("type"), "GENERAL_PURPOSE")
    blocks = [mapping(block) for block in listed(resource.inputs.get("resources"))]
    if term is None or not region or not blocks:
        return None
    found = Committed(resource=resource, region=region, series=series_of(kind), term=term)
    for block in blocks:
        number = amount(block.get("amount"))
        if number is None:
            return None
        match block.get("type"):
            case "VCPU":
                found.vcpus += number
            case "MEMORY":
                found.gib += number / 1024
            case "LOCAL_SSD":
                found.ssd_gb += number
            case "ACCELERATOR":
                label = text(block.get("acceleratorType")).rsplit("/", 1)[-1]
                found.gpus[label] = found.gpus.get(label, Decimal(0)) + number
            case _:
                return None
    return found


def price_commitment(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The monthly fee. What it covers is taken off the machines by `cover_by_commitments`."""
    found = read_commitment(resource, scene)
    if found is None:
        if resource.inputs.get("licenseResource"):
            reason = "a licence commitment: no price of it is known"
        else:
            reason = "its plan, region or amounts are not known"
        yield unpriced(resource, "commitment", reason, scene.region(resource))
        return
    rates = rates_of(found.series, found.region, found.term)
    bundle = None if rates else _bundle(found)
    if rates:
        yield from _by_part(found, rates, scene)
    elif bundle:
        units = found.number_of_gpus if bundle.unit == "GPU" else found.vcpus
        name = f"{found.series} {bundle.unit}s with what goes with them, {found.term}"
        yield _fee(found, scene, name, bundle.usd, units, f"{bundle.unit}-hour")
    else:
        reason = (
            f"no price of such a commitment for {found.series} machines in {found.region}; "
            "without a price by vCPU, memory and GPU only whole machines have one"
        )
        yield unpriced(resource, "commitment", reason, found.region)
    if found.ssd_gb:
        usd = committed_ssd(found.region, found.term)
        price = (
            None
            if usd is None
            else _price(usd, "derived: what C3 machines with and without local SSD differ by")
        )
        yield _line(found, "local SSD", price, always(found.ssd_gb), "GB-month")


def _bundle(found: Committed) -> Bundle | None:
    return committed_bundle(
        found.series,
        found.region,
        found.term,
        vcpus=float(found.vcpus),
        gib=float(found.gib),
        gpus=float(found.number_of_gpus),
    )


def _by_part(found: Committed, rates: Rates, scene: Scene) -> Iterator[Charge]:
    for name, usd, number, unit in (
        ("vCPUs", rates.vcpu, found.vcpus, "vCPU-hour"),
        ("memory", rates.gib, found.gib, "GB-hour"),
        ("GPUs", rates.gpu, found.number_of_gpus, "GPU-hour"),
    ):
        if number and usd:
            yield _fee(found, scene, f"{found.series} {name}, {found.term}", usd, number, unit)
    for label, number in found.gpus.items() if not rates.gpu else ():
        price = service_price("gcp", "gpu_committed", f"{label} {found.term}", found.region)
        yield _line(found, f"{label}, {found.term}", price, always(number * scene.hours), "GPU-hour")


def _fee(found: Committed, scene: Scene, name: str, usd: float, number: Decimal, unit: str) -> Charge:
    note = f"derived: what {found.series} machine types cost under a commitment"
    return _line(found, name, _price(round(usd, 8), note), always(number * scene.hours), unit)


def _price(usd: float, note: str) -> Price:
    return Price(usd=usd, unit="USD", source=SOURCE, as_of=GCP_AS_OF, note=note)


def _line(found: Committed, name: str, price: Price | None, quantity: Loads, unit: str) -> Charge:
    group = STORAGE if unit == "GB-month" else GPU_NODES if found.gpus else CPU_NODES
    return charge(
        found.resource,
        f"commitment, {name}",
        price,
        quantity,
        unit=unit,
        group=group,
        region=found.region,
        category="Purchase",
        pricing_category="Committed",
        frequency="Recurring",
    )


# ---------------------------------------------------------------- what a commitment covers


def cover_by_commitments(items: Sequence[LineItem], scene: Scene) -> list[LineItem]:
    """The lines with what the program's commitments pay for split off, at no cost of its own."""
    paid = {line.urn for line in items if line.type == COMMITMENT}
    if not paid:
        return list(items)
    lines = sorted(items, key=lambda line: (line.urn, line.component, line.unit))
    places: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        if _may_cover(line):
            places.setdefault(line.region, []).append(number)
    covered: list[LineItem] = []
    for resource in scene.by_type.get(COMMITMENT, ()):
        found = read_commitment(resource, scene) if resource.urn in paid else None
        if found is not None:
            covered += _cover(found, lines, places.get(found.region, ()), scene)
    whole = {id(line) for line in items}
    return [line for line in lines if line.quantity != NOTHING or id(line) in whole] + covered


def _cover(
    found: Committed, lines: list[LineItem], numbers: Sequence[int], scene: Scene
) -> Iterator[LineItem]:
    """The covered part of each line that the commitment pays for; the line keeps the rest."""
    rates = rates_of(found.series, found.region)
    left = {
        "vCPU": always(found.vcpus * scene.hours),
        "GiB": always(found.gib * scene.hours),
        "SSD": always(found.ssd_gb),
        **{label: always(number * scene.hours) for label, number in found.gpus.items()},
    }
    for number in numbers:
        line = lines[number]
        share = _share(line, _needs(found, line, rates), left)
        if share == NOTHING or line.quantity is None:
            continue
        part = line.quantity.combined(share, mul)
        lines[number] = replace(line, quantity=line.quantity + part * -1)
        yield replace(
            line,
            component=f"{line.component}, committed in {found.resource.name}",
            quantity=part,
            unit_price=Decimal(0),
            unit_price_low=None,
            unit_price_high=None,
            pricing_category="Committed",
            discounts=(*line.discounts, found.resource.name),
            note="paid by the commitment",
        )
        if all(rest == NOTHING for rest in left.values()):
            return


Needs = dict[str, tuple[Decimal, Decimal]]
"""By what is committed: how much a unit of the line takes, and which share of its cost that is."""


def _needs(found: Committed, line: LineItem, rates: Rates | None) -> Needs:
    name = line.component.rpartition(": ")[2].partition(",")[0]
    if name in found.gpus:
        return {name: (_ALL, _ALL)}
    if line.unit == "GB-month" and name == "local SSD":
        return {"SSD": (_ALL, _ALL)}
    for part, word in (("vCPU", "vCPUs"), ("GiB", "memory")):
        if name == f"{found.series} custom {word}":
            return {part: (_ALL, _ALL)}
    machine, shape = machine_types("gcp").get(name), gce_shape(name)
    is_series = name.startswith(f"{found.series}-") or (found.series == "m1" and name.startswith("m2-"))
    if not is_series or shape is None or not is_committable(name, found.region):
        return {}
    label = machine.accelerator_label.rpartition("=")[2] if machine else ""
    label = label if label in found.gpus else next(iter(found.gpus), "")
    gpus, (vcpus, gib) = decimal(machine.gpu_count if machine else 0), map(decimal, shape)
    if rates is None:
        return {label: (gpus, _ALL)} if gpus and found.gpus else {"vCPU": (vcpus, _ALL)}
    total = line.list_unit_price or _ALL
    amounts = {"vCPU": (vcpus, rates.vcpu), "GiB": (gib, rates.gib), label: (gpus, rates.gpu)}
    return {
        part: (number, min(_ALL, number * decimal(usd) / total))
        for part, (number, usd) in amounts.items()
        if usd
    }


_ALL = Decimal(1)


def _may_cover(line: LineItem) -> bool:
    """Whether any commitment may pay for the line: machines and local SSDs at list price."""
    return (
        line.pricing_category == "Standard"
        and line.category == "Usage"
        and line.quantity is not None
        and line.quantity != NOTHING
        and line.group in (GPU_NODES, CPU_NODES, STORAGE)
        and line.type.startswith(("gcp:compute/", "gcp:container/"))
    )


def _share(line: LineItem, needs: Needs, left: dict[str, Loads]) -> Loads:
    """Which share of the line's cost is covered, at each load; what it uses is taken off what is left."""
    total = NOTHING
    for part, (each, worth) in needs.items():
        if line.quantity is None or part not in left or not each:
            continue
        wanted = line.quantity * each
        taken = wanted.combined(left[part], min)
        left[part] = left[part] + taken * -1
        total = total + taken.combined(wanted, _ratio) * worth
    return total.combined(always(_ALL), min)


def _ratio(part: Decimal, whole: Decimal) -> Decimal:
    return part / whole if whole else Decimal(0)
