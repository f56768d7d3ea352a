"""Whether the shards of a quantised model are whole blocks, groups or tiles.

Engines cut feed-forward and expert widths by tensor parallelism; with expert parallelism experts stay whole,
what all tokens pass (shared experts, dense layers) is cut all the same (vllm-project/vllm#42384,
sgl-project/sglang#26107).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.quantizations import SCHEMES
from gpuyard.catalog.software import Version
from gpuyard.compat.checkpoint import FP4, has_fp8_blocks
from gpuyard.compat.codes import CODES
from gpuyard.compat.expert_blocks import REFINED, SHARED_WHOLE, for_triton_alone, is_padded, refined_since
from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import ADA, AMPERE
from gpuyard.compat.kernel_tiles import tile_problems
from gpuyard.compat.problem import Fix, Problem, set_field, set_gpu, set_release, with_env
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, plain
from gpuyard.compat.split import dense_ranks, has_whole_experts, may_share_attention, read_split, shared_ranks
from gpuyard.compat.split_fixes import size_fixes
from gpuyard.errors import Severity
from gpuyard.records import record

FP8_BLOCK = SCHEMES["fp8"].block
FP4_GROUP = 16
GROUP, SMALL_GROUP = 128, 32
"""Of AWQ and GPTQ checkpoints: nearly always, and where the model's own width is no multiple of that (experts
of 704 on two GPUs: noonghunna/club-3090 models/gemma-4-26b-a4b, 2026-07-01)."""
FP8_BLOCKS = "FP8 block"
GROUPS = "quantization group"
_ALWAYS: Version = (1000,)
GROUPS_UNTIL: Mapping[str, Sourced[int]] = {
    "tensorrt-llm": Sourced((1, 0, 0, 0), "NVIDIA/TensorRT-LLM#648"),
    "lmdeploy": Sourced((0, 6, 0, 0), "InternLM/lmdeploy#1532, #1646; its tags up to 0.6.0"),
    "tgi": Sourced(_ALWAYS, "huggingface/text-generation-inference#1441; its tags 1.1.0 to 3.3.7"),
}
"""Engines that want whole groups of AWQ and GPTQ, and the release from which they are not known to:
TensorRT-LLM no longer builds engines, TurboMind pads feed-forwards."""
LEAST_GROUP = 32
HALVED_GROUPS: Mapping[tuple[str, str], Version] = {
    ("vllm", "gptq_marlin"): (0, 9, 0, 0),
    ("vllm", "awq_marlin"): (0, 9, 0, 0),
    ("vllm", "gptq"): (0, 10, 0, 0),
    ("vllm", "awq"): (0, 10, 0, 0),
    ("sglang", "awq_marlin"): (0, 5, 0, 0),
    ("sglang", "awq"): (0, 5, 0, 0),
    ("vllm", "moe_wna16"): (),
    ("sglang", "moe_wna16"): (),
}
"""Engine, quantization, and release from which experts that Marlin does not take run in kernels (MoeWNA16)
that halve the group until shards are whole multiples, down to `LEAST_GROUP` (moe_wna16.py, gptq_marlin.py,
awq_marlin.py of vLLM, awq.py of SGLang, 2025 and 2026); plain GPTQ failed in vLLM 0.9.1 (its #17604)."""
ACT_ORDER_SPARES = ("tgi", "gptq")
"""Where scales are not cut if the checkpoint orders its columns, which its name does not say."""
_NAMED_GROUP = re.compile(r"(?:\bg|w4g|w8g|gs|group[-_]?(?:size)?[-_]?)(32|64)\b|\b(32|64)g\b")
"""A group size that the checkpoint's name says."""
ONLINE_BLOCKS = ("per_block", Sourced((0, 24, 0, 0), "vllm-project/vllm#44763"))
"""Quantization on load that counts in blocks, and the first vLLM that pads them."""
TILE = 64
"""Columns that the Marlin kernels take at once."""
TILES_PADDED: Mapping[str, Version] = {"vllm": (0, 13), "sglang": (0, 5, 6)}
"""Releases from which nothing is known of it; before, shards are not padded."""
TILES_SAYS = "zai-org/GLM-4.5#23, #94"
WEIGHT_ONLY = ("awq", "gptq", "awq_marlin", "gptq_marlin", "w4a16", "w8a16")
"""Quantizations whose kernels take rows in groups or tiles of 128."""
WEIGHT_ONLY_SAYS = "vllm-project/llm-compressor#54"
MARLIN_ROWS = 128
MARLIN_WHOLE: Mapping[str, tuple[Version, Version]] = {
    "awq": ((0, 5, 3, 0), (0, 7, 3, 0)),
    "gptq": ((0, 4, 2, 0), (0, 6, 4, 0)),
}
"""vLLM from which Marlin's kernels take these weights by themselves on Ampere and newer, and the first that
turns to other kernels where rows are no multiple of theirs."""
MARLIN_SAYS = "vllm-project/vllm#9913; marlin_utils.py, awq_marlin.py and gptq_marlin.py of 0.4.2 to 0.8.5"
SMALL_GATES = Sourced((0, 5, 9, 0), "sgl-project/sglang#19045, PR#18926 (2026-02-17)")
"""First SGLang that leaves the gates of linear attention as the checkpoint has them: one row per head, fewer
than a block."""
SMALL_GATES_SEEN: Version = (0, 5, 8, 1)
"""SGLang that was seen to; a cookbook of 0.5.8 lists the models all the same."""
SMALL_GATED = "qwen3.5"
_FP4_EXPERTS = re.compile(r"deepseek-v4(?!.*(?:base|fp8))")
"""Checkpoints whose experts are in FP4 though they count as FP8: SGLang runs them on 16 GPUs, not vLLM."""
FP4_EXPERTS_SAYS = "sgl-project/sglang#23931; vllm-project/recipes#567"


@record
class Padded:
    """Checkpoints whose feed-forward their publisher widened, so that it splits."""

    name: re.Pattern[str]
    """From a folder too; quantised checkpoints of others were made of the model as it was."""
    width: int
    to: int
    since: Mapping[str, Version] | None = None
    """Releases of engines from after it was widened; None: it came so."""
    early: Mapping[str, Version] = field(default_factory=dict)
    """Engines whose releases before saw it as it was, where it counts as widened otherwise."""


_QWEN = r"^(?:qwen/|[./].*/)?"
PADDED: Sequence[Padded] = (
    Padded(name=re.compile(rf"{_QWEN}qwen(?!.*vl)[\w.-]*(?:awq|gptq|int[48])"), width=29568, to=29696),
    # vllm-project/vllm#21695 and #17344
    Padded(
        name=re.compile(rf"{_QWEN}qwen2\.5-vl-72b-instruct-awq$"),
        width=29568,
        to=29696,
        since={"vllm": (0, 8, 3), "sglang": (0, 4, 5), "tgi": (3, 3)},
    ),
    # before it QwenLM/Qwen3-VL#231 of 2024-09, after it vllm-project/vllm#13640
    Padded(
        name=re.compile(rf"{_QWEN}qwen2-vl-72b-instruct-(?:awq|gptq-int[48])$"),
        width=29568,
        to=29696,
        since={"vllm": (0, 7), "tgi": (3, 1)},
    ),
    # on 2024-03-26 (QwenLM/Qwen3#258; #360 ran it on two and four GPUs); its AWQ and those of Qwen-14B stayed
    Padded(
        name=re.compile(rf"{_QWEN}qwen1\.5-14b-chat-gptq-int4$"),
        width=13696,
        to=14336,
        early={"vllm": (0, 4)},
    ),
)


def block_problems(facts: Facts, size: int) -> Iterator[Problem]:
    """Shards that are no whole multiples of what the quantization needs."""
    model = facts.model
    if model is not None and facts.runtime == "tensorrt-llm" and size > 1:
        whole = has_whole_experts(facts)
        yield from tile_problems(facts, model, _cuts(facts, model, GROUPS, whole_experts=whole), size)
    if model is None or not _is_judged(facts):
        return
    if size <= 1:
        yield from _rows(facts, model)
        return
    yield from _small_gates(facts, size)
    yield from _tiles(facts, model, size)
    yield from _shards(facts, model, size)


def _shards(facts: Facts, model: ModelShape, size: int) -> Iterator[Problem]:
    """The first width that is cut into other than whole blocks, unless the release takes such experts."""
    block, what, source = _block(facts, model)
    whole_experts = has_whole_experts(facts)
    cut = _cuts(facts, model, what, whole_experts=whole_experts)
    width, ranks = next((item for item in cut if not _divides(*item, block)), (0, 1))
    if not block or not width:
        return
    fixes = list(_smaller(facts, model, size, lambda part: all(_divides(it, part, block) for it, _ in cut)))
    shared = _cuts(facts, model, what, whole_experts=True)
    by_experts = model.moe is not None and all(_divides(*item, block) for item in shared)
    if by_experts and facts.runtime == "vllm":
        fixes.insert(0, Fix("add --enable-expert-parallel", with_env(facts, "--enable-expert-parallel", "")))
    blocks = by_experts and what == FP8_BLOCKS
    since = refined_since(facts, model, width, ranks, block) if blocks else ()
    lately = bool(since) and (not facts.version or facts.version >= since)
    if lately and () < facts.sm < ADA and not is_padded(facts):
        yield for_triton_alone(facts, width, ranks)
    elif (lately and facts.version) or (blocks and is_padded(facts)):
        return
    elif since and not lately:
        fixes.append(set_release(facts, dotted(since[:3])))
    unsure = _is_unsure(facts) or (lately and not () < facts.sm < ADA)
    before = (
        f" before {facts.runtime} {dotted(since[:3])}, and no release is stated" if unsure and since else ""
    )
    yield Problem(
        "TP_QUANT_BLOCK",
        "tensor_parallel",
        f"a shard of {width}/{ranks} is not a multiple of the {what} of {block}{before}",
        (*fixes, set_field("tensor_parallel", 1, "use tensor_parallel 1")),
        Severity.WARNING if unsure else Severity.ERROR,
        source=join_sources(
            source or CODES["TP_QUANT_BLOCK"].source, REFINED["vllm"].source if since else "", model.source
        ),
        as_of=model.as_of,
    )


def _is_unsure(facts: Facts) -> bool:
    """Whether the shards may be others, or whole after all."""
    spared = (facts.runtime, facts.quantization) == ACT_ORDER_SPARES
    return spared or may_share_attention(facts) or not facts.names_engine


def _is_judged(facts: Facts) -> bool:
    """Whether it is known how the engine cuts what is quantised."""
    until = GROUPS_UNTIL.get(facts.runtime, ())
    cuts = facts.version < until if facts.version else until == _ALWAYS
    return facts.runtime in ("vllm", "sglang", "") or (cuts and facts.quantization in ("gptq", "awq"))


def _small_gates(facts: Facts, size: int) -> Iterator[Problem]:
    """Gates of linear attention, quantised though they are smaller than a block."""
    early = facts.runtime == "sglang" and () < facts.version < SMALL_GATES
    name = facts.model_name.lower()
    if early and facts.quantization == "fp8" and SMALL_GATED in name and has_fp8_blocks(name):
        yield Problem(
            "TP_QUANT_BLOCK",
            "tensor_parallel",
            f"{facts.engine} cuts the gates of linear attention by {size}, which are less than an FP8 block",
            (set_release(facts, "0.5.9"), set_field("tensor_parallel", 1, "use tensor_parallel 1")),
            Severity.ERROR if facts.version >= SMALL_GATES_SEEN else Severity.WARNING,
            source=SMALL_GATES.source,
        )


def _rows(facts: Facts, model: ModelShape) -> Iterator[Problem]:
    """A layer that is no multiple of Marlin's rows as it is, whole on one GPU."""
    kind = facts.quantization.removesuffix("_marlin")
    since, before = MARLIN_WHOLE.get(kind, ((), ()))
    asked = plain(facts.given.quantization)
    chosen = asked.endswith("marlin") or (not asked and facts.sm >= AMPERE)
    if facts.runtime != "vllm" or not chosen or not since or not since <= facts.version < before:
        return
    dense = model.ffn if model.moe is None or model.moe.layers is not None else 0
    widths = (dense, model.moe.shared_ffn if model.moe else 0)
    width = next((width for width in widths if width % MARLIN_ROWS), 0)
    if width:
        yield Problem(
            "TP_QUANT_BLOCK",
            "quantization",
            f"a layer of {width} is not a multiple of the {MARLIN_ROWS} rows that Marlin's kernels take",
            (set_field("quantization", kind, f"use quantization {kind}"), set_release(facts, "0.7.3")),
            source=join_sources(MARLIN_SAYS, model.source),
            as_of=model.as_of,
        )


def _tiles(facts: Facts, model: ModelShape, size: int) -> Iterator[Problem]:
    """FP8 below Ada runs as weights only, in tiles of the merged gate and up projections."""
    limit = TILES_PADDED.get(facts.runtime, ())
    if facts.quantization != "fp8" or not (7, 5) <= facts.sm < ADA or not () < facts.version < limit:
        return
    cut = _cuts(facts, model, FP8_BLOCKS, whole_experts=has_whole_experts(facts))
    width, ranks = next((item for item in cut if not _is_tiled(*item)), (0, 1))
    if not width:
        return
    smaller = _smaller(facts, model, size, lambda part: all(_is_tiled(it, part) for it, _ in cut))
    yield Problem(
        "TP_QUANT_BLOCK",
        "tensor_parallel",
        f"a shard of 2 x {width}/{ranks} is not a multiple of the {TILE} that weight-only FP8 kernels take",
        (*smaller, set_gpu(facts, "h100-sxm"), set_gpu(facts, "l40s")),
        source=join_sources(TILES_SAYS, model.source),
        as_of=model.as_of,
    )


def _smaller(facts: Facts, model: ModelShape, size: int, fits: Callable[[int], bool]) -> tuple[Fix, ...]:
    """Smaller sizes that attention heads divide by as well."""
    return size_fixes(facts, size, lambda part: model.heads % part == 0 and fits(part))


def _is_tiled(width: int, size: int) -> bool:
    return 2 * width % (size * TILE) == 0


def _block(facts: Facts, model: ModelShape) -> tuple[int, str, str]:
    """What shards must be multiples of, and who says so, where the code does not; 0: nothing."""
    kind, name = facts.quantization, facts.model_name.lower()
    # block scales exist only in checkpoints that were quantised so; fp8 of bf16 weights is per tensor
    if kind == "fp8" and has_fp8_blocks(name):
        unsaid = facts.given.quantization is None and facts.runtime == "sglang"
        if unsaid and _FP4_EXPERTS.search(name):
            return FP4_GROUP, "FP4 group", FP4_EXPERTS_SAYS
        return FP8_BLOCK, FP8_BLOCKS, ""
    if ONLINE_BLOCKS[0] in plain(facts.given.quantization) and () < facts.version < ONLINE_BLOCKS[1]:
        return FP8_BLOCK, FP8_BLOCKS, ONLINE_BLOCKS[1].source
    if kind in WEIGHT_ONLY or any(word in name for word in WEIGHT_ONLY):
        named = _NAMED_GROUP.search(name)
        whole = all(width % GROUP == 0 for width, _ in _cuts(facts, model, "", whole_experts=False))
        size = int(named[1] or named[2]) if named else GROUP if whole else SMALL_GROUP
        if facts.is_mixture and _halves_groups(facts):
            size = LEAST_GROUP
        until = GROUPS_UNTIL.get(facts.runtime)
        return size, GROUPS, until.source if until else WEIGHT_ONLY_SAYS
    if kind in FP4:
        return FP4_GROUP, "FP4 group", ""
    return 0, "", ""


def _halves_groups(facts: Facts) -> bool:
    """Whether experts may have smaller groups than the checkpoint."""
    asked = plain(facts.given.quantization)
    # where nobody asks, Marlin is tried first
    unsaid = f"{facts.quantization.removesuffix('_marlin')}_marlin"
    since = HALVED_GROUPS.get((facts.runtime, asked or unsaid))
    return since is not None and (not facts.version or facts.version >= since)


def _dense_width(facts: Facts, model: ModelShape) -> int:
    """Of the feed-forward in this checkpoint."""
    name = facts.model_name.lower()
    padded = (row for row in PADDED if row.width == model.ffn and row.name.search(name))
    return next((row.to for row in padded if _is_widened(row, facts)), model.ffn)


def _is_widened(row: Padded, facts: Facts) -> bool:
    if row.since is not None:
        return facts.runtime in row.since and facts.version >= row.since[facts.runtime]
    return not () < facts.version < row.early.get(facts.runtime, ())


def _cuts(facts: Facts, model: ModelShape, what: str, *, whole_experts: bool) -> list[tuple[int, int]]:
    """The widths that are cut and quantised, each with the GPUs that it is cut over."""
    tensor = facts.tensor
    if model.moe is None or not model.moe.expert_ffn:
        # attention's output is cut by heads (intel/auto-round#643)
        attention = (
            model.heads * (model.value_dim or model.head_dim) if what == GROUPS and not model.mla else 0
        )
        return [(_dense_width(facts, model), tensor), *([(attention, tensor)] if attention else [])]
    split = read_split(facts)
    widths = [] if whole_experts else [(model.moe.expert_ffn, split.ranks if split else tensor)]
    if what == FP8_BLOCKS:  # other schemes leave what is not an expert as it was
        dense = model.ffn if model.moe.layers is not None else 0
        shared = 0 if SHARED_WHOLE in facts.model_name.lower() else model.moe.shared_ffn
        widths += [(shared, shared_ranks(facts)), (dense, dense_ranks(facts))]
    return [item for item in widths if item[0]]


def _divides(width: int, size: int, block: int) -> bool:
    return not block or (width % size == 0 and width // size % block == 0)
