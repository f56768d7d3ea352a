"""How much one GPU serves at a latency: which fact says so, and how input and output share the hour.

A fact is near when model (or one of the same shape), GPU, runtime and precision are the same and its own
latencies lie within the target. Nothing else is taken: a throughput of another GPU or runtime is a guess.

Prefill and decode share the GPU hour. Where two workloads of different proportions were timed, the seconds
per input token and per output token follow from both (two equations, two unknowns), and so does the
throughput of a workload between them: `derived`. With one workload only the sum is known: then the price of
all tokens together is given, and that of output tokens as if input were free.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from math import inf, log

from gpuyard.catalog.models import ModelShape, find_model
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.throughput import Throughput, model_key, throughputs
from gpuyard.economics.load import Target, Workload
from gpuyard.records import record

SAME = log(1.25)
"""Lengths within a quarter of each other count as the same workload."""
NEAR = log(2.0)
"""Beyond a factor of two in either length a single fact says nothing."""
REACH = log(8.0)
"""Beyond a factor of eight in either length nothing is derived: other limits begin to count."""
MEASURED_BY_YOU = "measured by you"


@record
class Setting:
    """What serves."""

    model: str
    shape: ModelShape | None
    gpu: str
    runtime: str
    precision: str
    gpus_per_replica: int


@record
class Timing:
    """One throughput, published or your own, with everything that decides whether it is near."""

    model: str
    gpu: str
    engine: str
    precision: str
    """Empty: the source does not say."""
    workload: Workload
    tokens_per_s_per_gpu: float
    """Output tokens."""
    gpus_per_replica: int | None
    concurrency: int | None
    ttft_ms: float | None
    tpot_ms: float | None
    basis: str
    """``published``, ``measured by you``, or ``upper bound`` (load without a latency limit)."""
    source: str
    as_of: str

    @property
    def seconds_per_request(self) -> float:
        """GPU-seconds that one request of its workload takes."""
        return self.workload.output_tokens / self.tokens_per_s_per_gpu

    def __str__(self) -> str:
        latency = (
            f", TTFT {self.ttft_ms:g} ms, TPOT {self.tpot_ms:g} ms" if self.tpot_ms and self.ttft_ms else ""
        )
        gpus = f" x {self.gpus_per_replica}" if self.gpus_per_replica else ""
        return (
            f"{self.model} on {self.gpu}{gpus}, {self.engine}, {self.precision or 'precision not said'}, "
            f"{self.workload}: {self.tokens_per_s_per_gpu:,.0f} output tokens/s per GPU{latency}"
        )


@record
class Capability:
    """What one GPU serves of a workload within a latency."""

    workload: Workload
    tokens_per_s_per_gpu: float
    """Output tokens."""
    seconds_per_input_token: float | None
    seconds_per_output_token: float | None
    """GPU-seconds; both None where only one workload was timed."""
    basis: str
    """``published``, ``measured by you`` or ``derived``."""
    rule: str
    """How the number, and the split between input and output, came about."""
    differs: tuple[str, ...]
    """In what the facts differ from what will serve."""
    timings: tuple[Timing, ...]

    @property
    def requests_per_s_per_gpu(self) -> float:
        """Requests of the workload."""
        return self.tokens_per_s_per_gpu / self.workload.output_tokens


@record
class NoFact:
    """Nothing near is published: the throughput is unknown."""

    reason: str
    nearest: tuple[str, ...]
    """Facts that come closest and were not taken, with the reason."""


def find_capability(
    setting: Setting, workload: Workload, target: Target, own: Sequence[Timing] = ()
) -> Capability | NoFact:
    """What one GPU of ``setting`` serves of ``workload`` within ``target``.

    ``own`` measurements go before every published one.
    """
    timings = list(own) or list(_best_by_workload(_near(setting, target), setting))
    if not timings:
        return _nothing(setting, target)
    found = _capability(setting, workload, target, timings)
    return found or _too_far(workload, timings)


def find_ceiling(setting: Setting, workload: Workload) -> Timing | None:
    """The highest throughput published for model and GPU at load without a latency limit; None: none.

    Any runtime and precision: no configuration on that GPU is known to do better, so costs are at least that.
    """
    rows = [
        _timing(row, "upper bound")
        for row in throughputs()
        if not row.latency_bound
        and row.gpu == setting.gpu
        and row.input_tokens
        and row.output_tokens
        and row.confidence == "high"
        and _same_model(row.model, setting)
    ]
    rows = [row for row in rows if row.workload.distance(workload) <= SAME]
    return max(rows, key=lambda row: (row.tokens_per_s_per_gpu, str(row)), default=None)


def published_workloads(setting: Setting, target: Target) -> tuple[Workload, ...]:
    """Workloads for which a near fact exists, the shortest input first."""
    found = {_timing(row, "published").workload for row in _near(setting, target)}
    return tuple(sorted(found, key=lambda each: (each.input_tokens, each.output_tokens)))


def timed_gpus(setting: Setting, target: Target) -> tuple[str, ...]:
    """GPUs on which the setting's model, runtime and precision were timed within ``target``."""
    return tuple(
        sorted(
            {
                row.gpu
                for row in throughputs()
                if row.gpu and not _difference(row, replace(setting, gpu=row.gpu), target)
            }
        )
    )


