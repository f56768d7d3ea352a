"""Odds, waits and reclaims of each way to buy capacity, where no evidence says better.

Most odds are guesses and say so: they order what nobody has measured, and give way to evidence.
"""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

SCARCE_GPUS = frozenset(
    {
        "a100-40gb",
        "a100-80gb-sxm",
        "a100-80gb-pcie",
        "h100-sxm",
        "h100-pcie",
        "h200",
        "gh200",
        "b200",
        "b300",
        "gb200",
        "gb300",
    }
)
"""GPUs whose machines are refused as often as not, by guess."""
REFUSED_FAMILIES = ("p5", "p6")
"""Families of theirs at AWS of which it is published (`aws_ondemand_p5_class` in `lead_times.yaml`)."""
_BANDS = {"<5%": 0.025, "5-10%": 0.075, "10-15%": 0.125, "15-20%": 0.175, ">20%": 0.3}
"""Share taken back in 30 days: middle of the Spot Advisor's bands, 30 % for the open one."""
_BAND_HOURS = 30 * 24


@record
class Terms:
    """What to expect of one way to buy one class of GPU."""

    probability: float
    """Odds that a request is met."""
    wait_hours: float
    """From the request to the capacity, where it is met."""
    learn_hours: float
    """From the request to the refusal, where it is not."""
    reclaims_per_hour: float
    """Machines taken back, per machine."""
    basis: str
    """``guess`` where no number is published."""
    note: str
    source: str
    as_of: str


@cache
def capacity_terms(cloud: str, purchase: str, gpu: str) -> Terms | None:
    """Terms of a purchase kind; None: this cloud does not sell it."""
    return _terms().get((cloud, purchase, "scarce" if gpu in SCARCE_GPUS else "common"))


def published_reclaims(machine_type: str, region: str) -> float | None:
    """Reclaims per hour of an AWS spot machine from the Spot Advisor's band; None: no band."""
    share = _BANDS.get(_bands().get((machine_type, region), ""))
    return None if share is None else share / _BAND_HOURS


@cache
def _bands() -> Mapping[tuple[str, str], str]:
    return {
        (row["instance_type"], row["region"]): row["interruption_band"]
        for row in read_csv("ec2_gpu_spot_2025_04")
    }


@cache
def _terms() -> Mapping[tuple[str, str, str], Terms]:
    return {
        (row["cloud"], row["purchase"], row["scarcity"]): Terms(
            probability=float(row["probability"]),
            wait_hours=float(row["wait_hours"]),
            learn_hours=float(row["learn_hours"]),
            reclaims_per_hour=float(row["reclaims_per_hour"]),
            basis=row["basis"],
            note=row["note"],
            source=row["source"],
            as_of=row["as_of"],
        )
        for row in read_csv("capacity_terms")
    }
