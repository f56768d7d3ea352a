"""What each runtime does with a GPU's memory, release by release.

==========  =====================================================================================
vLLM        takes a share of the GPU for weights, the peak of a profiled step and the cache. Since
            0.8 the profile samples for as many sequences as may run, which costs GiB, less than
            half of it since 0.17; since 0.21 CUDA graphs count inside the share, before they came
            on top, as they do for dense models from 0.25.1 to 0.28
SGLang      keeps what a formula reserves for prefill and graphs, the rest is weights and cache
TGI         0.9 of what the process sees, less a prefill
TensorRT-   profiles a step as vLLM does, then takes 0.9 of what is free beside it: the rest of the
LLM         GPU stays empty. Its PyTorch backend, which `trtllm-serve` starts since 1.0
LMDeploy    0.8 of what is free beside the weights, taken before any step, which has to do with the
            rest. Its TurboMind engine
==========  =====================================================================================

Sources: vllm `engine/arg_utils.py`, `config/cache.py` and `v1/sample/ops/topk_topp_sampler.py` (0.8 to
0.33: 0.16 sorts, 0.17 does not; 0.7.1 caches latent attention compressed), `v1/worker/gpu/model_runner.py`
(0.25.1 to 0.28.0 estimate no graphs), sglang `server_args.py` (0.5.x),
text-generation-inference `models/globals.py`, read 2026-11-24; vllm-project/vllm#30515, #15357, #49233;
TensorRT-LLM `_torch/pyexecutor/_util.py`, `llmapi/llm_args.py`, `commands/serve.py` (2025-10 to 2026) and
`tests/unittest/api_stability/references/trtllm_serve_cli.yaml`, LMDeploy `src/turbomind/turbomind.cc`,
`lmdeploy/messages.py` and `lmdeploy/utils.py` (0.10 to 0.16), read 2026-11-27.
"""

from collections.abc import Mapping, Sequence

from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.software_runtimes import release_key
from gpuyard.planning.parallel import Split
from gpuyard.records import record
from gpuyard.units import gib

GIB_MIB = 1024


@record
class Runner:
    """What the part of an engine that runs the model measures before it sizes the cache."""

    per_logit: float = 35.0
    """Bytes per sequence and vocabulary entry while sampling; 0: not profiled."""
    graphs_inside: bool = False
    """CUDA graphs count inside the share."""


@record
class Engine:
    """How one release of one runtime budgets memory."""

    runtime: str
    since: tuple[int, ...] = ()
    share: float = 0.9
    """Of what a process sees of the GPU; SGLang computes its own."""
    of_free: bool = False
    """The share is of what weights, steps and libraries leave free, not of the GPU."""
    cache_first: bool = False
    """The cache is taken before any step, which has to do with what the share leaves."""
    runner: Runner = Runner()
    dense: Runner | None = None
    """The runner of dense models, where they have another."""
    sequences_least: int = 0
    """Sequences that a server runs by default on any GPU; 0: its tiers say it."""
    sliding_share: float = 0.0
    """Tokens that sliding layers keep beyond their window, as a share."""
    latent: bool = True
    """Latent attention is cached compressed; otherwise as keys and values of every head."""
    states_ahead: bool = False
    """States of linear layers are taken for all sequences that may run, when the server starts."""
    states: int = 1
    """Of each linear layer that one sequence holds.

    vLLM adds one per drafted token, and one where hybrids are told to share prefixes, which they are not by
    default (vllm-project/vllm#46778, 2026-06-26).
    """
    state_part: float = 0.0
    """Of the cache that is set apart for states of linear layers; 0: they share it with the tokens."""
    per_prefill_logit: float = 0.0
    """Bytes per token of a prefill and vocabulary entry: TGI's warm-up asks for the probabilities of all,
    in 16 bit and twice (`prefill_logprobs` in its clients, `log_softmax` in `flash_causal_lm.py`)."""
    step_is_told: bool = True
    """A plan may make the largest step smaller by flags; TGI's has to hold the longest input."""
    encodes: bool = True
    """The largest step of a vision encoder is profiled."""
    other: int = gib(0.3)
    """Libraries and workspaces of a single GPU, beside what torch allocates."""
    other_shared: int = gib(0.4)
    """The same where GPUs talk through slots."""
    other_linked: int = gib(1.4)
    """The same over NVLink: buffers of NCCL and of the custom all-reduce as well."""
    other_latent: int = 0
    """On top of it for latent attention."""


