"""A combination read: free-form values as versions, and what follows from them by the catalog.

Empty tuples, empty texts and None are unknown. Nothing here judges.
"""

import re
from collections.abc import Mapping

from gpuyard.catalog.hardware import Gpu, MachineType
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import find_operator
from gpuyard.catalog.software_runtimes import RuntimeRelease, find_release, release_text
from gpuyard.compat.build import ngc_month, read_cuda, read_engine, read_install, read_version
from gpuyard.compat.checkpoint import read_dtype, read_model, read_quantization
from gpuyard.compat.combination import Combination
from gpuyard.compat.flag_fields import with_flag_fields
from gpuyard.compat.machine import (
    find_machine,
    is_professional,
    largest_memory,
    read_arch,
    read_form,
    read_gpu,
    slice_memory,
    with_named_machine,
)
from gpuyard.compat.place import read_image_driver, read_instance, read_kubernetes, read_platform
from gpuyard.compat.spelling import (
    INSTALLER,
    cuda_of,
    dotted,
    driver_text,
    engine_of,
    plain,
    read_driver,
    read_env,
    read_manager,
    read_sm,
    read_system,
)
from gpuyard.records import record

_POOL_DRIVER = "gpu-driver-version"
"""What a GKE node pool calls its say on the driver, with or without a prefix."""

_OF_ENGINES = (
    *("runtime_version", "install", "dtype", "quantization", "kv_cache_dtype", "tensor_parallel"),
    *("pipeline_parallel", "attention_heads", "max_model_len", "max_num_batched_tokens", "max_num_seqs"),
    "gpu_memory_utilization",
)
"""Fields that only an engine has."""
_NOMINAL = 1.08
"""How much more than the driver reports a card's nominal memory is at most (A10G: 24576 to 22888 MiB)."""

_INSTALLED_BY_HAND = re.compile(rf"{INSTALLER}|^(nvidia )?(gpu[ -]?)?operator\b|manual")
"""Who installs a driver where GKE is told not to."""

_CAPABILITY = re.compile(r"\s*\(\d+\.\d\)$")
"""A compute capability that is written behind a card's name."""


