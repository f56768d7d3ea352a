"""What Google's Dynamic Workload Scheduler asks for machines: flex-start and calendar mode.

Google bills GPUs, vCPUs and memory apart, each at a price of its own (`gcp_dws_prices.csv`), and the local
SSDs that a type brings along at the regional list price. Series without a row of their own have no
discount; series that have one which nobody has published (G4, A4X) have no price.
"""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.gce_types import gce_shape
from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.price import Price
from gpuyard.catalog.service_prices import service_price
from gpuyard.catalog.tables import read_csv

_UNPUBLISHED = ("g4", "a4x")
"""Series with a discount of unknown size (Flex-start documentation)."""
_HOURS = 730
"""Hours of the month that per-month prices of Google mean."""


def dws_price(mode: str, machine_type: str, region: str, listed: Price | None) -> Price | None:
    """USD per machine-hour; None: not known. ``listed``: on demand, of which some series cost a share."""
    parts = _parts(mode, machine_type, region)
    if not parts:
        return None
    if "share" in parts:
        share = parts["share"]
        return None if listed is None else _like(share, listed.usd * share.usd, f"{share.usd:g} x on demand")
    shape = _shape(machine_type)
    ssd = service_price("gcp", "disk", "local ssd (a3/g2 bundled rate)", region)
    if shape is None or (shape["ssd_gib"] and ssd is None):
        return None
    usd = sum(price.usd * shape[_COUNTS[part]] for part, price in parts.items())
    usd += 0 if ssd is None else shape["ssd_gib"] * ssd.usd / _HOURS
    newest = max(parts.values(), key=lambda price: price.as_of)
    return _like(newest, round(usd, 6), "; ".join(dict.fromkeys(p.note for p in parts.values() if p.note)))


_COUNTS = {"gpu": "gpus", "host": "gpus", "vcpu": "vcpus", "gib": "gib"}
"""Which number of the machine a part's price is for."""


def _shape(machine_type: str) -> Mapping[str, float] | None:
    machine, size = machine_types("gcp").get(machine_type), gce_shape(machine_type)
    if machine is None or size is None:
        return None
    # a slice of an A4 holds its SSDs; those of A2 High and G2 are the user's to attach
    brings = machine.family in ("a2-ultragpu", "a3-highgpu", "a3-megagpu", "a3-ultragpu", "a3-edgegpu")
    ssd = machine.local_nvme_gb if brings else None
    return {"gpus": machine.gpu_count, "vcpus": size[0], "gib": size[1], "ssd_gib": ssd or 0}


def _like(price: Price, usd: float, note: str) -> Price:
    return Price(usd=usd, unit="USD/hour", source=price.source, as_of=price.as_of, note=note)


def _parts(mode: str, machine_type: str, region: str) -> Mapping[str, Price]:
    """The prices of a machine's parts, those of the region before those of every region."""
    if machine_type.startswith(_UNPUBLISHED):
        return {}
    table = _table()
    for series in (machine_type.rpartition("-")[0], machine_type.partition("-")[0], "*"):
        found = {**table.get((mode, series, "all"), {}), **table.get((mode, series, region), {})}
        if found:
            return found
    return {}


@cache
def _table() -> Mapping[tuple[str, str, str], Mapping[str, Price]]:
    found: dict[tuple[str, str, str], dict[str, Price]] = {}
    for row in read_csv("gcp_dws_prices"):
        found.setdefault((row["mode"], row["series"], row["region"]), {})[row["part"]] = Price(
            usd=float(row["price"]),
            unit=row["unit"],
            source=row["source"],
            as_of=row["as_of"],
            note=row["note"],
        )
    return found
