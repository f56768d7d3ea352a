"""The answer of `planning.fit`: one model on one kind of GPU, with where the memory goes."""

from gpuyard.records import record


@record
class Fit:
    """One model on one kind of GPU."""

    model: str
    gpu: str
    fits: bool
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int = 1
    """Copies of attention that share one set of experts."""
    expert_parallel: bool = False
    """Whole experts per GPU instead of a slice of each."""
    nodes: int = 1
    quantization: str
    context_tokens: int
    concurrency: int
    weights_bytes_per_gpu: int
    working_bytes_per_gpu: int
    """Peak of a step, libraries and graphs."""
    kv_bytes_available: int
    """Per GPU, for the cache; negative: weights and activations alone are too much."""
    kv_tokens: int
    """Tokens of cache in the whole replica."""
    max_context: int
    """Longest single sequence."""
    max_concurrency: int
    """Sequences of ``context_tokens`` at once, at most what the runtime is told to run."""
    memory_share: float
    """Of each GPU that the runtime takes; TensorRT-LLM, LMDeploy: of what is free."""
    flags: tuple[str, ...]
    """For the runtime."""
    notes: tuple[str, ...] = ()
    """What the flags cannot say: checkpoints to choose, nodes to join."""
    reason: str
    """Where the memory goes; when it does not fit, what is missing and the smallest change that helps."""

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel
