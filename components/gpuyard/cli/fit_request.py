"""What `gpuyard fit` is asked, with every problem at once."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpuyard.catalog.hardware import Gpu, find_gpu, gpus, machine_types
from gpuyard.catalog.model_config import read_config
from gpuyard.catalog.models import ModelShape, find_model
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.quantizations import NAMED, SCHEMES, normal_name
from gpuyard.catalog.regions import regions
from gpuyard.catalog.software_runtimes import release_key, runtime_releases
from gpuyard.errors import Finding, SpecError, did_you_mean
from gpuyard.planning.extras import NONE, Extras
from gpuyard.planning.fit import CONCURRENCY_DEFAULT, CONTEXT_DEFAULT
from gpuyard.planning.quantization import KV_BYTES
from gpuyard.records import record

RUNTIMES = ("vllm", "sglang", "tgi", "tensorrt-llm", "lmdeploy")
_ALIASES: Mapping[str, str] = dict.fromkeys(
    ("trtllm", "trt-llm", "tensorrt_llm", "tensorrtllm"), "tensorrt-llm"
)
CLOUDS = ("aws", "gcp")
CONTEXT_MOST = 100_000_000
CONCURRENCY_MOST = 65_536
DATA_PARALLEL_MOST = 64
DRAFT_MOST = 16
ADAPTERS_MOST = 256
"""Beyond these a number is a slip, not a wish."""
RANKS = ("8", "16", "32", "64", "128", "256", "320", "512")
"""Ranks of adapters that vLLM takes."""
_UNITS = {"k": 1024, "m": 1024 * 1024}


@record
class Request:
    """One question, complete."""

    model: ModelShape
    gpus: tuple[Gpu, ...]
    clouds: tuple[str, ...]
    regions: tuple[str, ...]
    runtime: str
    version: str
    """Empty: the catalog knows no release."""
    context_tokens: int
    concurrency: int
    assumed: tuple[str, ...]
    """Options that were not given, so defaults."""
    wanted: Mapping[str, Any]
    """For `smallest_fit`."""


def read_request(model: str, config: Path | None, asked: Mapping[str, Any]) -> Request:
    """The question that the options ask.

    Raises:
        SpecError: every problem of every option.
    """
    problems: list[Finding] = []
    shape = _model(model, config, problems)
    context = _number("--context", asked["context"], CONTEXT_MOST, problems)
    concurrency = _number("--concurrency", asked["concurrency"], CONCURRENCY_MOST, problems)
    copies = _number("--data-parallel", asked["data_parallel"], DATA_PARALLEL_MOST, problems)
    extras = _extras(asked, problems)
    runtime = asked["runtime"].strip().lower()
    runtime = _one_of("--runtime", _ALIASES.get(runtime, runtime), RUNTIMES, problems)
    clouds = tuple(_one_of("--cloud", name, CLOUDS, problems) for name in asked["clouds"]) or CLOUDS
    chosen = tuple(_gpu(name, problems) for name in asked["gpus"])
    quantization = _quantization(asked["quantization"], problems)
    cache = asked["kv_cache_dtype"]
    if cache is not None:
        cache = _one_of("--kv-cache-dtype", cache, tuple(KV_BYTES), problems)
    places = tuple(_region(name, clouds, problems) for name in asked["regions"])
    if shape is not None and context and shape.context and context > shape.context:
        fix = f"ask for at most {shape.context}"
        problems.append(
            _problem("--context", context, f"{shape.id} was made for {shape.context:,} tokens", fix)
        )
    if shape is not None:
        problems += _not_in(shape, copies or 1, extras, asked)
    release = asked["runtime_version"]
    if release is not None and not release_key(release):
        fix = f"use one such as {_newest(runtime)}" if _newest(runtime) else "leave it out"
        problems.append(_problem("--runtime-version", release, f'"{release}" is not a release', fix))
    if problems or shape is None:
        raise SpecError(problems)
    version = (asked["runtime_version"] or "").strip() or _newest(runtime)
    return Request(
        model=shape,
        gpus=tuple(dict.fromkeys(gpu for gpu in chosen if gpu is not None)) or _on_sale(clouds),
        clouds=clouds,
        regions=places,
        runtime=runtime,
        version=version,
        context_tokens=min(context or CONTEXT_DEFAULT, shape.context or CONTEXT_DEFAULT),
        concurrency=concurrency or CONCURRENCY_DEFAULT,
        assumed=tuple(
            name for name, value in (("--context", context), ("--concurrency", concurrency)) if not value
        ),
        wanted={
            "runtime": runtime,
            "runtime_version": version or None,
            "context_tokens": context,
            "concurrency": concurrency,
            "quantization": quantization,
            "kv_cache_dtype": cache,
            "data_parallel": copies or 1,
            "expert_parallel": asked["expert_parallel"],
            "text_only": asked["text_only"],
            "extras": extras,
        },
    )


def _model(name: str, config: Path | None, problems: list[Finding]) -> ModelShape | None:
    if config is not None:
        try:
            return read_config(config, model_id=name)
        except SpecError as error:
            problems += error.findings
            return None
    try:
        return find_model(name)
    except UnknownName as error:
        fix = "use an id of the catalog (`gpuyard catalog search`), or give its --config config.json"
        problems.append(_problem("MODEL", name, str(error), fix, code="MODEL_UNKNOWN"))
        return None


def _extras(asked: Mapping[str, Any], problems: list[Finding]) -> Extras:
    rank = _one_of("--lora-rank", asked["lora_rank"] or str(NONE.adapter_rank), RANKS, problems)
    if asked["lora_rank"] and not asked["loras"]:
        problems.append(_problem("--lora-rank", rank, "no adapters are asked", "say --loras as well"))
    return Extras(
        draft_tokens=_number("--draft-tokens", asked["draft_tokens"], DRAFT_MOST, problems) or 0,
        adapters=_number("--loras", asked["loras"], ADAPTERS_MOST, problems) or 0,
        adapter_rank=int(rank) if rank in RANKS else NONE.adapter_rank,
    )


def _not_in(shape: ModelShape, copies: int, extras: Extras, asked: Mapping[str, Any]) -> Iterator[Finding]:
    """What is asked of a part that the model does not have."""
    lacks = (
        (
            "--draft-tokens",
            asked["draft_tokens"],
            extras.draft_tokens and not shape.draft_layers,
            "draft layers",
        ),
        ("--expert-parallel", True, asked["expert_parallel"] and shape.moe is None, "experts"),
        ("--data-parallel", asked["data_parallel"], copies > 1 and shape.moe is None, "experts to share"),
        ("--text-only", True, asked["text_only"] and shape.vision is None, "encoder that is known"),
    )
    for option, value, lacking, what in lacks:
        if lacking:
            yield _problem(option, value, f"{shape.id} has no {what}", f"leave {option} out")


def _gpu(name: str, problems: list[Finding]) -> Gpu | None:
    try:
        return find_gpu(name)
    except UnknownName as error:
        fix = "known: " + ", ".join(gpus())
        problems.append(_problem("--gpu", name, str(error), fix, code="NOT_ALLOWED"))
        return None


def _quantization(name: str | None, problems: list[Finding]) -> str | None:
    if name is None:
        return None
    kind = normal_name(name)
    if kind not in SCHEMES:
        _one_of("--quantization", kind, NAMED, problems)
    return kind


def _region(name: str, clouds: Sequence[str], problems: list[Finding]) -> str:
    asked = [cloud for cloud in clouds if cloud in CLOUDS] or CLOUDS
    known = [region for cloud in asked for region in regions(cloud)]
    if name not in known:
        fix = did_you_mean(name, known) or "see `gpuyard catalog search`"
        words = f'"{name}" is not a region of {" or ".join(asked)}'
        problems.append(_problem("--region", name, words, fix, code="NOT_ALLOWED"))
    return name


def _one_of(option: str, name: str, known: Sequence[str], problems: list[Finding]) -> str:
    key = name.strip().lower()
    if key not in known:
        fix = f"{did_you_mean(key, known)}  known: {', '.join(known)}".strip()
        problems.append(_problem(option, name, f'"{name}" is not known', fix, code="NOT_ALLOWED"))
    return key


def _number(option: str, text: str | None, most: int, problems: list[Finding]) -> int | None:
    """A whole number such as ``32768``, ``32_768`` or ``32k``."""
    if text is None:
        return None
    key = text.strip().lower().replace("_", "").replace(",", "")
    unit = _UNITS.get(key[-1:], 1)
    digits = key[:-1] if unit > 1 else key
    value = int(digits) * unit if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
    if value is None or not 1 <= value <= most:
        words = "is not a whole number" if value is None else "is out of bounds"
        problems.append(_problem(option, text, f'"{text}" {words}', f"use 1 to {most:,}"))
        return None
    return value


def _on_sale(clouds: Sequence[str]) -> tuple[Gpu, ...]:
    sold = {machine.gpu for cloud in clouds for machine in machine_types(cloud).values()}
    return tuple(gpu for gpu in gpus().values() if gpu.id in sold)


def _newest(runtime: str) -> str:
    releases = runtime_releases(runtime)
    return releases[-1].version if releases else ""


def _problem(path: str, value: Any, message: str, fix: str, code: str = "INVALID") -> Finding:
    return Finding.error(code, path, message, fix, value=value)
