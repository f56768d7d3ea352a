"""Latent attention against GPU: dense as in DeepSeek-V3, sparse as in DeepSeek-V3.2 and later."""

from collections.abc import Iterator

from gpuyard.catalog.software import Version
from gpuyard.compat.attention_backends import drop_backend
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, AMPERE, BLACKWELL, HOPPER
from gpuyard.compat.problem import Fix, Problem, set_gpu, set_release, with_env
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

SPARSE_ATTENTION = ("deepseek-v3.2", "deepseek-v4", "glm-5")
"""Models that need sparse latent attention, which FlashMLA has for Hopper and data-centre Blackwell."""
LATENT_ATTENTION = (
    "moonlight",
    "deepseek-v2",
    "deepseek-coder-v2",
    "deepseek-v3-",
    "deepseek-r1-0528",
    "glm-4.7-flash",
)
"""Models with multi-head latent attention that the catalog may lack."""
LATENT_FP8_CHECKPOINT: Sourced[Version] = Sourced(
    ((0, 14, 0, 0), (0, 17, 0, 0)), "vllm-project/vllm PR#34597"
)
"""vLLM that takes the cache's format from the checkpoint, and the one whose Triton backend reads it."""
MLA_SINCE = Sourced((0, 7, 1, 0), "vllm-project/vllm#14016")
"""First vLLM that runs them with it."""
LATENT_FP8_NOWHERE: Sourced[Version] = Sourced(
    ((0, 8, 0, 0), (0, 10, 2, 0)), "vllm-project/vllm#18888; vLLM's backends of 0.8.0 to 0.10.2"
)
"""vLLM whose backends of latent attention all refuse an FP8 cache, in both engines, and the first that has
one on Hopper and data-centre Blackwell."""
DENSE = Sourced(("flashinfer", "flash_attn", "xformers", "torch_sdpa"), "vllm-project/vllm#57932")
"""Backends without sparse latent attention."""
DENSE_LATENT = Sourced(
    ("cutlass_mla", "flash_attn_mla", "flashinfer_mla", "triton_mla"), "vllm-project/vllm#30214"
)
"""Backends of latent attention that is not sparse."""
SPARSE_BY_NAME = Sourced(
    (0, 13, 0, 0), "gpustack/gpustack docs/performance-lab/deepseek-v3.2/h200.md (2025-12-26)"
)
"""vLLM that refuses plain FlashMLA too rather than choose its sparse kind."""
SPARSE_ON_SM12 = (Sourced((0, 24, 0, 0), "vllm-project/vllm PR#43477, #40802"), "deepseek-v4")
"""First vLLM with such kernels for SM 12.x, and the model that they were made for; others differ by shape."""
SPARSE_SGLANG_READ = Sourced((0, 5, 13, 0), "sgl-project/sglang#26087 (0.5.12)")
"""SGLang before refuses them on SM 12.x with every backend."""
SPARSE_SGLANG_V4 = Sourced((0, 5, 13, 0), "sgl-project/sglang#23657 and #25877")
"""SGLang before has DeepSeek-V4's kernels for data-centre GPUs only (its wheels read)."""
V4_BLOCKS = "1CatAI/1Cat-vLLM#82; kvcache-ai/ktransformers#1978"
SPARSE_REGRESSION = ("sglang", Sourced((0, 5, 15, 1), "sgl-project/sglang#31578"))
"""Its default for DeepSeek-V4 became FlashMLA's sparse prefill on every GPU."""


def latent_problems(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """Every rule on latent attention."""
    if any(word in name for word in SPARSE_ATTENTION):
        yield from _sparse(facts, name, backend)
    elif _is_latent(facts, name):
        yield from _prefill(facts)
        yield from _latent_cache(facts, name)


def _prefill(facts: Facts) -> Iterator[Problem]:
    """FlashAttention 2, with which vLLM prefills."""
    since = facts.version >= MLA_SINCE or not facts.version
    if facts.runtime != "vllm" or facts.sm >= AMPERE or not since or _is_off(facts):
        return
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "model",
        f"latent attention prefills with FlashAttention 2, which {facts.card} lacks",
        (
            Fix("set VLLM_MLA_DISABLE=1", with_env(facts, "VLLM_MLA_DISABLE", "1")),
            set_gpu(facts, "l4"),
            set_gpu(facts, "a100-80gb-sxm"),
            set_gpu(facts, "h100-sxm"),
            set_gpu(facts, "h200"),
        ),
        source=MLA_SINCE.source,
    )


def _is_off(facts: Facts) -> bool:
    """Whether vLLM is told to do without latent attention."""
    return facts.env.get("VLLM_MLA_DISABLE", "").lower() in ("1", "true")


