"""Free-form values in any spelling people use: versions, drivers, CUDA, engines, who manages a driver."""

import re
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
    ("llama-box", ("llama-box", "llama_box", "llamabox")),
    ("whisper.cpp", ("whisper.cpp", "whisper-cpp", "whispercpp")),
    ("ctranslate2", ("ctranslate2", "faster-whisper", "faster_whisper", "fasterwhisper")),
    ("onnxruntime", ("onnxruntime", "onnx-runtime", "onnx runtime")),
    ("mistral.rs", ("mistral.rs", "mistralrs", "mistral-rs")),
    ("candle", ("candle",)),
    ("numba-cuda", ("numba-cuda", "numba_cuda")),
    ("stable-diffusion.cpp", ("stable-diffusion.cpp", "stable-diffusion-cpp")),
    ("flashmla", ("flashmla", "flash-mla", "flash_mla")),
    ("deepgemm", ("deepgemm", "deep-gemm", "deep_gemm")),
    ("nunchaku", ("nunchaku",)),
    ("sageattention", ("sageattention", "sage-attention", "sage_attention")),
    ("torch", ("torch",)),
    ("triton", ("tritonserver", "triton-inference-server", "triton inference", "triton (", "nvidia-triton")),
)
"""Engine by what its names contain; the engine inside another product (``dynamo+vllm``) comes first."""


_DRIVER = re.compile(r"(?<!\d)(\d{3})(?:\.(\d+))?(?:\.(\d+))?")
_BELOW = re.compile(r"<(?!=)|\b(older|lower|less|below|under|before|pre)\b|\bpre-?$")
_CUDA_VERSION = re.compile(r"(?<![\d.])(1[0-3]\.\d)(?!\d)")


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