def normal_precision(name: str) -> str:
    """``fp4``, ``fp8``, ``bf16`` or the name itself, for facts and checkpoints write it in many ways."""
    plain = name.lower()
    if plain in ("", "none", "auto"):
        return ""
    if plain in ("fp4", "mxfp4", "nvfp4", "modelopt_fp4"):
        return "fp4"
    if plain.startswith("fp8") or plain in ("modelopt", "w8a8_fp8", "compressed-tensors-fp8"):
        return "fp8"
    return "bf16" if plain in ("bf16", "bfloat16", "fp16", "float16", "half") else plain


@lru_cache(maxsize=256)
def _near(setting: Setting, target: Target) -> tuple[Throughput, ...]:
    return tuple(row for row in throughputs() if not _difference(row, setting, target))


def _difference(row: Throughput, setting: Setting, target: Target) -> str:
    """Why a published row is not near; empty: it is."""
    if not row.latency_bound or not row.input_tokens or not row.output_tokens:
        return "no latency was held"
    if not _same_model(row.model, setting):
        return "another model"
    if row.gpu != setting.gpu:
        return f"another GPU, {row.gpu_name}"
    if row.engine.partition(" ")[0] != setting.runtime:
        return f"another runtime, {row.engine}"
    if row.precision and normal_precision(row.precision) != setting.precision:
        return f"another precision, {row.precision}"
    if (row.tpot_ms or inf) > target.tpot_ms:
        return f"slower than the target: TPOT {row.tpot_ms:g} ms"
    if (row.ttft_ms or inf) > target.ttft_ms:
        return f"slower than the target: TTFT {row.ttft_ms:g} ms"
    return ""


def _same_model(name: str, setting: Setting) -> bool:
    return model_key(name) == model_key(setting.model) or _same_shape(name, setting.shape)


def _same_shape(name: str, shape: ModelShape | None) -> bool:
    """Whether the catalog has ``name`` with the very numbers of ``shape``: such models run alike."""
    other = _shape_of(name) if shape is not None else None
    return other is not None and shape is not None and _numbers(other) == _numbers(shape)


@cache
def _shape_of(name: str) -> ModelShape | None:
    try:
        return find_model(name)
    except UnknownName:
        return None


def _numbers(shape: ModelShape) -> tuple[object, ...]:
    """What decides the work per token; names, context and licence do not."""
    return (
        shape.layers,
        shape.hidden,
        shape.heads,
        shape.kv_heads,
        shape.head_dim,
        shape.ffn,
        shape.vocab,
        shape.moe,
        shape.mla,
        shape.sliding_layers,
        shape.linear_layers,
    )


def _best_by_workload(rows: Iterable[Throughput], setting: Setting) -> Iterable[Timing]:
    """The best row of each workload: the model itself, then the replica's size, then the throughput."""
    best: dict[Workload, tuple[tuple[bool, bool, float, str], Timing]] = {}
    for row in rows:
        timing = _timing(row, "published")
        rank = (
            model_key(row.model) == model_key(setting.model),
            row.gpus_per_replica == setting.gpus_per_replica,
            row.tokens_per_s_per_gpu,
            row.as_of,
        )
        if timing.workload not in best or rank > best[timing.workload][0]:
            best[timing.workload] = rank, timing
    return [timing for _, timing in best.values()]


def _timing(row: Throughput, basis: str) -> Timing:
    return Timing(
        model=row.model,
        gpu=row.gpu or row.gpu_name,
        engine=row.engine,
        precision=normal_precision(row.precision),
        workload=Workload(input_tokens=row.input_tokens or 1, output_tokens=row.output_tokens or 1),
        tokens_per_s_per_gpu=row.tokens_per_s_per_gpu,
        gpus_per_replica=row.gpus_per_replica,
        concurrency=row.concurrency,
        ttft_ms=row.ttft_ms,
        tpot_ms=row.tpot_ms,
        basis=basis,
        source=row.source,
        as_of=row.as_of,
    )


