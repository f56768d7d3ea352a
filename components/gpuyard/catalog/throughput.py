"""Published throughputs: how many tokens a GPU made per second, where, and with what."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gpuyard.catalog.hardware import find_gpu
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.tables import read_json
from gpuyard.records import record


@record
class Throughput:
    """One published measurement."""

    model: str
    """As the source writes it, without its owner: ``Llama-3.3-70B``."""
    gpu: str | None
    """Id of the catalog; None: a GPU that the catalog lacks."""
    gpu_name: str
    """As the source writes it."""
    engine: str
    precision: str
    parallel: str
    input_tokens: int | None
    output_tokens: int | None
    """Per request. Results for different lengths do not compare."""
    tokens_per_s_per_gpu: float
    """Output tokens, per GPU. An upper bound unless `latency_bound`."""
    latency_bound: str
    """The latency that was held, e.g. ``TPOT<=50ms TTFT<=5s``; empty: load without limit."""
    concurrency: int | None = None
    gpus_per_replica: int | None = None
    ttft_ms: float | None = None
    """Time to first token that was measured."""
    tpot_ms: float | None = None
    """Time per further token that was measured."""
    confidence: str = ""
    """What the collector of the fact thinks of it: ``high``, ``medium`` or ``low``."""
    source: str
    as_of: str


@record
class HostedPrice:
    """What a provider charges for a model by the token, USD per million."""

    model: str
    provider: str
    input_usd: float
    output_usd: float
    source: str
    as_of: str


@cache
def throughputs() -> tuple[Throughput, ...]:
    """Every measurement that names tokens per GPU: those under a latency limit first, as plans need them."""
    table = read_json("throughput")
    bound = table["slo_bound"]
    # rows without a day of their own were measured before the collection's last one
    rows = [_bounded(row, bound["source"], "undated, 2026-04 at the latest") for row in bound["rows"]]
    return tuple(rows + [_unbounded(row) for row in table["throughput"] if row.get("per_gpu") is not None])


def find_throughputs(model: str, gpu: str) -> tuple[Throughput, ...]:
    """Measurements of ``model`` (with or without owner and ``-Instruct``) on the GPU of that id."""
    key = model_key(model)
    return tuple(found for found in throughputs() if model_key(found.model) == key and found.gpu == gpu)


@cache
def hosted_prices() -> tuple[HostedPrice, ...]:
    """What hosted APIs charge, to compare with."""
    table = read_json("throughput")["hosted_api"]
    return tuple(
        HostedPrice(
            model=row["model"],
            provider=row["provider"],
            input_usd=row["in_usd_per_1m"],
            output_usd=row["out_usd_per_1m"],
            source=table["source"],
            as_of=table["as_of"],
        )
        for row in table["prices"]
    )


def _bounded(row: Mapping[str, Any], source: str, undated: str) -> Throughput:
    return Throughput(
        model=row["model"],
        gpu=_gpu(row["gpu"]),
        gpu_name=row["gpu"],
        engine=" ".join(str(part) for part in (row["engine"], row["engine_version"]) if part),
        precision=row["precision"] or "",
        parallel=f"{row['gpus_per_replica']} GPUs per replica",
        input_tokens=row["isl"],
        output_tokens=row["osl"],
        tokens_per_s_per_gpu=row["out_tok_s_per_gpu"],
        latency_bound=row["slo"],
        concurrency=row["concurrency"],
        gpus_per_replica=row["gpus_per_replica"],
        ttft_ms=row["ttft_ms"],
        tpot_ms=row["tpot_ms"],
        source=source,
        as_of=str(row["measured"] or undated),
    )


def _unbounded(row: Mapping[str, Any]) -> Throughput:
    return Throughput(
        model=row["model"],
        gpu=_gpu(row["gpu"]),
        gpu_name=row["gpu"],
        engine=row["engine"] or "",
        precision=row["precision"] or "",
        parallel=str(row["parallel"] or ""),
        input_tokens=row["isl"],
        output_tokens=row["osl"],
        tokens_per_s_per_gpu=row["per_gpu"],
        latency_bound="",
        gpus_per_replica=row["gpus"],
        confidence=row["confidence"] or "",
        source=row["source"],
        as_of=str(row["date"]),
    )


def _gpu(name: str) -> str | None:
    """The id; None for unknown GPUs and for a bare ``A100``, which may have 40 GB or 80 GB."""
    if name == "A100":
        return None
    try:
        return find_gpu(name).id
    except UnknownName:
        return None


def model_key(name: str) -> str:
    """A model's name without owner, ``-Instruct`` and the like: what makes two sources agree."""
    key = name.rsplit("/", 1)[-1].lower().removeprefix("meta-")
    for suffix in ("-instruct", "-it", "-chat", "-hf"):
        key = key.removesuffix(suffix)
    return key
