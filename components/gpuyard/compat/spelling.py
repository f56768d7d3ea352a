"""Free-form values in any spelling people use: drivers, CUDA, systems, engines, environments."""

import re
from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.software import Version, driver_branches, native_driver, parse_version

RUNTIME_NAMES = (
    ("vllm", ("vllm",)),
    ("sglang", ("sglang",)),
    ("lorax", ("lorax",)),
    ("tgi", ("tgi", "text-generation-inference", "text-generation-launcher")),
    ("tei", ("text-embeddings-inference", "text-embedding-inference", "text-embeddings-router")),
    ("triton", ("tensorrtserver",)),
    ("tensorrt-llm", ("tensorrt-llm", "tensorrt_llm", "tensorrt llm", "tensorrtllm", "trt-llm", "trtllm")),
    ("tensorrt", ("tensorrt",)),
    ("lmdeploy", ("lmdeploy",)),
    ("aphrodite", ("aphrodite",)),
    ("ktransformers", ("ktransformers",)),
    ("ollama", ("ollama",)),
    ("docker-model-runner", ("docker-model-runner", "docker/model-runner", "docker model runner")),
    ("llama.cpp", ("llama.cpp", "llama-cpp", "llamacpp", "llama_cpp")),
    ("exllamav3", ("exllamav3", "exllama-v3", "exl3")),
    ("ai-dynamo", ("dynamo",)),
    (
        "transformer-engine",
        ("transformer-engine", "transformer_engine", "transformer engine", "transformerengine"),
    ),
    ("transformers", ("transformers",)),
    ("koboldcpp", ("koboldcpp", "kobold.cpp")),
    ("xformers", ("xformers",)),
    ("torch", ("torch",)),
    ("triton", ("tritonserver", "triton-inference-server", "triton inference", "triton (", "nvidia-triton")),
)
"""Engine by what its names contain; the engine inside another product (``dynamo+vllm``) comes first."""

EKS_IMAGE = "EKS GPU image"
"""AWS's image with a driver, where nobody says of which system."""
OS_NAMES: tuple[tuple[str, str, Version], ...] = (
    (r"bottlerocket|\bauto ?mode", "Bottlerocket", ()),
    (r"autopilot", "GKE Autopilot", ()),
    (r"\bcos\b|container[- ]optimi[sz]ed|cos_containerd|\bcos\d", "GKE COS", ()),
    (r"al2023|amazon ?linux ?2023|amazonlinux2023|amzn ?2023", "Amazon Linux 2023", (2, 34)),
    (r"\bal2\b|al2_|amazon ?linux ?2|amzn2|amazon-eks-(gpu-|arm64-)?node-1\.", "Amazon Linux 2", (2, 26)),
    (r"ubuntu[ _-]*\d+\.(?!04(?!\d))\d+|ubuntu[ _-]*(19|21|23|25)\b", "Ubuntu interim", ()),
    (r"ubuntu[ _-]*20|\bfocal", "Ubuntu 20.04", (2, 31)),
    (r"ubuntu[ _-]*18|\bbionic", "Ubuntu 18.04", (2, 27)),
    (r"ubuntu[ _-]*22|\bjammy", "Ubuntu 22.04", (2, 35)),
    (r"ubuntu[ _-]*16|\bxenial", "Ubuntu 16.04", (2, 23)),
    (r"ubuntu[ _-]*24|\bnoble", "Ubuntu 24.04", (2, 39)),
    (r"ubuntu[ _-]*26", "Ubuntu 26.04", ()),
    (r"ubuntu", "Ubuntu", ()),
    (r"debian[ _-]*10|\bbuster", "Debian", (2, 28)),
    (r"debian[ _-]*13|\btrixie", "Debian", (2, 41)),
    (r"debian[ _-]*11|\bbullseye", "Debian 11", (2, 31)),
    (r"debian[ _-]*12|\bbookworm", "Debian 12", (2, 36)),
    (r"debian", "Debian", ()),
    (
        r"(rhel|red ?hat[a-z ]*|alma ?linux|rocky[a-z ]*|oracle[a-z ]*|centos[a-z ]*|el)[ _-]*7",
        "RHEL 7",
        (2, 17),
    ),
    (
        r"(rhel|ubi|red ?hat[a-z ]*|alma ?linux|rocky[a-z ]*|oracle[a-z ]*|centos[a-z ]*|el)[ _-]*8",
        "RHEL 8",
        (2, 28),
    ),
    (
        r"(rhel|ubi|red ?hat[a-z ]*|alma ?linux|rocky[a-z ]*|oracle[a-z ]*|centos[a-z ]*|el)[ _-]*9",
        "RHEL 9",
        (2, 34),
    ),
    (r"(rhel|red ?hat[a-z ]*|alma ?linux|rocky[a-z ]*|oracle[a-z ]*)[ _-]*10", "RHEL 10", (2, 39)),
    (r"fedora", "Fedora", ()),
    (r"\bscos|\bokd\b|centos stream coreos", "SCOS", ()),
    (r"rhcos[ _-]*9", "RHCOS (OpenShift)", (2, 34)),
    (r"rhcos|openshift|coreos|\bocp\b", "RHCOS (OpenShift)", ()),
    (r"talos", "Talos", ()),
    (r"flatcar", "Flatcar", ()),
    (r"arch ?linux", "Arch", ()),
    (r"suse[ _-]*leap[ _-]*15(\.[345])?\b(?!\.)", "openSUSE", (2, 31)),
    (r"opensuse|suse[ _-]*leap|tumbleweed|micro ?os|sle micro", "openSUSE", ()),
    (r"(sles|suse linux)[a-z ]*[ _-]*15([ ._-]*(sp)?[345])?\b(?![. ]*(sp)?\d)", "SLES", (2, 31)),
    (r"\bsles|suse linux enterprise", "SLES", ()),
    (r"nixos", "NixOS", ()),
    (r"\balpine", "Alpine", ()),
    (r"buildroot|minikube", "Buildroot", ()),
    (r"photon", "Photon", ()),
    (r"azure ?linux|mariner", "Azure Linux", ()),
    (
        r"kylin[a-z ]*v?10|open ?euler[ _-]*20|anolis[a-z ]*8|tencent ?os[a-z ]*3",
        "openEuler and kin",
        (2, 28),
    ),
    (r"open ?euler[ _-]*22", "openEuler and kin", (2, 34)),
    (r"(alibaba ?cloud ?linux|alinux)[ _-]*3", "openEuler and kin", (2, 32)),
    (r"(alibaba ?cloud ?linux|alinux|tencent ?os[a-z ]*)[ _-]*2", "openEuler and kin", (2, 17)),
    (r"open ?euler|kylin|anolis|alibaba ?cloud ?linux|alinux|tencent ?os", "openEuler and kin", ()),
    (
        r"proxmox|truenas|unraid|gentoo|slackware|linux mint|pop!?_os|manjaro|raspbian|k3os|kairos|windows",
        "Other",
        (),
    ),
    (
        r"\beks\b.*\b(gpu|accelerated|nvidia)\b.*\b(ami|image|node)|\beks[ -](gpu|accelerated)\b",
        EKS_IMAGE,
        (),
    ),
    (r"\beks\b.*\b(ami|image)\b.*\b(gpu|accelerated|nvidia)\b", EKS_IMAGE, ()),
)
"""Operating systems by pattern, with the glibc that they carry."""