_SIZES_GRAPHS = Runner(per_logit=14.0, graphs_inside=True)

ENGINES: Sequence[Engine] = (
    *(
        Engine(
            runtime="vllm",
            since=since,
            share=0.90,
            runner=Runner(per_logit=41.0),
            sliding_share=1.0,
            latent=since >= (0, 7, 1),
            states_ahead=True,
            other=other,
            other_shared=max(other, gib(0.35)),
            other_linked=gib(2.0),
        )
        # the CUDA context counted until what torch allocates was counted apart
        for since, other in (((), gib(0.9)), ((0, 6, 4), gib(0.15)), ((0, 7, 1), gib(0.15)))
    ),
    # 1,024 sequences on an RTX 5080 and an L40S as well (vllm-project/vllm#14452, #17122)
    Engine(
        runtime="vllm",
        since=(0, 8),
        share=0.90,
        sliding_share=1.0,
        states_ahead=True,
        sequences_least=1024,
    ),
    Engine(runtime="vllm", since=(0, 9), share=0.90, sliding_share=1.0, states_ahead=True),
    # one pool for both kinds of layers (hybrid cache manager)
    Engine(runtime="vllm", since=(0, 10), share=0.90, states_ahead=True),
    # hybrids on the newer engine
    Engine(runtime="vllm", since=(0, 10, 2), share=0.90),
    # top-k and top-p by a Triton kernel, later FlashInfer: no sorted copy of all logits
    Engine(runtime="vllm", since=(0, 17), share=0.90, runner=Runner(per_logit=14.0)),
    Engine(runtime="vllm", since=(0, 21), share=0.92, runner=_SIZES_GRAPHS),
    # model runner V2; dense models first, and without an estimate of CUDA graphs
    Engine(
        runtime="vllm",
        since=(0, 25, 1),
        share=0.92,
        runner=_SIZES_GRAPHS,
        dense=Runner(per_logit=8.0),
    ),
    # every model, with one
    Engine(
        runtime="vllm",
        since=(0, 29),
        share=0.92,
        runner=Runner(per_logit=8.0, graphs_inside=True),
    ),
    # two pools, the one of sliding layers 0.8 of the other (swa_full_tokens_ratio)
    # mamba_full_memory_ratio 0.9; a third of the states runs, the others keep prefixes (62 of 186 logged)
    Engine(
        runtime="sglang",
        runner=Runner(per_logit=0.0),
        sliding_share=0.8,
        states=3,
        state_part=0.9 / 1.9,
        encodes=False,
        other=gib(0.1),
        other_shared=gib(0.1),
    ),
    Engine(
        runtime="tgi",
        share=0.90,
        runner=Runner(per_logit=8.0),
        sliding_share=1.0,
        per_prefill_logit=4.0,
        step_is_told=False,
        encodes=False,
        other=gib(0.6),
        other_shared=gib(2.0),
        other_linked=gib(2.0),
    ),
    # libraries as vLLM's, and the CUDA context. It samples for the few requests of its dummy step; sliding
    # layers keep every token unless max_attention_window says otherwise (73,728 bytes per token logged for
    # gpt-oss-120b). Kimi-K2.5 on eight B300 took 7.7 GiB more than that; DeepSeek-R1 on eight H200, 6.6
    Engine(
        runtime="tensorrt-llm",
        share=0.90,
        of_free=True,
        runner=Runner(per_logit=0.0, graphs_inside=True),
        sliding_share=1.0,
        other=gib(0.8),
        other_shared=gib(0.9),
        other_linked=gib(1.9),
        other_latent=gib(7.7),
    ),
    # one buffer of logits, and what sorting them for top-p takes
    Engine(
        runtime="lmdeploy",
        share=0.80,
        of_free=True,
        cache_first=True,
        runner=Runner(per_logit=12.0),
        sliding_share=1.0,
        encodes=False,
        other=gib(0.8),
        other_shared=gib(0.9),
        other_linked=gib(1.9),
    ),
)
"""Oldest first for each runtime. A release newer than the last row is judged by it."""


