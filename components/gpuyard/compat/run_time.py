"""Whether an engine compiles kernels while it serves, with whatever CUDA toolkit the host has."""

from gpuyard.compat.facts import Facts

JIT_LIBRARIES = ("flashinfer", "deepgemm", "deep_gemm")
FLASHINFER_SAMPLER = (0, 13, 0, 0)
"""vLLM that compiles its sampler at run time (vllm-project/vllm#49497, meta-pytorch/torchforge#748)."""
SGLANG_JIT = (0, 4, 3, 0)
"""First SGLang on the FlashInfer that compiles (flashinfer_python); before, its wheels were built."""


def names_jit_library(facts: Facts) -> bool:
    """Whether the combination itself names a library that compiles at run time."""
    words = f"{facts.runtime_text} {' '.join(facts.env.values())}".lower()
    return any(word in words for word in JIT_LIBRARIES)


def needs_host_toolkit(facts: Facts) -> bool:
    """Whether the host's toolkit is used for sure: an image brings its own, older engines need none.

    Reports list whatever `nvcc` the host has, often one of the distribution (11.5 on Ubuntu 22.04) beside
    wheels that never call it.
    """
    if names_jit_library(facts):
        return True
    if facts.install == "docker" or not facts.names_engine:
        return False
    since = {"vllm": FLASHINFER_SAMPLER, "sglang": SGLANG_JIT}.get(facts.runtime, ())
    return not facts.version or facts.version >= since
