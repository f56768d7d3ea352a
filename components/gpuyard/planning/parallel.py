"""Ways of cutting a replica over GPUs, and which of them a model allows.

Tensor parallel stays inside a node, pipeline stages go across nodes: one all-reduce per layer wants NVLink,
one hand-over per stage does not. Sources: facts on models and memory of 2026-11-23 (§6).
"""

from dataclasses import dataclass

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import SCHEMES


@dataclass(frozen=True, slots=True)
class Split:
    """How one replica is cut over GPUs."""

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    """Copies of attention, each with its own cache and requests, that share one set of experts."""
    experts: bool = False
    """Whole experts per GPU (expert parallel) instead of a slice of each."""

    @property
    def gpus(self) -> int:
        """GPUs of the replica."""
        return self.tensor * self.pipeline * self.data

    @property
    def ranks(self) -> int:
        """GPUs that share the experts of one pipeline stage."""
        return self.tensor * self.data


def tensor_parallel_problem(model: ModelShape, tensor: int, quantization: str) -> str:
    """Why ``tensor`` ranks cannot share the model; empty: they can."""
    if tensor == 1:
        return ""
    problem = _head_problem(model, tensor)
    if problem:
        return problem
    width = model.moe.expert_ffn if model.moe and model.moe.expert_ffn else model.ffn
    return _block_problem(model, width, tensor, quantization)


def choose_split(
    model: ModelShape,
    gpus: int,
    nodes: int,
    quantization: str,
    data: int = 1,
    *,
    whole_experts: bool = False,
) -> tuple[Split | None, str]:
    """The widest tensor parallel that the model allows on ``gpus`` GPUs of each of ``nodes`` nodes.

    What tensor parallel cannot cut becomes pipeline stages; copies of attention that one node cannot hold go
    across nodes. Experts stay whole where that is asked, where several copies of attention share them, and
    where their slices would break quantization blocks. Without a way, None and the reason.
    """
    if min(gpus, nodes, data) < 1:
        return None, f"{gpus} GPUs on {nodes} nodes in {data} copies are none"
    across = spans_nodes(gpus, nodes, data)
    if data > 1 and (model.moe is None or (gpus % data and not across)):
        why = (
            "only mixtures of experts share them"
            if model.moe is None
            else f"{gpus} GPUs are not {data} groups; ask for a number that divides them"
        )
        return None, f"no {data} copies of attention: {why}"
    if whole_experts and model.moe is None:
        return None, "no experts to keep whole: only mixtures have them"
    reason = ""
    each, stages = (gpus * nodes // data, 1) if across else (gpus // data, nodes)
    for tensor in (size for size in range(each, 0, -1) if each % size == 0):
        split = Split(tensor, each // tensor * stages, data, experts=data > 1 or whole_experts)
        problem = _head_problem(model, tensor) or _stage_problem(model, split.pipeline)
        if split.experts:
            problem = problem or _dense_block_problem(model, tensor, quantization)
        elif not problem:
            whole = tensor > 1 and bool(tensor_parallel_problem(model, tensor, quantization))
            if whole and model.moe and not _dense_block_problem(model, tensor, quantization):
                split = Split(tensor, split.pipeline, data, experts=True)
            elif whole:
                problem = tensor_parallel_problem(model, tensor, quantization)
        if not problem:
            return split, ""
        reason = reason or problem
    return None, reason


def spans_nodes(gpus: int, nodes: int, data: int) -> bool:
    """Whether copies of attention go across ``nodes`` nodes of ``gpus`` GPUs, each inside one of them."""
    all_gpus = gpus * nodes
    return nodes > 1 and gpus % data > 0 and all_gpus % data == 0 and gpus % (all_gpus // data) == 0


def _head_problem(model: ModelShape, tensor: int) -> str:
    if model.heads and model.heads % tensor:
        return f"{model.heads} attention heads do not divide by {tensor}"
    if not model.mla and model.kv_heads and model.kv_heads % tensor and tensor % model.kv_heads:
        return f"{model.kv_heads} KV heads neither divide nor are divided by {tensor}"
    return ""


def _stage_problem(model: ModelShape, pipeline: int) -> str:
    if pipeline > 1 and model.layers and pipeline > model.layers:
        return f"{model.layers} layers are fewer than {pipeline} pipeline stages"
    return ""


def _dense_block_problem(model: ModelShape, tensor: int, quantization: str) -> str:
    shared = model.moe.shared_ffn if model.moe else 0
    dense = model.moe is not None and model.moe.layers is not None
    return _block_problem(model, shared, tensor, quantization) or (
        _block_problem(model, model.ffn, tensor, quantization) if dense else ""
    )


def _block_problem(model: ModelShape, width: int, tensor: int, quantization: str) -> str:
    if model.quantization != quantization or quantization not in SCHEMES:
        return ""  # quantised while loading: per tensor or per channel, no blocks
    block = SCHEMES[quantization].block
    if block > 1 and width and (width % tensor or (width // tensor) % block):
        return f"a {quantization} shard of {width}/{tensor} is not a multiple of {block}"
    return ""
