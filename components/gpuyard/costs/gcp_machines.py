"""Compute Engine machines of one shape: hours, attached GPUs, local SSDs, custom types.

Instances, instance templates and GKE node configurations all become a `GceMachine`.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from gpuyard.catalog.gce_types import CustomType, read_custom
from gpuyard.catalog.list_prices import gce_price, gce_spot_price
from gpuyard.catalog.price import Price
from gpuyard.catalog.service_prices import service_price
from gpuyard.catalog.tables import read_csv
from gpuyard.costs.disks import charge_gcp_disk, charge_local_ssd
from gpuyard.costs.gcp_bookings import is_booked
from gpuyard.costs.gcp_licences import charge_licence
from gpuyard.costs.line_item import CPU_NODES, GPU_NODES, Charge, Loads, charge, decimal, unpriced
from gpuyard.costs.machine import DWS_MODES, charge_machines
from gpuyard.costs.scene import Scene, count, listed, mapping, text, truth
from gpuyard.costs.sustained_use import GPU, after_sustained_use
from gpuyard.records import record
from gpuyard.resources import Resource

_PARTS_BY_LABEL = {
    "nvidia-tesla-t4": "t4",
    "nvidia-l4": "l4",
    "nvidia-tesla-a100": "a100-40gb",
    "nvidia-a100-80gb": "a100-80gb-sxm",
    "nvidia-h100-80gb": "h100-sxm",
}
"""Names at Compute Engine of the GPUs that have a price of their own."""
_SPLIT_FAMILIES = ("n1-", "custom-", "f1-", "g1-")
"""Families whose GPUs are attached and billed apart; A2, A3, A4, G2 and G4 contain theirs."""
_BRINGS_SSDS = re.compile(r"(?:a2-ultragpu|a3-highgpu|a3-megagpu|a3-edgegpu|a4|a4x|z3)-.*|.*-lssd(?:-metal)?")
"""Types whose price holds the local SSDs that they come with: 88.49 of a3-highgpu-8g is the sum of its GPU,
vCPU and memory SKUs and 6,000 GiB; c3-standard-8-lssd costs 750 GiB more than c3-standard-8."""


@record
class GceMachine:
    """The shape of a machine as its instance, template or node configuration says it."""

    machine_type: str
    purchase: str = "on_demand"
    gpus: tuple[tuple[str, int], ...] = ()
    """Attached GPUs by name and number."""
    local_ssds: int = 0
    disks: tuple[tuple[str, int | None, int | None, int | None], ...] = ()
    """Type, GB, provisioned IOPS and MB/s of each."""
    image: str = ""
    """What it boots from, where a licence may depend on it."""


def from_scheduling(inputs: Mapping[str, Any]) -> str:
    """The way of buying that a scheduling block asks for."""
    block = mapping(inputs.get("scheduling"))
    model = block.get("provisioningModel")
    if model == "SPOT" or truth(block.get("preemptible")):
        return "spot"
    return {"FLEX_START": "flex_start", "RESERVATION_BOUND": "calendar"}.get(str(model), "on_demand")


def attached_gpus(machine_type: str, inputs: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """GPUs that are billed beside the machine: those of N1 machines only."""
    if not machine_type.startswith(_SPLIT_FAMILIES):
        return ()
    blocks = inputs.get("guestAccelerators")
    blocks = blocks if isinstance(blocks, list | tuple) else [blocks] if blocks else []
    return tuple(
        (text(block.get("type"), "GPU").rsplit("/", 1)[-1], count(block.get("count")) or 0)
        for block in map(mapping, blocks)
        if block
    )


def from_template(inputs: Mapping[str, Any]) -> GceMachine:
    """An instance template; every disk that is not scratch counts at its own size."""
    machine_type = short(inputs.get("machineType"))
    ssds, disks, image = 0, [], ""
    for block in map(mapping, listed(inputs.get("disks"))):
        kind = short(block.get("diskType")) or "pd-standard"
        image = image or text(block.get("sourceImage"))
        if block.get("type") == "SCRATCH" or kind == "local-ssd":
            ssds += 1
        elif not block.get("source"):
            disks.append((kind, count(block.get("diskSizeGb")), count(block.get("provisionedIops")), None))
    return GceMachine(
        machine_type=machine_type,
        purchase=from_scheduling(inputs),
        gpus=attached_gpus(machine_type, inputs),
        local_ssds=ssds,
        disks=tuple(disks),
        image=image,
    )


def charge_gce(resource: Resource, scene: Scene, machine: GceMachine, nodes: Loads) -> Iterator[Charge]:
    """Everything that ``nodes`` such machines cost, disks included."""
    region = scene.region(resource)
    if machine.purchase == "calendar" and is_booked(scene, region, machine.machine_type):
        pass  # the booking is in the program, and so is what it costs
    elif custom := read_custom(machine.machine_type):
        yield from _custom(resource, scene, machine, custom, nodes, region)
    else:
        has_gpus = bool(machine.gpus)
        yield from charge_machines(
            resource, scene, "gcp", machine.machine_type, nodes, machine.purchase, has_gpus=has_gpus
        )
    yield from charge_licence(resource, scene, machine.image, machine.machine_type, nodes)
    for label, number in machine.gpus:
        yield _gpu(resource, scene, region, label, nodes * number, machine.purchase)
    for kind, size, iops, mbps in machine.disks:
        if size is None:
            yield unpriced(resource, f"{kind} disk", "its size is that of its image", region)
            continue
        yield from charge_gcp_disk(resource, region, nodes, size_gb=size, kind=kind, iops=iops, mbps=mbps)
    if machine.local_ssds and not _BRINGS_SSDS.fullmatch(machine.machine_type):
        is_spot = machine.purchase == "spot"
        yield from charge_local_ssd(resource, region, nodes * machine.local_ssds, is_spot=is_spot)


def _gpu(resource: Resource, scene: Scene, region: str, label: str, gpus: Loads, purchase: str) -> Charge:
    """GPUs attached to an N1 machine: a price of their own, where one is known."""
    suffix = " spot" if purchase == "spot" else ""
    price = service_price("gcp", "gpu", label + suffix, region)
    if price is None and purchase != "spot":
        price = _gpu_part(label, region)
    reason = f"no price of attached {label} in {region or 'an unknown region'} as {purchase}"
    hours = gpus * scene.hours_of(resource)
    found = charge(
        resource,
        label + suffix,
        price,
        hours,
        unit="GPU-hour",
        group=GPU_NODES,
        region=region,
        missing=reason,
    )
    return after_sustained_use(found, GPU, resource, scene) if purchase == "on_demand" else found


def _gpu_part(label: str, region: str) -> Price | None:
    for row in read_csv("gpu_parts"):
        if row["gpu"] == _PARTS_BY_LABEL.get(label) and row["region"] == region:
            usd = float(row["usd_per_hour"])
            return Price(usd=usd, unit="USD/hour", source=row["source"], as_of=row["as_of"])
    return None


# ---------------------------------------------------------------- custom machine types

_PREMIUM = {**dict.fromkeys(("n1", "n2", "n2d", "n4", "n4d"), Decimal("1.05")), "e2": Decimal(1)}
"""What a custom type costs above a predefined one, by family (VM instance pricing, custom machine types)."""
_MAX_GB_PER_VCPU = {**dict.fromkeys(("n2", "n2d", "n4", "n4d", "e2"), Decimal(8)), "n1": Decimal("6.5")}
"""Memory above this is extended memory, which costs more."""


def _custom(
    resource: Resource, scene: Scene, machine: GceMachine, custom: CustomType, nodes: Loads, region: str
) -> Iterator[Charge]:
    """VCPUs and memory of a custom type, from the family's predefined prices and the published premium."""
    family, vcpus, memory = custom.family, decimal(custom.vcpus), decimal(custom.gib)
    if machine.purchase == "calendar":
        words = DWS_MODES["calendar"]
        yield unpriced(resource, f"{machine.machine_type} {words}", f"no {words} sells it", region)
        return
    is_spot = machine.purchase == "spot"
    rates = custom_rates(family, region, is_spot=is_spot)
    if rates is None:
        yield unpriced(resource, machine.machine_type, f"no price of custom {family} machines", region)
        return
    beyond = max(Decimal(0), memory - _MAX_GB_PER_VCPU[family] * vcpus)
    extended = beyond if custom.has_extended_memory else Decimal(0)
    more = service_price("gcp", "custom_machine", f"{family} extended memory", region)
    hours = nodes * scene.hours_of(resource)
    group = GPU_NODES if machine.gpus else CPU_NODES
    word = " spot" if is_spot else ""
    lines = (
        (f"{family} custom vCPUs{word}", rates[0], vcpus, "vCPU-hour"),
        (f"{family} custom memory{word}", rates[1], memory - extended, "GB-hour"),
        (f"{family} custom extended memory{word}", None if is_spot else more, extended, "GB-hour"),
    )
    for name, price, amount, unit in lines:
        if amount:
            found = charge(resource, name, price, hours * amount, unit=unit, group=group, region=region)
            # flex-start machines without GPUs of their own cost what they do on demand, and no less by use
            is_plain = machine.purchase == "on_demand"
            yield after_sustained_use(found, family, resource, scene) if is_plain else found


