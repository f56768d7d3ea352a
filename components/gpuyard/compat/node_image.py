"""Node images of AWS against machine types: images without a driver, and with one that does not fit."""

import re
from collections.abc import Iterator
from functools import cache

from gpuyard.catalog.software_nodes import driver_exclusions
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import has_operator
from gpuyard.compat.problem import Fix, Problem, set_driver, set_field

_WITHOUT = re.compile(
    r"standard|vanilla|\bplain\b|non[- ]?(nvidia|gpu|accelerated)|not (nvidia|gpu|accelerated)"
    r"|(without|no|w/o|lacks?|missing) ?(the |a |any )?(nvidia|gpu|driver)"
    r"|\bal2_(x86_64|arm_64)(?!_gpu)\b|\bbottlerocket_(x86_64|arm_64)\b(?!_nvidia)"
)
"""What people and AWS call images without a driver."""


@cache
def says_no_driver(text: str) -> bool:
    """Whether the name of a system or image says that it has no driver."""
    return _WITHOUT.search(text) is not None


def image_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on node images of AWS."""
    yield from _no_driver(facts)
    yield from _excluded(facts)


def _excluded(facts: Facts) -> Iterator[Problem]:
    """Drivers that do not drive a family of machine types, whatever its GPU."""
    if facts.branch is None or not facts.instance:
        return
    rows = driver_exclusions().get(facts.instance.partition(".")[0], ())
    row = next((row for row in rows if facts.branch in row.branches), None)
    if row is not None:
        yield Problem(
            "AMI_DRIVER_MIN",
            "driver",
            f"driver {facts.driver_text} does not drive {facts.instance}: {row.reason}",
            (set_driver(facts, row.instead),),
        )


def _no_driver(facts: Facts) -> Iterator[Problem]:
    text = facts.node_image
    on_eks = facts.platform in ("eks", "aws") or "aws" in facts.platform
    standard = says_no_driver(text)
    standard = standard or (facts.os == "Bottlerocket" and "aws-k8s" in text and "nvidia" not in text)
    fractional = facts.machine is not None and 0 < facts.machine.gpu_count < 1
    # Bottlerocket brings it (awsdocs/amazon-eks-user-guide PR#1143)
    on_amazon = on_eks or "." in (facts.instance)
    ships_grid = facts.os == "Bottlerocket" or not on_amazon
    if fractional and not ships_grid and facts.manager in ("", "image") and not facts.driver:
        yield Problem(
            "AMI_NO_DRIVER",
            "instance",
            f"{facts.instance} has a slice of a GPU, which needs NVIDIA's GRID guest driver; "
            "no EKS image has it",
            (
                Fix(
                    "use g6.xlarge",
                    {
                        "instance": "g6.xlarge",
                        "gpu": None,
                        "gpu_count": None,
                        "gpu_mem_mib": None,
                        "sm": None,
                    },
                ),
            ),
        )
    on_aks = facts.platform == "aks"
    if not (on_eks or on_aks) or facts.given.driver is not None or facts.given.driver_branch is not None:
        return
    bare_ubuntu = facts.os.startswith("Ubuntu") and facts.manager == "image" and facts.platform == "eks"
    nobody = facts.manager == "none" and not has_operator(facts)
    if (standard and facts.manager != "operator") or bare_ubuntu or nobody:
        fixes = [set_field("driver_managed_by", "cloud", "let AKS install the driver")] if on_aks else []
        fixes += [
            Fix(
                "use the NVIDIA image AL2023_x86_64_NVIDIA",
                {"ami": "AL2023_x86_64_NVIDIA", "os": None, "driver_managed_by": "image"},
            )
        ]
        if facts.os.startswith("Ubuntu"):
            fixes.insert(0, set_field("driver_managed_by", "operator", "let the operator install the driver"))
        yield Problem(
            "AMI_NO_DRIVER",
            "ami" if facts.given.ami else "os",
            "the node image has no GPU driver, and nothing installs one",
            tuple(fixes),
        )
