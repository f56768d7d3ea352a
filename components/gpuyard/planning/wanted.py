"""What is asked of a replica: GPUs, engine, requests and how weights and cache are stored."""

from gpuyard.planning.extras import NONE, Extras
from gpuyard.records import record


@record
class Wanted:
    """The question that `fit.fit_model` answers; None: what the runtime, the checkpoint or we choose."""

    gpus: int
    """Of each node."""
    nodes: int = 1
    runtime: str = "vllm"
    runtime_version: str | None = None
    """None: the newest release that is known."""
    context_tokens: int | None = None
    concurrency: int | None = None
    quantization: str | None = None
    kv_cache_dtype: str | None = None
    data_parallel: int = 1
    expert_parallel: bool = False
    text_only: bool = False
    """Leave out the encoder of a model that sees."""
    extras: Extras = NONE
