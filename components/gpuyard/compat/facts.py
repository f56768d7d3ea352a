"""A combination read: every field as a version, a name or a row of the catalog, and what follows from them.

Empty tuples, empty texts and None are unknown. Nothing here judges.
"""

import re
from collections.abc import Mapping

from gpuyard.catalog.hardware import Gpu, MachineType
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.software import OtherGpu, Version
from gpuyard.catalog.software_runtimes import RuntimeRelease, release_text
from gpuyard.compat.build import is_other_build
from gpuyard.compat.combination import Combination
from gpuyard.compat.machine import is_professional
from gpuyard.compat.spelling import cuda_of, dotted, driver_text, plain
from gpuyard.records import record

_OF_ENGINES = (
    *("runtime_version", "install", "dtype", "quantization", "kv_cache_dtype", "tensor_parallel"),
    *("pipeline_parallel", "attention_heads", "max_model_len", "max_num_batched_tokens", "max_num_seqs"),
    "gpu_memory_utilization",
)
"""Fields that only an engine has."""
_TGI_OLDER_CODE = re.compile(
    r"(?<![a-z])(?:flan-)?(?:code|m|by|long-)?(?:t5|ul2)(?![a-z0-9])|bloom|mt0-|(?<![a-z])mpt-\d|(?:^|/)opt-\d|"
    r"galactica|gpt-neox|pythia|dolly-v[12]"
)
"""Models that text-generation-inference computes, sharded too, by code without FlashAttention on GPUs that
lack it (`get_model` of its releases 0.9.0 to 3.3.6; its #398: V100 falls back; #866: FLAN-UL2 on 4 V100)."""
_WINDOWS = re.compile(r"windows|wsl")
_CAPABILITY = re.compile(r"\s*\(\d+\.\d\)$")
"""A compute capability that is written behind a card's name."""


@record
class Facts:
    """What a combination says, decided as far as it can be."""

    given: Combination
    gpu: Gpu | None
    other_gpu: OtherGpu | None
    """A card that the catalog knows only in outline."""
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
        """The driver for people; one that is stated as it was written."""
        if self.driver:
            return ".".join(str(self.given.driver).split()) if self.given.driver else driver_text(self.driver)
        return f"{self.branch}.x" if self.branch else ""

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
        homes = (self.env[name] for name in ("CUDA_HOME", "CUDA_PATH", "CUDACXX") if name in self.env)
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
    def stages(self) -> int:
        """Pipeline stages, one where nobody says."""
        return int(self.given.pipeline_parallel or 1)

    @property
    def is_on_windows(self) -> bool:
        """Whether platform or system is Windows, or Linux inside it."""
        return _WINDOWS.search(f"{self.platform} {self.node_image}") is not None

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
    def is_from_conda(self) -> bool:
        """Whether the packages are conda's, which builds its own."""
        return "conda" in plain(self.given.install)

    @property
    def has_older_code(self) -> bool:
        """Whether text-generation-inference needs no FlashAttention for the model, sharded or whole."""
        return self.runtime == "tgi" and _TGI_OLDER_CODE.search(self.model_name.lower()) is not None

    @property
    def is_undated(self) -> bool:
        """Whether nothing says which release it is, so that it may as well be the newest."""
        return not self.given.runtime_version and not is_other_build(self.image)

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
