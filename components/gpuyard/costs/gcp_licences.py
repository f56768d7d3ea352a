"""Operating systems that cost a licence on Google machines, by the image that a machine boots from.

Public images say their project in their name or link (``windows-cloud/windows-2022``). Licences without a
published price that the tables know are listed as unknown, never as free; images of one's own are taken to
carry none.
"""

import re
from collections.abc import Iterator
from typing import Any

from gpuyard.catalog.gce_types import gce_shape
from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.line_item import CPU_NODES, GPU_NODES, Charge, Loads, charge, decimal, unpriced
from gpuyard.costs.scene import Scene
from gpuyard.resources import Resource

_IMAGES = (
    (re.compile(r"windows-sql-cloud"), "SQL Server and Windows Server"),
    (re.compile(r"windows-cloud|^windows(?:-server)?-|^WINDOWS", re.IGNORECASE), "Windows Server"),
    (re.compile(r"rhel-sap-cloud"), "RHEL for SAP"),
    (re.compile(r"rhel-cloud|^rhel-"), "RHEL"),
    (re.compile(r"suse-sap-cloud"), "SLES for SAP"),
    (re.compile(r"suse-cloud|^sles-\d"), "SLES"),
    (re.compile(r"ubuntu-os-pro-cloud"), "Ubuntu Pro"),
)
"""What an image is called, and what its licence is."""
_PER_VCPU = ("Windows Server",)
_SHARED_CORE = re.compile(r"f1-micro|g1-small|e2-(?:micro|small|medium)")


def charge_licence(
    resource: Resource, scene: Scene, image: Any, machine_type: str, nodes: Loads
) -> Iterator[Charge]:
    """The licence hours of ``nodes`` machines that boot from ``image``; nothing for free systems."""
    system = licence_of(image)
    if not system:
        return
    region, name = scene.region(resource), f"{system} licence"
    size = " shared core" if _SHARED_CORE.fullmatch(machine_type) else ""
    price = service_price("gcp", "licence", f"{system}{size}", region)
    shape = gce_shape(machine_type)
    if price is None or (system in _PER_VCPU and shape is None):
        yield unpriced(resource, name, "no price of it for this machine type", region)
        return
    hours = nodes * scene.hours_of(resource)
    if system in _PER_VCPU:
        hours = hours * decimal(shape[0] if shape else 0)
    unit = "vCPU-hour" if system in _PER_VCPU else "hour"
    group = GPU_NODES if machine_type in machine_types("gcp") else CPU_NODES
    yield charge(
        resource, name, price, hours, unit=unit, group=group, region=region, pricing_category="Other"
    )


def licence_of(image: Any) -> str:
    """What must be licensed of an image; empty: nothing known."""
    text = image if isinstance(image, str) else ""
    return next((system for pattern, system in _IMAGES if pattern.search(text)), "")
