"""What would shorten it most: each option computed by estimating again with it, its price beside it.

Options that keep a phase but make it quicker compare published durations with published ones, even where you
measured the phase: your clock has not seen the other way yet. Options that take a phase away save what you
measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpuyard.catalog.component_prices import component
from gpuyard.catalog.prices import on_demand
from gpuyard.catalog.service_prices import service_price
from gpuyard.leadtime.estimate import estimate
from gpuyard.leadtime.graph import SEED
from gpuyard.leadtime.lead_time import Journey, LeadTime, Saving, Shortcut
from gpuyard.leadtime.measured import Measurement
from gpuyard.leadtime.names import ENGINE_START, IMAGE_PULL, NODE_REQUEST, POD_START, WEIGHTS
from gpuyard.leadtime.path import ServingPath
from gpuyard.records import record
from gpuyard.units import GB, HOURS_PER_MONTH

UNPACKED = 2.3
"""Unpacked over compressed bytes of a runtime image: 12 GB become 25 to 28.6 GB (vllm #17163, #27154)."""
_FREE_MBPS, _STREAM_MBPS = 125, 1000
"""Throughput that a gp3 volume has for nothing, and the one that the measurement had."""
_WORTH_NAMING_S = 1.0
HELD = ("reservation", "capacity_block", "calendar", "future_reservation")
"""Purchases whose machines are paid whether they run or not."""


@record
class Bill:
    """What the machines of the path cost."""

    usd_per_node_hour: float | None = None
    """As bought now; None: not known."""
    nodes: float = 1.0
    """In the mean of the expected month."""
    nodes_max: int = 1
    held_free: int | None = None
    """Machines that are held and paid and that no pool may take; None: nothing is held, or not known."""
    hours_per_month: int = HOURS_PER_MONTH
    nat_usd_image: float = 0.0
    nat_usd_weights: float = 0.0
    """What the image, and the weights from the hub, cost through NAT in a month."""


@record
class _Option:
    name: str
    changes: str
    path: ServingPath
    usd: float | None
    cost: str
    basis: str
    saves_nat: float = 0.0
    """USD per month that no longer pass NAT."""
    compares: str = ""
    """The phase that is done otherwise; empty: a phase, or a wait, goes away."""
    opens: tuple[str, ...] = ()


def find_shortcuts(
    path: ServingPath, bill: Bill, measured: Sequence[Measurement] = (), seed: int = SEED
) -> tuple[Shortcut, ...]:
    """Every option that helps ``path``, the largest effect on any journey's P50 first.

    Options that only open a gate come after those that save seconds: nobody knows how long that wait is.
    """
    found = []
    for option in _options(path, bill):
        kept = [line for line in measured if line.phase not in (option.compares, *_sum_of(option))]
        before, after = estimate(path, seed, kept), estimate(option.path, seed, kept)
        saves = _savings(before, after)
        if saves or option.opens:
            found.append(
                Shortcut(
                    name=option.name,
                    changes=option.changes,
                    saves=saves,
                    opens=option.opens,
                    usd_per_month=None if option.usd is None else option.usd - option.saves_nat,
                    cost=option.cost + _less_nat(option),
                    basis=option.basis,
                )
            )
    return tuple(sorted(found, key=lambda one: (-one.largest_saving_s, one.usd_per_month or 0.0, one.name)))


def _less_nat(option: _Option) -> str:
    return f", less ${option.saves_nat:,.2f} of traffic through NAT" if option.saves_nat >= 0.01 else ""


def cold_start_usd(zero_to_one: Journey, bill: Bill) -> float | None:
    """What one node bills from its order to the first token, at the P50; None: its price is not known.

    Machines are billed while they boot, pull and load. The wait before the order costs nothing.
    """
    if bill.usd_per_node_hour is None:
        return None
    waiting = sum(phase.p50_s or 0.0 for phase in zero_to_one.phases if phase.name == NODE_REQUEST)
    return bill.usd_per_node_hour * max(0.0, zero_to_one.p50_s - waiting) / 3600


def _sum_of(option: _Option) -> tuple[str, ...]:
    """The sum of three phases says nothing about one of them."""
    is_part = option.compares in (IMAGE_PULL, WEIGHTS, ENGINE_START) or option.path.image_preloaded
    return (POD_START,) if is_part else ()


def _savings(before: LeadTime, after: LeadTime) -> dict[str, Saving]:
    saves = {}
    for old, new in zip(before.journeys, after.journeys, strict=True):
        p50, p90 = old.p50_s - new.p50_s, old.p90_s - new.p90_s
        if p50 >= _WORTH_NAMING_S:
            saves[old.name] = Saving(off_p50_s=p50, off_p90_s=max(0.0, p90))
    return saves


def _options(path: ServingPath, bill: Bill) -> Iterator[_Option]:
    if path.machine_type and path.platform in ("eks", "gke"):
        yield from _machine_options(path, bill)
    if path.image_bytes and not path.image_preloaded:
        yield from _image_options(path, bill)
    if path.weights_bytes:
        yield from _weight_options(path, bill)
    if path.runtime == "vllm" and not path.compile_cache and path.driver_by != "none":
        yield _Option(
            name="compiled code kept",
            changes="put VLLM_CACHE_ROOT on a volume that outlives the pod, or into the image",
            path=replace(path, compile_cache=True),
            usd=0.0,
            cost="a few GB on a disk that is there",
            basis="the start less its compilation, both of the same source",
            compares=ENGINE_START,
        )


def _machine_options(path: ServingPath, bill: Bill) -> Iterator[_Option]:
    if not path.spare_nodes:
        usd, cost = _spare(path, bill)
        yield _Option(
            name="a spare node",
            changes=f"keep one {path.machine_type} more than the replicas need, ready and empty",
            path=replace(path, spare_nodes=1),
            usd=usd,
            cost=cost,
            basis="no machine to order, boot and equip",
        )
    if path.purchase in ("on_demand", "spot"):
        yield _reservation(path, bill)
    if path.quota and not path.has_quota_evidence:
        yield _Option(
            name="quota asked for now",
            changes=f"request it before anything else: {path.quota}",
            path=path,
            usd=0.0,
            cost="quota costs nothing",
            basis="a gate, without a known end",
            opens=("quota",),
        )


def _spare(path: ServingPath, bill: Bill) -> tuple[float | None, str]:
    """What one machine more costs; of held capacity nothing, as long as one is left."""
    if path.purchase in HELD:
        if bill.held_free:
            return 0.0, "a machine that is held and paid, used or not"
        return None, "no machine that is held is known to be left; what one more costs is not known"
    if bill.usd_per_node_hour is None:
        return None, "the price of the machine is not known"
    hours = bill.hours_per_month
    return bill.usd_per_node_hour * hours, f"1 x ${bill.usd_per_node_hour:g} an hour, {hours} hours"


def _reservation(path: ServingPath, bill: Bill) -> _Option:
    listed = on_demand(path.cloud, path.machine_type, path.region)
    usd, cost = None, "no published price of the machine in this region"
    if listed is not None and bill.usd_per_node_hour is not None:
        now = bill.usd_per_node_hour * bill.nodes
        usd = (listed.usd * bill.nodes_max - now) * bill.hours_per_month
        cost = (
            f"{bill.nodes_max} x ${listed.usd:g} an hour around the clock, used or not, less what "
            f"{bill.nodes:.3g} cost now ({listed.source}, {listed.as_of})"
        )
    return _Option(
        name="a reservation",
        changes=f"reserve {bill.nodes_max} x {path.machine_type}, enough for the peak",
        path=path,
        usd=usd,
        cost=cost,
        basis="a gate, without a known end: the machines are held; whether one can be made is a gate itself",
        opens=("capacity",),
    )


def _image_options(path: ServingPath, bill: Bill) -> Iterator[_Option]:
    size = path.image_bytes or 0
    gigabytes = size / GB * UNPACKED
    if path.platform in ("eks", "gke") and path.machine_type:
        yield _preloaded(path, bill, gigabytes)
    if path.platform == "eks" and path.image_pull == "plain":
        yield _Option(
            name="parallel image pull",
            changes="SOCI parallel pull and unpack on Amazon Linux 2023 nodes",
            path=replace(path, image_pull="soci"),
            usd=0.0,
            cost="a setting of the node, no charge",
            basis="one measurement, by size; a single large layer undoes it",
            compares=IMAGE_PULL,
        )
    yield _Option(
        name="a smaller image",
        changes=f"half of its {size / GB:.3g} GB: leave out what the model does not need",
        path=replace(path, image_bytes=size // 2),
        saves_nat=bill.nat_usd_image / 2,
        usd=0.0,
        cost="somebody's time",
        basis="pull time goes with bytes",
        compares=IMAGE_PULL,
    )


def _preloaded(path: ServingPath, bill: Bill, gigabytes: float) -> _Option:
    if path.platform == "eks":
        changes, usd = "nodes whose data volume comes from an EBS snapshot that holds the image", None
        price = service_price("aws", "ebs", "snapshot storage", path.region)
        cost = "no price of an EBS snapshot in this region"
        if price is not None:
            usd = gigabytes * price.usd
            cost = (
                f"{gigabytes:.0f} GB of an EBS snapshot at ${price.usd:g} per GB-month ({price.as_of}); "
                "the nodes have the volume already"
            )
    else:
        changes = "a secondary boot disk with the image on every node"
        disk = component("gcp", "disk", path.region, "pd-balanced")
        kept = component("gcp", "disk", path.region, "snapshot")
        usd, cost = None, "no disk price of this region"
        if disk is not None and kept is not None:
            usd = gigabytes * (disk.usd * bill.nodes + kept.usd)
            cost = (
                f"{gigabytes:.0f} GB: one disk image at ${kept.usd:g} and pd-balanced on {bill.nodes:.3g} "
                f"nodes at ${disk.usd:g} per GB-month ({disk.as_of})"
            )
    return _Option(
        name="the image on the node's disk",
        changes=changes,
        path=replace(path, image_preloaded=True),
        saves_nat=bill.nat_usd_image,
        usd=usd,
        cost=cost,
        basis="GKE documents no extra node time; on EKS first reads of a snapshot are slower, by how much "
        "nobody says",
    )


def _weight_options(path: ServingPath, bill: Bill) -> Iterator[_Option]:
    size = path.weights_bytes or 0
    gigabytes = size / GB
    if path.cloud == "aws" and path.weights_source == "hf":
        price = component("aws", "s3", path.region, "Standard storage first 50TB")
        yield _Option(
            name="weights in a bucket",
            changes="a copy in S3 of the same region, streamed to the GPU (Run:ai model streamer)",
            path=replace(path, weights_source="s3"),
            saves_nat=bill.nat_usd_weights,
            usd=None if price is None else gigabytes * price.usd,
            cost="no price of S3 in this region"
            if price is None
            else f"{gigabytes:.0f} GB at ${price.usd:g} per GB-month ({price.as_of})",
            basis="one measurement of 15 GiB, by size",
            compares=WEIGHTS,
        )
    if path.cloud == "aws" and not (path.weights_source == "pvc" and path.weights_streamed):
        yield _local_weights(path, bill, gigabytes)
    if path.parameters and size / path.parameters > 1.5:
        yield _Option(
            name="quantized weights",
            changes="an 8-bit checkpoint: half the bytes; check what it does to your answers",
            path=replace(path, weights_bytes=size // 2),
            saves_nat=bill.nat_usd_weights / 2,
            usd=0.0,
            cost="nothing more; fewer or smaller GPUs may do: `gpuyard fit --quantization fp8`",
            basis="load time goes with bytes",
            compares=WEIGHTS,
        )


def _local_weights(path: ServingPath, bill: Bill, gigabytes: float) -> _Option:
    storage = component("aws", "ebs", path.region, "gp3 storage")
    speed = component("aws", "ebs", path.region, "gp3 throughput above 125 MB/s")
    usd, cost = None, "no price of gp3 in this region"
    if storage is not None and speed is not None:
        each = gigabytes * 1.2 * storage.usd + (_STREAM_MBPS - _FREE_MBPS) * speed.usd
        usd = each * bill.nodes
        cost = (
            f"{bill.nodes:.3g} gp3 of {gigabytes * 1.2:.0f} GB at ${storage.usd:g} per GB-month and "
            f"{_STREAM_MBPS} MB/s at ${speed.usd:g} above {_FREE_MBPS} ({storage.as_of})"
        )
    return _Option(
        name="weights on a local volume",
        changes="a gp3 volume of 1 GB/s per node, filled beforehand, streamed to the GPU",
        path=replace(path, weights_source="pvc", weights_streamed=True),
        saves_nat=bill.nat_usd_weights,
        usd=usd,
        cost=cost,
        basis="measured with 15 GB, by size; several GPUs may load in parallel, which it leaves out",
        compares=WEIGHTS,
    )
