"""Accelerators and the machine types that carry them."""

import re
from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.names import UnknownName, normalise, resolve
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class Gpu:
    """One accelerator, as its driver reports it."""

    id: str
    name: str
    arch: str
    sm: str
    """Compute capability as ``major.minor``; other vendors' names (``gfx942``) as they are."""
    memory_mib: int | None
    """What the driver reports, less than the marketing number; None: unknown."""
    memory_gb: float | None
    """The vendor's number."""
    bandwidth_gb_per_s: float | None
    bf16_tflops: float | None
    native_bf16: bool
    native_fp8: bool
    native_fp4: bool
    mig: bool
    mig_profiles: tuple[str, ...]
    """Sizes of its slices, as NVIDIA's mig-parted names them; empty: not listed, or there are none."""
    datacenter: bool
    form: str
    linked: bool
    """The GPUs of a node talk over NVLink; cards in slots do not, whatever bridges there are."""
    min_driver: str
    last_driver_branch: str
    """Empty: still supported by the newest."""
    kernel_module: str
    source: str
    as_of: str


@record
class MachineType:
    """One machine type of a cloud that carries GPUs."""

    cloud: str
    id: str
    family: str
    arch: str
    vcpu: int
    memory_gib: float
    gpu: str | None
    gpu_count: float
    """Fractional for vGPU slices, where Kubernetes sees 0."""
    gpu_memory_mib: int | None
    sm: str
    local_nvme_gb: float | None
    network_gbps: float | None
    fabric: str
    efa_interfaces: int
    accelerator_label: str
    """The node label of the accelerator, as ``key=value`` or a bare GKE value."""
    quota: str
    """The quota bucket, in words."""
    source: str
    as_of: str


GPUS_AS_OF = "2026-11-23"
MACHINES_AS_OF = "2026-08-21"

_GPU_ALIASES: Mapping[str, tuple[str, ...]] = {
    "p100": ("p100-pcie-16gb", "p100-sxm2-16gb"),
    "v100": ("v100-32gb", "v100-sxm2-32gb", "v100-sxm3-32gb"),
    "a100-40gb": ("a100", "a100-40", "a100-sxm4-40gb", "a100-sxm"),
    "a100-80gb-sxm": ("a100-80", "a100-80gb", "a100-sxm4-80gb", "a100-80-sxm"),
    "a100-80gb-pcie": ("a100-pcie-80gb", "a100-pcie"),
    "h100-sxm": (
        "h100",
        "h100-80",
        "h100-80gb",
        "h100-sxm5",
        "h100-mega",
        "h100-mega-80gb",
        "h100-sxm5-80gb",
    ),
    "h100-pcie": ("h100-80gb-pcie", "h100-pcie-80gb"),
    "gh200": ("gh200-480gb", "gh200-96gb", "grace-hopper"),
    "h200": ("h200-141gb", "h200-sxm", "h200-sxm5"),
    "b200": ("b200-180gb", "b200-192gb", "b200-sxm", "b200-sxm6"),
    "b300": ("b300-sxm", "b300-sxm6", "b300-sxm6-ac"),
    "gb200": ("gb200-nvl72",),
    "gb300": ("gb300-nvl72",),
    "rtx-pro-6000": (
        *("rtx-pro-server-6000", "rtx-pro-6000-server", "rtx-pro-6000-blackwell-server-edition"),
        *("rtx-6000-pro", "rtx-pro-6000-bse", "rtx-pro-6000-96gb"),
    ),
    "rtx-pro-4500": ("rtx-pro-server-4500", "rtx-pro-4500-server", "rtx-pro-4500-blackwell-server-edition"),
    "rtx-4090": ("4090",),
    "rtx-5090": ("5090",),
    "gb10": ("dgx-spark",),
    "mi300x": ("mi300", "mi300x-oam"),
}
"""What people, drivers, node labels and other catalogs call them. ``a100`` means 40 GB, as at both clouds.

H100 NVL, A10 and the 16 GB V100 are other cards: they get a did-you-mean, never another card's numbers.
"""


@cache
def gpus() -> Mapping[str, Gpu]:
    """Every accelerator by id."""
    return {row["id"]: _gpu(row) for row in read_csv("gpus")}


def find_gpu(text: str) -> Gpu:
    """The accelerator that ``text`` names: an id, a GKE label, a product name, or what people type.

    Raises:
        UnknownName: with close ids.
    """
    return gpus()[resolve("GPU", text, _aliases(), list(gpus()))]


