"""Quota buckets: which limit of a cloud account a machine type counts against."""

import re
from dataclasses import dataclass
from functools import cache

from gpuyard.catalog.hardware import MachineType
from gpuyard.catalog.tables import read_csv

QUOTAS_AS_OF = "2026-07-27"
_P5_SPOT = "L-C4BD4855"


@dataclass(frozen=True, slots=True, kw_only=True)
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