_DRIVER = re.compile(r"(?<!\d)(\d{3})(?:\.(\d+))?(?:\.(\d+))?")
_BELOW = re.compile(r"<(?!=)|\b(older|lower|less|below|under|before|pre)\b|\bpre-?$")
_CUDA_VERSION = re.compile(r"(?<![\d.])(1[0-3]\.\d)(?!\d)")


_CHART = "gpu-operator."
"""What stands before a value where the GPU Operator is part of another chart."""
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*|[a-z]\w*(\.\w+)+|[a-z]+(_[a-z0-9]+)+|([\w.-]+/)?[a-z]+(-[a-z0-9]+)+")
"""Names of variables; lower-case ones are values of Helm charts with dots, arguments of Python with
underscores, and labels of nodes with hyphens."""
_SET = re.compile(r"^--set(-string|-json)?(=|$)")
_VALUES_APART = re.compile(r",(?=[a-z][\w-]*(?:\.\w+)+=)")
"""Between Helm values that share one ``--set``."""


def dotted(version: Version) -> str:
    """A version for people."""
    return ".".join(str(part) for part in version)


@cache
def engine_of(text: str) -> str:
    """The engine that a runtime or image name means; empty: none known."""
    for engine, words in RUNTIME_NAMES:
        if any(word in text for word in words):
            return engine
    return "tei" if "tei" in re.split(r"\W+", text) else ""


def plain(value: object) -> str:
    """Lower-case text without its margins; empty: nothing given."""
    return "" if value is None else str(value).strip().lower()


def read_sm(value: object) -> Version:
    """Compute capability in any spelling: ``9.0``, ``sm_90``, ``90``; AMD's ``gfx942`` is none."""
    text = plain(value)
    if text.startswith("gfx"):
        return ()
    found = re.search(r"(\d{1,2})\.(\d)", text)
    if found:
        return int(found[1]), int(found[2])
    found = re.search(r"(\d{2,3})", text)
    if found:
        return int(found[1][:-1]), int(found[1][-1])
    found = re.search(r"\d", text)
    return (int(found[0]), 0) if found else ()


def cuda_of(text: str) -> Version:
    """CUDA major and minor in any spelling: ``12.8.1``, ``cu128``, ``CUDA 13``.

    13 alone is 13.0 at the least; 12 and 11 alone say too little.
    """
    numbers = parse_version(text)
    if numbers == (13,):
        return 13, 0
    if len(numbers) == 1 and numbers[0] >= 80:  # CUDA 8.0 is the oldest that is written so
        return numbers[0] // 10, numbers[0] % 10
    return numbers[:2]