def gpu_aliases() -> tuple[str, ...]:
    """What people type for a GPU besides its id and its product name."""
    return tuple(alias for aliases in _GPU_ALIASES.values() for alias in aliases)


@cache
def machine_types(cloud: str | None = None) -> Mapping[str, MachineType]:
    """Every GPU machine type by id, of one cloud or of all."""
    if cloud is None:
        return {row["instance"]: _machine(row) for row in read_csv("instances")}
    return {name: machine for name, machine in machine_types().items() if machine.cloud == cloud}


def find_machine_type(text: str) -> MachineType:
    """The GPU machine type of that name.

    Raises:
        UnknownName: with the types of the family or GPU that ``text`` names, else with close ids.
    """
    types = machine_types()
    found = _type_names().get(normalise(text))
    if found is None:
        raise UnknownName("GPU machine type", text, list(types), members_hint(text))
    return types[found]


@cache
def _type_names() -> Mapping[str, str]:
    return {normalise(name): name for name in machine_types()}


def family_members(text: str) -> list[MachineType]:
    """The machine types of a family (``p5``, ``a3-highgpu``); empty: there is no such family."""
    key = normalise(text)
    return [
        machine
        for machine in machine_types().values()
        if key in (normalise(machine.family), machine.id.split("-")[0])
    ]


def members_hint(text: str) -> str:
    """The machine types of a family or with a GPU (``h100``), given instead of one type; else empty."""
    family = family_members(text)
    if family:
        return "it is a family; its types: " + ", ".join(machine.id for machine in family)
    gpu = _aliases().get(normalise(text))
    if gpu is None:
        return ""
    return f"it is a GPU; types with {gpu}: " + ", ".join(
        machine.id for machine in machine_types().values() if machine.gpu == gpu
    )


@cache
def _aliases() -> Mapping[str, str]:
    known = {f"{normalise(gpu.id)}{gpu.memory_gb:g}gb": gpu.id for gpu in gpus().values() if gpu.memory_gb}
    known |= {normalise(gpu.id): gpu.id for gpu in gpus().values()}
    known |= {normalise(gpu.name): gpu.id for gpu in gpus().values()}
    return known | {normalise(alias): gpu for gpu, aliases in _GPU_ALIASES.items() for alias in aliases}


def _gpu(row: Mapping[str, str]) -> Gpu:
    return Gpu(
        id=row["id"],
        name=row["name"],
        arch=row["arch"],
        sm=row["sm"],
        memory_mib=int(row["mem_mib_reported"]) if row["mem_mib_reported"] else None,
        memory_gb=_number(row["mem_gb_nominal"]),
        bandwidth_gb_per_s=_number(row["mem_bw_gb_per_s"]),
        bf16_tflops=_number(row["bf16_dense_tflops"]),
        native_bf16=row["bf16_native"] == "true",
        native_fp8=row["fp8_native"] == "true",
        native_fp4=row["fp4_native"] == "true",
        mig=row["mig"].startswith("yes"),
        mig_profiles=tuple(row["mig_profiles"].split()),
        datacenter=row["datacenter_gpu"].startswith("yes"),
        form=row["form"],
        linked=bool(_number(row["nvlink_gb_per_s"])) and not row["form"].startswith("PCIe"),
        min_driver=row["min_driver"],
        last_driver_branch=row["last_driver_branch"],
        kernel_module=row["kernel_module"],
        source=row["source"],
        as_of=GPUS_AS_OF,
    )


def _machine(row: Mapping[str, str]) -> MachineType:
    return MachineType(
        cloud=row["cloud"],
        id=row["instance"],
        family=row["family"],
        arch=row["arch"],
        vcpu=int(_number(row["vcpu"]) or 0),
        memory_gib=_number(row["mem_gib"]) or 0,
        gpu=row["gpu_id"] or None,
        gpu_count=_number(row["gpu_count"]) or 0,
        gpu_memory_mib=int(_number(row["gpu_mem_mib_each"]) or 0) or None,
        sm=row["sm"],
        local_nvme_gb=_number(row["local_nvme_gb"]),
        network_gbps=_number(row["network_gbit_per_s"]),
        fabric=row["fabric"],
        efa_interfaces=int(_number(row["efa_interfaces"]) or 0),
        accelerator_label=row["k8s_accelerator_label"],
        quota=row["quota"],
        source=row["source"],
        as_of=MACHINES_AS_OF,
    )


def _number(text: str) -> float | None:
    """The number a cell starts with; cells such as ``144 (unverified)`` say how sure they are."""
    match = re.match(r"\d+(\.\d+)?", text)
    return float(match.group()) if match else None
