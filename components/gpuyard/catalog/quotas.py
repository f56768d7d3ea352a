"""Quota buckets: which limit of a cloud account a machine type counts against."""

import re
from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.hardware import MachineType
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

QUOTAS_AS_OF = "2026-07-27"
_P5_SPOT = "L-C4BD4855"


@record
class Quota:
    """One limit of an account."""

    cloud: str
    code: str
    """AWS quota code, or the metric of Compute Engine or Cloud Quotas."""
    name: str
    unit: str
    """What one machine uses up: ``vCPU`` or ``GPU``."""
    scope: str
    """``region``, ``global``, or region and GPU family."""
    confidence: str
    source: str
    as_of: str


@cache
def quotas(cloud: str) -> tuple[Quota, ...]:
    """Every bucket known of ``cloud``."""
    if cloud == "aws":
        return tuple(
            Quota(
                cloud=cloud,
                code=row["quota_code"],
                name=row["name"],
                unit=row["unit"],
                scope="region",
                confidence=row["confidence"],
                source=row["source"],
                as_of=QUOTAS_AS_OF,
            )
            for row in read_csv("aws_quotas")
        )
    if cloud == "gcp":
        return tuple(
            Quota(
                cloud=cloud,
                code=row["metric"],
                name=row["applies_to"],
                unit="GPU",
                scope=row["scope"],
                confidence=row["confidence"],
                source=row["source"],
                as_of=QUOTAS_AS_OF,
            )
            for row in read_csv("gcp_quotas")
        )
    return ()


def quotas_of(machine: MachineType, *, is_spot: bool) -> tuple[Quota, ...]:
    """The buckets that a machine counts against, by purchase kind; empty: not known.

    Google machines count twice: against the project-wide total and against the GPU's own bucket.
    Flex-start counts as spot there (preemptible quota).
    """
    if machine.cloud == "aws":
        code = _aws_code(machine.family, is_spot=is_spot)
        return tuple(quota for quota in quotas("aws") if quota.code == code)
    if machine.cloud != "gcp" or not machine.gpu:
        return ()
    own = _gcp_metrics(machine.gpu, is_spot=is_spot)
    return tuple(quota for quota in quotas("gcp") if quota.code in ("GPUS_ALL_REGIONS", *own))


@record
class Bucket:
    """One limit by the exact name under which a cloud reports and raises it."""

    cloud: str
    code: str
    """AWS quota code, Compute Engine metric, or Cloud Quotas id where there is no metric."""
    quota_id: str
    """Id to ask for more under: the AWS code, or the id of the Cloud Quotas API."""
    gpu_family: str = ""
    """Google's dimension, e.g. ``NVIDIA_H100``. Empty: the bucket has none."""
    name: str
    unit: str
    is_global: bool = False
    new_account: float | None = None
    """Limit of a new account; None: not known."""
    confidence: str
    source: str
    as_of: str


_PREEMPTIBLE = frozenset({"spot", "flex_start", "queued"})
"""Purchase kinds that draw on Google's preemptible quota."""
_HELD = frozenset({"reservation", "capacity_block"})
"""Purchase kinds that need no quota of their own: reserving counted, blocks have limits of their own."""


@cache
def buckets(machine: MachineType, purchase: str) -> tuple[Bucket, ...] | None:
    """The limits that one more machine counts against; None: not known, empty: none.

    Machines in a reservation count when it is made. Capacity blocks do not count against vCPU quotas
    (EC2 user guide, Capacity Blocks, read 2026-11).
    """
    if purchase in _HELD:
        return ()
    if machine.cloud == "aws":
        code = _aws_code(machine.family, is_spot=purchase == "spot")
        return tuple(_aws_bucket(quota) for quota in quotas("aws") if quota.code == code) or None
    if machine.cloud != "gcp" or not machine.gpu:
        return None
    kind = "preemptible" if purchase in _PREEMPTIBLE else "standard"
    for row in read_csv("gcp_gpu_quotas"):
        if (row["gpu"], row["kind"]) == (machine.gpu, kind) and machine.id.startswith(row["machine_prefix"]):
            return (_gcp_bucket(row), _ALL_REGIONS)
    return None


_ALL_REGIONS = Bucket(
    cloud="gcp",
    code="GPUS_ALL_REGIONS",
    quota_id="GPUS-ALL-REGIONS-per-project",
    name="GPUs of all regions",
    unit="GPU",
    is_global=True,
    new_account=0,
    confidence="verified by error text",
    source="public repositories; a fresh project has 0",
    as_of=QUOTAS_AS_OF,
)
_ZERO_AT_FIRST = ("L-417A185B", "L-DB2E81BA", "L-3819A6DF", "L-7212CCBC", _P5_SPOT)
"""AWS buckets of GPU machines: new accounts may use no vCPU of them."""


def _aws_bucket(quota: Quota) -> Bucket:
    return Bucket(
        cloud="aws",
        code=quota.code,
        quota_id=quota.code,
        name=quota.name,
        unit=quota.unit,
        new_account=0 if quota.code in _ZERO_AT_FIRST else None,
        confidence=quota.confidence,
        source=quota.source,
        as_of=quota.as_of,
    )


def _gcp_bucket(row: Mapping[str, str]) -> Bucket:
    family = row["gpu_family"]
    return Bucket(
        cloud="gcp",
        code=row["code"],
        quota_id=row["quota_id"],
        gpu_family=family,
        name=f"{family} GPUs" if family else row["code"].replace("_", " ").capitalize(),
        unit="GPU",
        confidence=row["confidence"],
        source=row["source"],
        as_of=row["as_of"],
    )


def quota_use(machine: MachineType) -> float:
    """What one machine takes of its buckets: vCPUs at AWS, GPUs at Google."""
    return machine.vcpu if machine.cloud == "aws" else machine.gpu_count


def _aws_code(family: str, *, is_spot: bool) -> str:
    """P6 spot is in no list seen: sources disagree, so no bucket is named."""
    kind = re.match(r"[a-z]+", family)
    letters = kind.group() if kind else ""
    if letters in ("g", "gr", "vt"):
        return "L-3819A6DF" if is_spot else "L-DB2E81BA"
    if letters != "p":
        return "L-34B43A08" if is_spot else "L-1216C47A"
    if not is_spot:
        return "L-417A185B"
    if family.startswith("p5"):
        return _P5_SPOT
    return "" if family.startswith("p6") else "L-7212CCBC"


def _gcp_metrics(gpu: str, *, is_spot: bool) -> tuple[str, ...]:
    """GPUs without a Compute metric of their own are limited per GPU family by Cloud Quotas."""
    listed = {
        "l4": "NVIDIA_L4_GPUS / PREEMPTIBLE_NVIDIA_L4_GPUS / COMMITTED_NVIDIA_L4_GPUS",
        "a100-40gb": "NVIDIA_A100_GPUS",
        "a100-80gb-sxm": "NVIDIA_A100_80GB_GPUS",
        "t4": "NVIDIA_T4_GPUS",
    }
    if gpu in listed:
        return (listed[gpu],)
    if gpu == "h100-sxm" and is_spot:
        return ("PREEMPTIBLE_NVIDIA_H100_GPUS / COMMITTED_NVIDIA_H100_GPUS",)
    return ("GPUS-PER-GPU-FAMILY-per-project-region",)