def _capability(
    setting: Setting, workload: Workload, target: Target, timings: Sequence[Timing]
) -> Capability | None:
    ordered = sorted(timings, key=lambda one: (one.workload.distance(workload), str(one)))
    nearest = ordered[0]
    partner = max(
        ordered[1:], key=lambda one: abs(log(one.workload.ratio / nearest.workload.ratio)), default=None
    )
    split = None if partner is None else _solve(nearest, partner)
    away = nearest.workload.distance(workload)
    is_between = split is not None and partner is not None and _between(workload, nearest, partner)
    if SAME < away <= REACH and split is not None and is_between:
        seconds = workload.input_tokens * split[0] + workload.output_tokens * split[1]
        rate, basis = workload.output_tokens / seconds, "derived"
        rule = "seconds per input and per output token from two timed workloads, applied to this one"
    elif away <= NEAR:
        rate, basis = nearest.tokens_per_s_per_gpu, nearest.basis
        rule = "as timed" if away <= SAME else "as timed on a workload up to twice as long or short"
    else:
        return None
    if split is None:
        rule += "; input and output cannot be told apart: one workload was timed"
    elif basis != "derived":
        rule += "; input and output told apart by a second timed workload"
    used = (nearest, partner) if split is not None and partner is not None else (nearest,)
    return Capability(
        workload=workload,
        tokens_per_s_per_gpu=rate,
        seconds_per_input_token=split[0] if split else None,
        seconds_per_output_token=split[1] if split else None,
        basis=basis,
        rule=rule,
        differs=tuple(dict.fromkeys(text for one in used for text in _differs(one, setting, target))),
        timings=used,
    )


def _solve(one: Timing, other: Timing) -> tuple[float, float] | None:
    """GPU-seconds per input and per output token that give both timings; None: no such positive pair."""
    a, b = one.workload, other.workload
    determinant = a.input_tokens * b.output_tokens - b.input_tokens * a.output_tokens
    if abs(determinant) < 1e-9 * a.input_tokens * b.output_tokens:
        return None
    per_input = (
        one.seconds_per_request * b.output_tokens - other.seconds_per_request * a.output_tokens
    ) / determinant
    per_output = (
        a.input_tokens * other.seconds_per_request - b.input_tokens * one.seconds_per_request
    ) / determinant
    return (per_input, per_output) if per_input > 0 and per_output > 0 else None


def _between(workload: Workload, one: Timing, other: Timing) -> bool:
    """Whether its proportions lie between those that were timed, or at most a factor of two outside."""
    ratios = sorted((one.workload.ratio, other.workload.ratio))
    return ratios[0] / 2 <= workload.ratio <= ratios[1] * 2


def _differs(timing: Timing, setting: Setting, target: Target) -> list[str]:
    found = []
    if model_key(timing.model) != model_key(setting.model):
        found.append(f"timed with {timing.model}, a model of the same shape")
    if timing.basis == "published" and not timing.precision:
        found.append(f"{timing.workload}: the source does not say its precision")
    if timing.gpus_per_replica and timing.gpus_per_replica != setting.gpus_per_replica:
        found.append(
            f"{timing.workload}: timed with {timing.gpus_per_replica} GPUs per replica, "
            f"not {setting.gpus_per_replica}"
        )
    if timing.tpot_ms and timing.tpot_ms > target.tpot_ms:
        found.append(f"{timing.workload}: TPOT {timing.tpot_ms:g} ms is above the target")
    if timing.ttft_ms and timing.ttft_ms > target.ttft_ms:
        found.append(f"{timing.workload}: TTFT {timing.ttft_ms:g} ms is above the target")
    return found


def _nothing(setting: Setting, target: Target) -> NoFact:
    rows = [row for row in throughputs() if row.latency_bound and _same_model(row.model, setting)]
    reasons: Mapping[str, str] = {
        str(_timing(row, "published")): _difference(row, setting, target) for row in rows
    }
    same_gpu = [text for text in reasons if f" on {setting.gpu}" in text]
    shown = (same_gpu or list(reasons))[:3]
    precision = setting.precision or "its own precision"
    return NoFact(
        reason=f"nobody has published {setting.model} on {setting.gpu} with {setting.runtime} at {precision} "
        f"within TTFT {target.ttft_ms:g} ms and TPOT {target.tpot_ms:g} ms",
        nearest=tuple(f"{text} ({reasons[text]})" for text in shown),
    )


def _too_far(workload: Workload, timings: Sequence[Timing]) -> NoFact:
    return NoFact(
        reason=f"no timed workload is near {workload}",
        nearest=tuple(f"{timing} (another workload)" for timing in timings[:3]),
    )