@record
class Facts:
    """What a combination says, decided as far as it can be."""

    given: Combination
    gpu: Gpu | None
    gpu_name: str
    gpu_count: float | None
    memory_mib: int | None
    sm: Version
    datacenter: bool | None
    form: str
    """SXM, PCIe or whatever the catalog says; empty: unknown."""
    machine: MachineType | None
    instance: str
    """Machine type, or the family that the platform's text names (``aws g4dn``); lower case."""
    platform: str
    os: str
    node_image: str
    """`os` and `ami` in one lower-case line, for words that only they carry."""
    kubernetes: Version
    driver: Version
    """Full version; empty where only the branch or nothing is known."""
    branch: int | None
    manager: str
    runtime: str
    runtime_text: str
    version: Version
    release: RuntimeRelease | None
    is_newer: bool
    install: str
    image: str
    cuda: Version
    """Major and minor that the engine was built with, given or by its release."""
    cuda_is_given: bool
    month: Version
    """Of NVIDIA's framework containers, ``(25, 8)``; empty: it is none of them."""
    arch: str
    glibc: Version
    env: Mapping[str, str]
    flags: tuple[tuple[str, str], ...]
    model: ModelShape | None
    model_name: str
    quantization: str
    dtype: str
    mig: str
    """Empty: off or unknown."""

    @property
    def driver_high(self) -> Version:
        """The newest driver that it may be; empty: unknown."""
        if self.driver:
            return self.driver
        return (self.branch, 999, 999) if self.branch else ()

    @property
    def driver_text(self) -> str:
        """The driver for people."""
        return (
            ".".join(str(self.given.driver).split()) if self.driver and self.given.driver else _dotted(self)
        )

    @property
    def base_cuda(self) -> Version:
        """CUDA of the image's base, as far as there is an image."""
        if self.given.base_image_cuda is not None:
            return cuda_of(str(self.given.base_image_cuda))
        return self.cuda if self.install == "docker" else ()

    @property
    def host_cuda(self) -> Version:
        """CUDA of the host's toolkit, else of the one that the environment names; empty: unknown, or none."""
        if self.given.host_toolkit is not None or self.install == "docker":
            return cuda_of(plain(self.given.host_toolkit))
        homes = (self.env.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH", "CUDACXX"))
        found = next(
            filter(None, (re.search(r"cuda[-/]v?(\d+(\.\d+)?)", home.lower()) for home in homes)), None
        )
        return cuda_of(found[1]) if found else ()

    def flag_values(self, *names: str) -> tuple[str, ...]:
        """What the flags of those names were given, in order; a bare flag was given an empty text."""
        return tuple(value for flag, value in self.flags if flag in names)

    @property
    def tensor(self) -> int:
        """GPUs that a layer is cut over, one where nobody says."""
        return int(self.given.tensor_parallel or 1)

    @property
    def is_mixture(self) -> bool:
        """Whether the model is known to be a mixture of experts."""
        return self.model is not None and self.model.moe is not None

    @property
    def is_geforce(self) -> bool:
        """Whether it is a consumer card: neither a data-centre GPU nor a professional one."""
        return self.datacenter is False and not is_professional(self.gpu_name)

    @property
    def who(self) -> str:
        """The GPU for people."""
        return _CAPABILITY.sub("", self.gpu_name) or "this GPU"

    @property
    def card(self) -> str:
        """The GPU with its compute capability, for people."""
        return f"{self.who} (compute capability {dotted(self.sm)})"

    @property
    def engine(self) -> str:
        """Engine and release for people, ``vllm 0.11.0``; the engine alone where no release is known."""
        return f"{self.runtime or self.runtime_text} {release_text(self.version)}".strip()

    @property
    def is_for_older_gpus(self) -> bool:
        """Whether the build's own name says that it was made for GPUs that the project left behind."""
        return bool(re.search(r"pascal|volta|v100|sm_?[67]\d", f"{self.runtime_text} {self.image}"))

    @property
    def is_without_flash(self) -> bool:
        """Whether text-generation-inference is told to do without FlashAttention (its #2456: GPT-2 on T4)."""
        told = self.env.get("USE_FLASH_ATTENTION", "").lower()
        return self.runtime == "tgi" and told in ("false", "0")

    @property
    def names_engine(self) -> bool:
        """Whether it is said, by whatever name, what serves; otherwise it may be any engine."""
        return bool(self.runtime_text or self.image)

    @property
    def has_workload(self) -> bool:
        """Whether an engine, a model or an option of theirs is named; else it is about the node alone."""
        named = self.runtime_text or self.model_name or self.image or self.given.cuda
        return bool(named) or any(getattr(self.given, name) is not None for name in _OF_ENGINES)

    @property
    def count(self) -> int | None:
        """Whole GPUs, where known."""
        return int(self.gpu_count) if self.gpu_count and self.gpu_count >= 1 else None


def read_facts(given: Combination) -> Facts:
    """Read every field of a combination, and what its command line says where a field says nothing."""
    env, flags = read_env(given.env)
    given = with_named_machine(with_flag_fields(given, flags, env))
    instance = read_instance(given)
    machine = find_machine(given.instance)
    gpu, name, other = read_gpu(given, machine, instance)
    image = plain(given.image).partition("@")[0]
    runtime_text = plain(given.runtime) or engine_of(image)
    runtime = read_engine(given, runtime_text, image)
    version = read_version(given, runtime_text, image)
    release, is_newer = find_release(runtime, version) if runtime else (None, False)
    install = read_install(given, image)
    cuda, cuda_is_given = read_cuda(given, image, runtime, version, release, install)
    platform = read_platform(given)
    told = f"{plain(given.os)} {plain(given.ami)}".strip()
    system, glibc = read_system(f"{told} autopilot" if "autopilot" in plain(given.platform) else told)
    if not told:
        system, glibc = read_system(plain(given.platform))
    kubernetes = read_kubernetes(given)
    driver, branch = _driver(given, kubernetes)
    model = read_model(given.model)
    sm = read_sm(given.sm) or (parse_version(gpu.sm) if gpu and gpu.sm[:1].isdigit() else ())
    named = gpu.memory_mib if gpu and machine else largest_memory(plain(given.gpu), gpu)
    memory = _memory(given.gpu_mem_mib, named or (other.memory_mib if other else None))
    datacenter = (
        given.datacenter_gpu if given.datacenter_gpu is not None else (gpu.datacenter if gpu else None)
    )
    if other is not None:
        sm = sm or parse_version(other.sm)
        datacenter = other.datacenter if datacenter is None else datacenter
    return Facts(
        given=given,
        gpu=gpu,
        gpu_name=gpu.id if gpu else name,
        gpu_count=given.gpu_count or (machine.gpu_count if machine else None),
        memory_mib=slice_memory(given.mig, given.gpu_mem_mib) or (int(memory) if memory else None),
        sm=sm,
        datacenter=datacenter,
        form=read_form(name, gpu.form if gpu else other.form if other else ""),
        machine=machine,
        instance=instance,
        platform=platform,
        os=system,
        node_image=_node_image(given),
        kubernetes=kubernetes,
        driver=driver,
        branch=branch,
        manager=_manager(given, env),
        runtime=runtime,
        runtime_text=runtime_text,
        version=version,
        release=release,
        is_newer=is_newer,
        install=install,
        image=image,
        cuda=cuda,
        cuda_is_given=cuda_is_given,
        month=ngc_month(given, image),
        arch=read_arch(given, gpu, machine),
        glibc=parse_version(given.glibc) if given.glibc is not None else glibc,
        env=env,
        flags=flags,
        model=model,
        model_name=str(given.model or ""),
        quantization=read_quantization(given, model),
        dtype=read_dtype(given.dtype),
        mig=_mig(given.mig),
    )


def _node_image(given: Combination) -> str:
    """System and image, the system with its words apart as well: ``oracle-linux-9 oracle linux 9``."""
    system = plain(given.os)
    apart = re.sub("[-_]+", " ", system)
    return " ".join(dict.fromkeys(part for part in (system, apart, plain(given.ami)) if part))


def _memory(given: float | None, catalog: int | None) -> float | None:
    """What the driver reports: people write the nominal size, which may be more."""
    if given and catalog and catalog < given < catalog * _NOMINAL:
        return catalog
    return given or catalog


def _dotted(facts: Facts) -> str:
    if facts.driver:
        return driver_text(facts.driver)
    return f"{facts.branch}.x" if facts.branch else ""


def _driver(given: Combination, kubernetes: Version) -> tuple[Version, int | None]:
    driver, branch = read_driver(given.driver) if given.driver is not None else ((), None)
    if branch is None and given.driver_branch is not None:
        driver, branch = read_driver(given.driver_branch)
    if branch is not None:
        return driver, branch
    derived = read_image_driver(given, kubernetes)
    if not derived and read_manager(given.driver_managed_by) == "operator":
        release = find_operator(given.gpu_operator) if given.gpu_operator else None
        derived = release.default_driver if release else ""
    return read_driver(derived) if derived else ((), None)


def pool_driver(env: Mapping[str, str]) -> str:
    """The variable by which a GKE node pool speaks of its driver; empty: none."""
    return next((key for key in env if key.endswith(_POOL_DRIVER)), "")


def _manager(given: Combination, env: Mapping[str, str]) -> str:
    """Who installs the driver; what a GKE node pool says of it (``gpu-driver-version``) comes first."""
    pool = env.get(pool_driver(env), "").lower()
    stated = read_manager(given.driver_managed_by)
    if "disabled" in pool:
        return stated if _INSTALLED_BY_HAND.search(plain(given.driver_managed_by)) else "none"
    return "cloud" if pool else stated


def _mig(value: object) -> str:
    text = plain(value)
    if text in ("", "false", "none", "off", "disabled", "no", "0"):
        return ""
    return text