@record
class Tier:
    """What a runtime's server defaults to from some GPU memory on."""

    memory_mib: int
    tokens: int
    """Of one step: `--max-num-batched-tokens`, `--chunked-prefill-size`, `--max-batch-prefill-tokens`."""
    sequences: int


VLLM_TIERS = (
    Tier(memory_mib=0, tokens=2048, sequences=256),
    Tier(memory_mib=70 * GIB_MIB, tokens=8192, sequences=1024),
    Tier(memory_mib=160 * GIB_MIB, tokens=16384, sequences=1024),
)
"""A100 stays in the first whatever its memory."""
SGLANG_TIERS = (
    Tier(memory_mib=0, tokens=2048, sequences=8),
    Tier(memory_mib=20 * GIB_MIB, tokens=2048, sequences=24),
    Tier(memory_mib=35 * GIB_MIB, tokens=4096, sequences=32),
    Tier(memory_mib=60 * GIB_MIB, tokens=8192, sequences=256),
    Tier(memory_mib=160 * GIB_MIB, tokens=16384, sequences=512),
)
TGI_TIERS = (Tier(memory_mib=0, tokens=4096, sequences=128),)
TENSORRT_LLM_TIERS = (Tier(memory_mib=0, tokens=8192, sequences=2048),)
"""`--max_num_tokens` and `--max_batch_size`."""
LMDEPLOY_SEQUENCES: Mapping[str, int] = {"a100": 384, "h100": 1024, "h200": 1024}
"""`--max-batch-size` by a part of the GPU's name; 128 on any other."""
_TIERS: Mapping[str, Sequence[Tier]] = {
    "sglang": SGLANG_TIERS,
    "tgi": TGI_TIERS,
    "tensorrt-llm": TENSORRT_LLM_TIERS,
}
"""Of engines whose defaults do not depend on the kind of GPU."""


def find_engine(runtime: str, version: str | None = None) -> Engine:
    """The row for a release; no version, or one without a number: the newest. `custom` counts as vLLM."""
    return engine_at(runtime, release_key(version) if version else ())


def engine_at(runtime: str, key: tuple[int, ...]) -> Engine:
    """The row for the key of a release; an empty one: the newest."""
    name = "vllm" if runtime.lower() == "custom" else runtime.lower()
    rows = [row for row in ENGINES if row.runtime == name] or [
        row for row in ENGINES if row.runtime == "vllm"
    ]
    if not key:
        return rows[-1]
    return next((row for row in reversed(rows) if row.since <= key), rows[0])


def engine_tiers(engine: Engine, gpu_name: str) -> Sequence[Tier]:
    """The server's defaults on a GPU of that id, smallest memory first."""
    usual = VLLM_TIERS[:1] if "a100" in gpu_name.lower() else VLLM_TIERS
    if engine.runtime == "lmdeploy":
        named = (count for name, count in LMDEPLOY_SEQUENCES.items() if name in gpu_name.lower())
        return (Tier(memory_mib=0, tokens=8192, sequences=next(named, 128)),)
    return _TIERS.get(engine.runtime, usual)


def tier_at(tiers: Sequence[Tier], memory_mib: int) -> Tier:
    """The one that a GPU of that memory is in."""
    return next(tier for tier in reversed(tiers) if tier.memory_mib <= memory_mib)


_PIPELINE = gib(0.8)
"""Hand-over of a pipeline stage: 3.03 GiB beside weights and cache where tensor parallelism took 1.66
(Qwen3-32B on two RTX PRO 6000, vLLM 0.27)."""


def other_bytes(engine: Engine, model: ModelShape, split: Split, *, linked: bool) -> int:
    """What libraries take outside torch on each GPU; ``linked``: the GPUs talk over NVLink."""
    if split.gpus == 1:
        return engine.other
    shared = engine.other_linked if linked else engine.other_shared
    return shared + (_PIPELINE if split.pipeline > 1 else 0) + (engine.other_latent if model.mla else 0)


def runner_of(engine: Engine, model: ModelShape) -> Runner:
    """What runs a model of that kind."""
    plain = model.moe is None and not model.linear_layers and model.mla is None
    return engine.dense if plain and engine.dense is not None else engine.runner
