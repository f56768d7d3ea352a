"""Which networks between machines a machine type has."""

from functools import cache

from gpuyard.capacity.demand import Interconnect
from gpuyard.catalog.hardware import MachineType


@cache
def interconnects_of(machine: MachineType) -> frozenset[Interconnect]:
    """From the catalog's words for the fabric, e.g. ``EFA+GPUDirect RDMA`` or ``GPUDirect-TCPXO``."""
    if machine.cloud == "aws":
        return frozenset({Interconnect.EFA} if machine.efa_interfaces else ())
    words = machine.fabric.upper()
    if "TCPXO" in words:
        return frozenset({Interconnect.GPUDIRECT_TCPXO})
    if "TCPX" in words:
        return frozenset({Interconnect.GPUDIRECT_TCPX})
    return frozenset({Interconnect.GPUDIRECT_RDMA} if "GPUDIRECT-RDMA" in words else ())
