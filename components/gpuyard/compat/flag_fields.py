"""Fields that the command line states: `--max-model-len 8192` says as much as `max_model_len: 8192`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gpuyard.catalog.engine_flags import spellings
from gpuyard.compat.combination import LARGEST, Combination, changed

_ENGINES = ("vllm", "sglang", "tgi", "tei", "lmdeploy", "tensorrt-llm")
_NAMES_FORMATS = ("vllm", "sglang", "tgi", "tei")
"""Those of them that name formats by words; LMDeploy's cache is a number of bits."""
_COUNTS: Mapping[str, tuple[str, ...]] = {
    **{
        field: tuple(name.replace("_", "-") for name in spellings(field, *_ENGINES))
        for field in ("tensor_parallel", "pipeline_parallel", "max_model_len")
    },
    # those of other engines count otherwise
    **{field: spellings(field, "vllm") for field in ("max_num_seqs", "max_num_batched_tokens")},
}
_TEXTS: Mapping[str, tuple[str, ...]] = {
    field: spellings(field, *_NAMES_FORMATS) for field in ("model", "dtype", "quantization", "kv_cache_dtype")
}
_VARIABLES: Mapping[str, str] = {
    "MODEL_ID": "--model-id",
    "NUM_SHARD": "--num-shard",
    "SM_NUM_GPUS": "--num-shard",
    "QUANTIZE": "--quantize",
    "DTYPE": "--dtype",
    "KV_CACHE_DTYPE": "--kv-cache-dtype",
    "MAX_TOTAL_TOKENS": "--max-total-tokens",
    "HF_MODEL_ID": "--model-id",
    "HF_MODEL_QUANTIZE": "--quantize",
    "OPTION_MODEL_ID": "--model-id",
    "OPTION_TENSOR_PARALLEL_DEGREE": "--num-shard",
    "OPTION_QUANTIZE": "--quantize",
    "OPTION_DTYPE": "--dtype",
    "OPTION_MAX_MODEL_LEN": "--max-model-len",
}
"""Environment variables of TGI, of SageMaker's containers and of LMI that say what a flag says
(text-generation-launcher's `env`, docs.djl.ai LMI configurations; read 2026-11-26)."""
_SHARES = spellings("gpu_memory_utilization", "vllm", "sglang")
_SERVED = re.compile(
    r"\b(?:vllm serve|lmdeploy serve api_server|trtllm-serve(?: serve)?)\s+([A-Za-z0-9][\w.-]*/[\w./:-]+)"
)
"""Commands that take the model without a flag."""
_UNITS = {"": 1, "k": 1000, "K": 1024, "m": 1_000_000, "M": 1024 * 1024}
"""As vLLM reads lengths."""


def with_flag_fields(
    given: Combination, flags: Sequence[tuple[str, str]], env: Mapping[str, str]
) -> Combination:
    """The combination with what its flags and environment say, where the field itself says nothing."""
    values = {_VARIABLES[name]: value for name, value in env.items() if name in _VARIABLES}
    # arguments of Python
    values |= {"--" + name.replace("_", "-"): value for name, value in env.items() if name.islower()}
    served = _SERVED.search(str(given.env or ""))
    if served:
        values["--model"] = served[1]
    values |= {name.replace("_", "-"): value for name, value in flags}
    if not values:
        return given
    found: dict[str, Any] = {}
    for field, names in _COUNTS.items():
        count = next((_count(values[name]) for name in names if name in values), None)
        if count and count <= LARGEST[field] and getattr(given, field) is None:
            found[field] = count
    for field, names in _TEXTS.items():
        text = next((values[name] for name in names if values.get(name)), "")
        if _is_plain(text) and getattr(given, field) is None:
            found[field] = text
    share = next((values[name] for name in _SHARES if name in values), "")
    if given.gpu_memory_utilization is None and re.fullmatch(r"0?\.\d+|1(\.0*)?", share):
        found["gpu_memory_utilization"] = float(share)
    return changed(given, found) if found else given


def _count(text: str) -> int | None:
    number = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([kKmM]?)", text)
    return int(float(number[1]) * _UNITS[number[2]]) if number else None


def _is_plain(text: str) -> bool:
    """Whether it is a value, not a variable or a template of one."""
    return bool(re.fullmatch(r"[A-Za-z0-9][\w./:-]*", text))