@cache
def custom_rates(family: str, region: str, *, is_spot: bool = False) -> tuple[Price, Price] | None:
    """USD per vCPU-hour and per GB-hour of custom machines. None: the family or region is not known.

    Solved from the standard and the high-memory type of eight vCPUs, times the premium.
    """
    prices = [
        (gce_spot_price if is_spot else gce_price)(f"{family}-{kind}-8", region)
        for kind in ("standard", "highmem")
    ]
    memory = {"n1": ("30", "52")}.get(family, ("32", "64"))
    if family not in _PREMIUM or prices[0] is None or prices[1] is None:
        return None
    low, high = (Decimal(str(price.usd)) for price in prices if price)
    per_gb = (high - low) / (Decimal(memory[1]) - Decimal(memory[0]))
    per_vcpu = (low - per_gb * Decimal(memory[0])) / 8
    if per_gb <= 0 or per_vcpu <= 0:
        return None
    note = f"derived: {_PREMIUM[family]} x what {family}-standard-8 and {family}-highmem-8 give"
    vcpu, gigabyte = (
        Price(
            usd=float(round(rate * _PREMIUM[family], 8)),
            unit=unit,
            source=prices[0].source,
            as_of=prices[0].as_of,
            note=note,
        )
        for rate, unit in ((per_vcpu, "USD/vCPU-hour"), (per_gb, "USD/GB-hour"))
    )
    return vcpu, gigabyte


def short(value: Any) -> str:
    """The last part of a link, or the name itself; empty: no text."""
    return value.rsplit("/", 1)[-1] if isinstance(value, str) else ""
