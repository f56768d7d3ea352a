"""`gpuyard fit MODEL`: which GPUs and machines hold a model, with what flags, at what price."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gpuyard.catalog.hardware import Gpu
    from gpuyard.cli.fit_request import Request
    from gpuyard.planning.fitted import Fit
    from gpuyard.planning.machines import Verdict


@click.command("fit")
@click.argument("model")
@click.option("--gpu", "gpus", multiple=True, help="Only this GPU; repeat for more. Default: all on sale.")
@click.option("--context", metavar="TOKENS", help="Longest sequence, e.g. 32768 or 32k. Default: 8192.")
@click.option("--concurrency", metavar="N", help="Sequences of that length at once. Default: 8.")
@click.option("--quantization", metavar="KIND", help="fp8, awq, ... Default: the checkpoint's own.")
@click.option("--kv-cache-dtype", metavar="KIND", help="fp8, ... Default: 16 bit.")
@click.option(
    "--runtime", default="vllm", show_default=True, help="vllm, sglang, tgi, tensorrt-llm or lmdeploy."
)
@click.option("--runtime-version", metavar="VERSION", help="Default: the newest known.")
@click.option("--data-parallel", metavar="N", help="Copies of attention that share one set of experts.")
@click.option("--expert-parallel", is_flag=True, help="Whole experts on each GPU instead of slices of all.")
@click.option(
    "--draft-tokens", metavar="N", help="Tokens that the model's own draft layers (MTP) guess ahead."
)
@click.option("--loras", metavar="N", help="LoRA adapters at once.")
@click.option("--lora-rank", metavar="R", help="The largest rank of an adapter. Default: 16.")
@click.option("--text-only", is_flag=True, help="Leave out the encoder of a model that sees.")
@click.option("--cloud", "clouds", multiple=True, help="aws or gcp; repeat for both. Default: both.")
@click.option("--region", "regions", multiple=True, help="Price here only; repeat for more. Default: all.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="config.json of a model that the catalog lacks."
)
@click.option("--all", "every", is_flag=True, help="Every machine type, not the cheapest of each kind.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(model: str, config: Path | None, style: str, *, every: bool, **asked: Any) -> int:
    """Which GPUs and machine types hold MODEL, cheapest first; exit 1 when none does.

    MODEL is an id of the catalog such as `Qwen/Qwen3-32B` (`gpuyard catalog search`), or any name together
    with --config. Longest context and largest concurrency are per replica; prices are per hour of the
    machines that one replica needs.
    """
    from gpuyard.cli.fit_request import read_request
    from gpuyard.planning.machines import rank_machines

    request = read_request(model, config, asked)
    options = rank_machines(
        request.model,
        request.gpus,
        clouds=request.clouds,
        regions=request.regions,
        judge=lambda fitted, gpu: _judge(request, fitted, gpu),
        **request.wanted,
    )
    if style == "json":
        from gpuyard.cli.fit_json import fit_document

        click.echo(json.dumps(fit_document(request, options), indent=2))
    else:
        from gpuyard.cli.fit_text import render_options

        click.echo(render_options(request, options, every=every))
    return 0 if options.found else 1


def _judge(request: "Request", fitted: "Fit", gpu: "Gpu") -> "Verdict":
    """What `gpuyard compat` says of the release on the GPU; memory is not judged a second time."""
    from gpuyard.catalog.gguf import is_gguf
    from gpuyard.compat.check import check
    from gpuyard.compat.combination import Combination
    from gpuyard.errors import Severity
    from gpuyard.planning.fit_flags import HALVES
    from gpuyard.planning.machines import Verdict

    quantized = fitted.quantization not in ("bfloat16", "float16", "float32")
    half = f"--dtype={HALVES.get(request.runtime)}" in fitted.flags
    combination = Combination(
        gpu=gpu.id,
        runtime=request.runtime,
        runtime_version=request.version,
        install="docker",
        model=request.model.id,
        dtype="float16" if half else None,
        quantization=("gguf" if is_gguf(fitted.quantization) else fitted.quantization) if quantized else None,
        kv_cache_dtype=request.wanted["kv_cache_dtype"],
        tensor_parallel=fitted.tensor_parallel,
    )
    said = [
        (finding.severity, f"{finding.message}; {finding.fix}  [{finding.code}]")
        for finding in check(combination, spell=_spell)
        if not finding.code.startswith(("MEMORY_", "TP_"))  # judged here
    ]
    return Verdict(
        refusal=next((text for severity, text in said if severity is Severity.ERROR), ""),
        warnings=tuple(text for severity, text in said if severity is Severity.WARNING),
    )


_OPTIONS = {
    "gpu": "--gpu",
    "runtime": "--runtime",
    "runtime_version": "--runtime-version",
    "quantization": "--quantization",
    "kv_cache_dtype": "--kv-cache-dtype",
}


def _spell(changes: "Mapping[str, Any]") -> str:
    """Changed fields as options of this command; the words before say the others."""
    return " ".join(
        f"{_OPTIONS[field]} {value}" for field, value in changes.items() if field in _OPTIONS and value
    )
