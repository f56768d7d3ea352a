"""What Google's resource commitments cost by vCPU, GiB and GPU, from what machine types cost under them.

The price list says what a machine type costs under a commitment of one or three years, not what a vCPU does.
Two types of a series with different memory per vCPU give both rates. Series whose types all have one shape
(C2, T2D and those with GPUs) give the rate of a bundle: a vCPU or GPU with what goes with it.
"""

import re
from collections.abc import Iterator
from functools import cache

from gpuyard.catalog.gce_types import gce_shape, gce_types
from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.list_prices import gce_committed_prices, gce_price
from gpuyard.catalog.service_prices import service_price
from gpuyard.records import record

SOURCE = "Cyclenerd/google-cloud-pricing-cost-calculator (Apache-2.0)"
TERMS = {"TWELVE_MONTH": "1y", "THIRTY_SIX_MONTH": "3y"}
"""Plans of the Compute Engine API."""
_SERIES = {
    "GENERAL_PURPOSE": "n1",
    "COMPUTE_OPTIMIZED": "c2",
    "MEMORY_OPTIMIZED": "m1",
    "ACCELERATOR_OPTIMIZED": "a2",
    "ACCELERATOR_OPTIMIZED_A3": "a3-highgpu",
    "ACCELERATOR_OPTIMIZED_A3_MEGA": "a3-megagpu",
    "ACCELERATOR_OPTIMIZED_A3_ULTRA": "a3-ultragpu",
    "ACCELERATOR_OPTIMIZED_A4": "a4",
    "GRAPHICS_OPTIMIZED": "g2",
    "STORAGE_OPTIMIZED": "z3",
}
"""Series that a type of commitment is for, where its name does not end with it."""


@record
class Rates:
    """USD per hour of one series and region; a part that another one holds is zero."""

    vcpu: float
    gib: float = 0.0
    gpu: float = 0.0


@record
class Bundle:
    """USD per hour of a GPU with its host, or of a vCPU with its memory, in machines of one shape."""

    unit: str
    """``GPU``, or ``vCPU`` where there is none."""
    usd: float
    vcpus: float
    gib: float


def series_of(commitment_type: str) -> str:
    """The machine series that a commitment of that type covers: ``n2d`` of ``GENERAL_PURPOSE_N2D``."""
    if commitment_type in _SERIES:
        return _SERIES[commitment_type]
    return commitment_type.rpartition("_")[2].lower()


def rates_of(series: str, region: str, term: str = "") -> Rates | None:
    """Rates by vCPU, GiB and GPU under a commitment, or on demand without a term.

    G2 machines have 4 GiB per vCPU and different numbers of vCPUs per GPU: there the vCPU holds its memory.
    None: the series has one shape, or no price there.
    """
    types = sorted(_committed_types(series, region), key=lambda found: (found.ratio, found.name))
    if len({round(found.ratio, 3) for found in types}) < 2:
        return None
    if types[0].gpus and len({round(found.gib / found.vcpus, 2) for found in types}) > 1:
        return None
    # types of one size, so that what is rounded is rounded alike
    size = min((found.size for found in types if found.size >= _SIZE), default=types[0].size)
    alike = [found for found in types if found.size == size]
    low, high = (alike[0], alike[-1]) if len(alike) > 1 else (types[0], types[-1])
    usd = [_usd(found.name, region, term) for found in (low, high)]
    area = low.second * high.first - high.second * low.first
    if not area or not all(usd):
        return None
    first = (low.second * usd[1] - high.second * usd[0]) / area
    second = (usd[0] * high.first - usd[1] * low.first) / area
    if first <= 0 or second <= 0:
        return None
    if low.gpus:
        return Rates(gpu=round(first, 8), vcpu=round(second, 8))
    return Rates(vcpu=round(first, 8), gib=round(second, 8))


_SIZE = 8
"""vCPUs of the types that rates are worked out from, where a series has such."""


@record
class _Type:
    """A machine type as its two amounts that differ in the series: vCPUs and GiB, or GPUs and vCPUs."""

    name: str
    vcpus: float
    gib: float
    gpus: float

    @property
    def first(self) -> float:
        return self.gpus or self.vcpus

    @property
    def second(self) -> float:
        return self.vcpus if self.gpus else self.gib

    @property
    def ratio(self) -> float:
        """Types of one ratio cannot tell the two rates apart."""
        return self.second / self.first

    @property
    def size(self) -> float:
        return 0.0 if self.gpus else self.vcpus


def committed_bundle(
    series: str, region: str, term: str, *, vcpus: float, gib: float, gpus: float
) -> Bundle | None:
    """The bundle of the series that the amounts are a multiple of, give or take. None: none, or no price."""
    types = sorted(_committed_types(series, region), key=lambda each: -each.vcpus)
    for found in types:  # the largest first, whose price is rounded least
        units = gpus if found.gpus else vcpus
        each = found.gpus or found.vcpus
        if _is_near(vcpus, units * found.vcpus / each) and _is_near(gib, units * found.gib / each):
            return Bundle(
                unit="GPU" if found.gpus else "vCPU",
                usd=_usd(found.name, region, term) / each,
                vcpus=found.vcpus / each,
                gib=found.gib / each,
            )
    quoted = _quoted_bundle(series, region, term)
    if quoted and _is_near(vcpus, gpus * quoted.vcpus) and _is_near(gib, gpus * quoted.gib):
        return quoted
    return None


def _is_near(amount: float, wanted: float) -> bool:
    return amount > 0 and abs(amount - wanted) <= 0.03 * amount


def _quoted_bundle(series: str, region: str, term: str) -> Bundle | None:
    """A4 machines are sold by the slice of a GPU, with one price of the slice."""
    price = service_price("gcp", "committed_slice", f"{series} {term}", region)
    machine = next(
        (found for found in machine_types("gcp").values() if found.id.startswith(f"{series}-")), None
    )
    if price is None or machine is None:
        return None
    each = machine.gpu_count
    return Bundle(unit="GPU", usd=price.usd, vcpus=machine.vcpu / each, gib=machine.memory_gib / each)


def is_committable(machine_type: str, region: str) -> bool:
    """Whether commitments cover the type: shared-core types of N1 and some others have no such price."""
    series = machine_type.partition("-")[0]
    return bool(gce_committed_prices(machine_type, region)) or any(
        service_price("gcp", "committed_slice", f"{series} {term}", region) for term in TERMS.values()
    )


def committed_ssd(region: str, term: str) -> float | None:
    """USD per GiB-month of committed local SSD: what C3 machines with and without them differ by."""
    prices = [_usd(name, region, term) for name in ("c3-standard-8-lssd", "c3-standard-8")]
    return round((prices[0] - prices[1]) * 730 / 750, 6) if all(prices) else None


def _committed_types(series: str, region: str) -> Iterator[_Type]:
    """Types of the series with a committed price there, but for those with local SSDs or bare metal."""
    machines = machine_types("gcp")
    for name in _types_of(series):
        shape = gce_shape(name)
        if shape and gce_committed_prices(name, region) and gce_price(name, region):
            gpus = machines[name].gpu_count if name in machines else 0
            yield _Type(name=name, vcpus=shape[0], gib=shape[1], gpus=gpus)


@cache
def _types_of(series: str) -> tuple[str, ...]:
    pattern = re.compile(rf"{re.escape(series)}-(?!.*(?:lssd|metal|node)).*")
    return tuple(sorted(name for name in gce_types() if pattern.fullmatch(name)))


def _usd(name: str, region: str, term: str) -> float:
    price = gce_committed_prices(name, region).get(term) if term else gce_price(name, region)
    return price.usd if price else 0.0