def _latent_cache(facts: Facts, name: str) -> Iterator[Problem]:
    """Latent attention with an FP8 cache where no backend takes it; most GPUs have Triton's only."""
    if facts.runtime != "vllm" or facts.sm < AMPERE or _is_off(facts):
        return
    since, before = LATENT_FP8_CHECKPOINT
    first, source = MLA_SINCE, LATENT_FP8_CHECKPOINT.source
    if facts.sm[0] in (HOPPER[0], BLACKWELL[0]):
        (first, before), source = LATENT_FP8_NOWHERE, LATENT_FP8_NOWHERE.source
    cache = plain(facts.given.kv_cache_dtype)
    # from then on the cache of a checkpoint's own format is the default (vllm-project/vllm#32732)
    own = "nvidia/" in name and facts.version >= since and cache in ("", "auto")
    if not (cache.startswith("fp8") or own) or not first <= facts.version < before:
        return
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "kv_cache_dtype",
        f"latent attention with an FP8 cache has no backend on {facts.card} before vLLM {dotted(before[:3])}",
        (
            Fix("use kv_cache_dtype bfloat16", {"kv_cache_dtype": "bfloat16"}),
            set_release(facts, "0.19.1"),
            set_gpu(facts, "h200"),
            set_gpu(facts, "b200"),
        ),
        source=source,
    )


def _says_sparse(facts: Facts, is_v4: bool, backend: str) -> str:
    """Who says that the engine lacks sparse latent attention on SM 12.x."""
    if facts.runtime != "sglang":
        return DENSE.source if backend in DENSE else SPARSE_ON_SM12[0].source
    if (facts.runtime, facts.version) == SPARSE_REGRESSION:
        return SPARSE_REGRESSION[1].source
    return SPARSE_SGLANG_V4.source if is_v4 else SPARSE_SGLANG_READ.source


def _is_other_image(facts: Facts) -> bool:
    """An image of somebody else, who may have patched the kernels in."""
    return bool(facts.image) and not facts.image.startswith(("vllm/", "docker.io/vllm/"))


def _is_latent(facts: Facts, name: str) -> bool:
    """By the catalog, else by name."""
    return facts.model.mla is not None if facts.model else any(word in name for word in LATENT_ATTENTION)


def _sparse(facts: Facts, name: str, backend: str) -> Iterator[Problem]:
    """Sparse latent attention; on SM 12.x, other engines, other images and newer releases have kernels."""
    is_small_blackwell = facts.sm[0] in (11, 12)
    if facts.sm >= HOPPER and not is_small_blackwell:
        dense = backend in DENSE_LATENT or (backend == "flashmla" and facts.version >= SPARSE_BY_NAME)
        if facts.runtime == "vllm" and dense:
            yield Problem(
                "ATTN_BACKEND_MISSING",
                "env",
                f"{backend} has no sparse attention, which {facts.model_name} needs",
                (drop_backend(facts),),
                source=SPARSE_BY_NAME.source if backend == "flashmla" else DENSE_LATENT.source,
            )
        return
    since, model = SPARSE_ON_SM12
    unsure = (
        is_small_blackwell
        and backend not in DENSE
        and (facts.runtime, facts.version) != SPARSE_REGRESSION
        and not (facts.runtime == "sglang" and () < facts.version < SPARSE_SGLANG_V4)
        and (
            facts.runtime not in ("vllm", "sglang", "")
            or (model in name and (facts.runtime != "vllm" or not facts.version or _is_other_image(facts)))
            or facts.is_newer
            or facts.version >= (since if facts.runtime != "sglang" else SPARSE_SGLANG_READ)
        )
    )
    yield Problem(
        "ATTN_BACKEND_MISSING",
        "model",
        f"{facts.model_name} needs kernels for sparse latent attention, which exist for Hopper and "
        f"data-centre Blackwell; {facts.who} has {dotted(facts.sm)}",
        (set_gpu(facts, "h200"), set_gpu(facts, "b200"), set_gpu(facts, "b300")),
        Severity.WARNING if unsure else Severity.ERROR,
        source=_says_sparse(facts, model in name, backend) if is_small_blackwell else "",
    )
    if facts.sm < ADA and model in name and facts.runtime in ("vllm", "sglang"):
        yield Problem(
            "QUANT_MIN_SM",
            "model",
            f"{facts.model_name} stores FP8 in blocks, whose kernels start with compute capability 8.9",
            (set_gpu(facts, "h200"), set_gpu(facts, "b200"), set_gpu(facts, "b300")),
            source=V4_BLOCKS,
        )