INSTALLER = r"daemon ?-?set|(gpu|nvidia|driver)[ -]installer"
"""GKE's own DaemonSet that installs a driver, which stays where the pool's own way is switched off."""
MANAGERS = (
    ("operator", r"^(nvidia )?(gpu[ -]?)?operator\b"),
    ("cloud", rf"^(?!.*\b(no|not|without|missing|never|operator)\b).*({INSTALLER})"),
    ("none", r"^(none|no|nobody|nothing|false|off)$|disabled|not[ _]installed|skip|driver none"),
    ("operator", r"operator|driver[ -]?container|driver\.enabled=true"),
    ("image", r"\bami\b|image|host|pre-?installed|baked|extension|manual|package|\bdkms\b|runfile|\bos\b"),
    ("cloud", r"cloud|gke|google|aks|azure|provider|managed|installer|daemon ?set|default|latest"),
)
"""Who installs the driver, by what people write; the first that fits."""


@cache
def read_manager(value: str | None) -> str:
    """``operator``, ``image``, ``cloud`` or ``none``; other words as they are, empty: unknown."""
    text = plain(value)
    stated = re.sub(r"driver\.enabled=false|operator[^,;]*(disabled|off|false)", "image", text)
    return next((name for name, pattern in MANAGERS if re.search(pattern, stated)), text)


@cache
def read_system(text: str) -> tuple[str, Version]:
    """Operating system and its glibc; words may be joined by ``-`` or ``_``."""
    apart = re.sub("[-_]+", " ", text)
    for pattern, name, glibc in OS_NAMES:
        if re.search(pattern, text) or re.search(pattern, apart):
            return name, glibc
    return "", ()


def driver_text(version: Version) -> str:
    """A driver as NVIDIA writes it: ``580.65.06``."""
    return ".".join(str(part) if index == 0 else f"{part:02d}" for index, part in enumerate(version))


def read_driver(value: object) -> tuple[Version, int | None]:
    """Full version and branch of a driver in any spelling; ``570.x`` and ``570`` are branches.

    ``<580`` is the branch before it, and ``CUDA 12.4`` the branch that came with that CUDA.
    """
    text = re.split(r"->|→| to ", str(value).lower())[-1]
    found = _DRIVER.search(text)
    if found is None:
        return (), _branch_of_cuda(text)
    branch = int(found[1])
    if _BELOW.search(text[: found.start()]):
        return (), max((known for known in driver_branches() if known < branch), default=None)
    if found[2] is None:
        return (), branch
    full = (branch, int(found[2]), int(found[3])) if found[3] else (branch, int(found[2]))
    return (full, branch) if full[1:] != (0,) else ((), branch)


def _branch_of_cuda(text: str) -> int | None:
    found = _CUDA_VERSION.search(text)
    native = native_driver(parse_version(found[1])) if found else ()
    return native[0] if native else None


def read_env(value: object) -> tuple[Mapping[str, str], tuple[tuple[str, str], ...]]:
    """Environment variables and command-line flags (with their values) of a mapping, a list or one line.

    Helm values count as variables, nested or with dots, with ``--set`` or without.
    """
    if not value:
        return {}, ()
    env: dict[str, str] = {}
    words: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            if str(key).startswith("-"):
                words += [str(key), *([] if item in (None, True) else [str(item)])]
                continue
            if isinstance(item, list | tuple | Mapping):
                inner, inner_flags = read_env(item)
                below = f"{key}." if isinstance(item, Mapping) else ""
                env |= {
                    name if name.isupper() else f"{below}{name}".removeprefix(_CHART): text
                    for name, text in inner.items()
                }
                words += [word for flag in inner_flags for word in flag]
                continue
            env[str(key).removeprefix(_CHART)] = "" if item is None else str(item)
            words += str(item).split() if "--" in str(item) else []
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, Mapping):
                name = item.get("name")
                pairs = {str(name): item.get("value")} if name else dict(item)
                inner, inner_flags = read_env(pairs)
                env |= inner
                words += [word for flag in inner_flags for word in flag]
            else:
                words += str(item).split()
    else:
        words = str(value).replace(";", " ").replace(", ", " ").split()
    flags: list[tuple[str, str]] = []
    words = [part for word in words for part in _VALUES_APART.split(_SET.sub("", word)) if part]
    for index, word in enumerate(words):
        if re.match(r"-{1,2}[a-zA-Z]", word):
            name, _, inline = word.partition("=")
            follows = words[index + 1] if index + 1 < len(words) else ""
            flags.append((name, inline or ("" if follows.startswith("-") else follows)))
        else:
            name, sign, text = word.removeprefix(_CHART).partition("=")
            if sign and _VARIABLE.fullmatch(name):
                env[name] = text.strip("\"'")
    return env, tuple(flags)
