"""The answer of `gpuyard fit` as data: keys stay as they are."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gpuyard.planning.memory import ACCURACY
from gpuyard.planning.quantization import published_kind

if TYPE_CHECKING:
    from gpuyard.cli.fit_request import Request
    from gpuyard.planning.machines import Option, Options


def fit_document(request: "Request", options: "Options") -> dict[str, Any]:
    """JSON-ready, cheapest option first."""
    model = request.model
    return {
        "model": {
            "id": model.id,
            "parameters": round(model.params),
            "context": model.context,
            "quantization": published_kind(model),
            "gated": model.gated,
            "verified": model.cache_verified,
            "source": model.source,
            "as_of": model.as_of,
        },
        "planned": {
            "context_tokens": request.context_tokens,
            "concurrency": request.concurrency,
            "assumed": list(request.assumed),
            "runtime": request.runtime,
            "runtime_version": request.version,
            "quantization": request.wanted["quantization"],
            "kv_cache_dtype": request.wanted["kv_cache_dtype"],
            "data_parallel": request.wanted["data_parallel"],
            "expert_parallel": request.wanted["expert_parallel"],
            "text_only": request.wanted["text_only"],
            "draft_tokens": request.wanted["extras"].draft_tokens,
            "loras": request.wanted["extras"].adapters,
            "lora_rank": request.wanted["extras"].adapter_rank,
            "clouds": list(request.clouds),
            "regions": list(request.regions),
        },
        "options": [_option(option) for option in options.found],
        "left_out": [asdict(item) for item in options.left_out],
        "accuracy": asdict(ACCURACY),
    }


def _option(option: "Option") -> dict[str, Any]:
    fitted = asdict(option.fit)
    return {
        "cloud": option.cloud,
        "machine_type": option.machine_type,
        "gpus_per_machine": option.gpus_per_machine,
        "machines": option.machines,
        "replicas_per_machine": option.replicas_per_machine,
        "usd_per_hour": option.usd_per_hour,
        "on_demand": asdict(option.on_demand) if option.on_demand else None,
        "spot": asdict(option.spot) if option.spot else None,
        "warnings": list(option.warnings),
        "fit": {
            **{key: value for key, value in fitted.items() if key != "model"},
            "flags": list(option.fit.flags),
            "notes": list(option.fit.notes),
        },
    }
