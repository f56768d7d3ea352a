"""Releases of node images that are known to fail on single GPUs or machine types."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_nodes import ImageDefect, image_defects
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Problem, set_field, use_eks_image

_DAY = re.compile(r"20\d{6}")
_TRIPLE = re.compile(r"\d+\.\d+\.\d+")


def image_defect_problems(facts: Facts) -> Iterator[Problem]:
    """A release that fails so, unless what fails is stated itself: the module, or fabric manager."""
    release = image_release(facts)
    for row in image_defects():
        if row.kernel_module and facts.given.kernel_module is not None:
            continue
        if row.code == "FABRIC_MANAGER" and facts.given.fabric_manager is not None:
            continue
        if release and _applies(row, facts, release):
            newer = f"use a newer release: {row.way_out}"
            yield Problem(
                row.code,
                "ami" if facts.given.ami is not None else "os",
                row.text,
                (
                    set_field("kernel_module", row.kernel_module, newer)
                    if row.kernel_module
                    else use_eks_image(facts, newer),
                ),
                source=row.source,
                as_of=row.as_of,
            )


def _applies(row: ImageDefect, facts: Facts, release: Version) -> bool:
    who = facts.gpu.id if facts.gpu else facts.gpu_name
    concerned = who in row.gpus or (row.family and facts.instance.partition(".")[0] == row.family)
    return row.os == facts.os and bool(concerned) and row.since <= release <= row.until


def image_release(facts: Facts) -> Version:
    """The image's day as one number, or its version; empty: not said."""
    day = _DAY.search(facts.node_image)
    if day:
        return (int(day[0]),)
    found = _TRIPLE.findall(facts.node_image)
    return tuple(int(part) for part in found[-1].split(".")) if found else ()
