"""The answer of `gpuyard fit` as terminal text."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpuyard.planning.machines import TOO_FEW, LeftOut, Option, RegionPrice, thin_out
from gpuyard.planning.memory import ACCURACY
from gpuyard.planning.quantization import published_kind
from gpuyard.units import format_bytes, format_usd

if TYPE_CHECKING:
    from gpuyard.cli.fit_request import Request
    from gpuyard.planning.fitted import Fit
    from gpuyard.planning.machines import Options

HEAD = ("on demand", "spot", "machines", "GPUs of a replica", "context", "at once", "prices of")


def render_options(request: "Request", options: "Options", *, every: bool) -> str:
    """Head, table of machines, flags per GPU, and what was left out."""
    shown = list(options.found) if every else list(thin_out(options.found, spot=True))
    lines = _head(request)
    if shown:
        lines += ["", *_table(HEAD, [_row(option) for option in shown])]
        hidden = len(options.found) - len(shown)
        if hidden:
            lines.append(f"and {hidden} more with the same GPUs: --all")
        lines += ["", "flags", *_flags([option.fit for option in shown])]
        warnings = dict.fromkeys(text for option in shown for text in option.warnings)
        lines += [f"  warning: {text}" for text in warnings]
    else:
        lines += ["", "no machine type holds it"]
    gone = _left_out(options.left_out, every=every)
    if gone:
        lines += ["", "left out", *gone]
    lines += ["", _accuracy()]
    return "\n".join(lines)


def _accuracy() -> str:
    return (
        f"caches are computed: {ACCURACY.median:.1%} of a GPU off in the median, "
        f"{ACCURACY.p90:.1%} in nine of ten, {ACCURACY.worst:.1%} at worst, "
        f"against {ACCURACY.starts} logged starts"
    )


def _head(request: "Request") -> list[str]:
    model, wanted = request.model, request.wanted
    kind = published_kind(model)
    asked = f", loaded as {wanted['quantization']}" if wanted["quantization"] else ""
    cache = f", {wanted['kv_cache_dtype']} cache" if wanted["kv_cache_dtype"] else ""
    lines = [
        f"{model.id}: {model.params / 1e9:.4g} B parameters, {kind}{asked}, context {model.context:,}",
        f"planned: {request.concurrency} sequences of {request.context_tokens:,} tokens at once{cache}"
        f"{_extras(request)}, {request.runtime} {request.version}".rstrip(),
    ]
    if request.assumed:
        lines.append(f"assumed, because not asked: {' and '.join(request.assumed)}")
    if model.gated:
        lines.append("its weights need a token of an account that accepted the licence")
    return lines


def _extras(request: "Request") -> str:
    extras = request.wanted["extras"]
    parts = [
        "text only" if request.wanted["text_only"] else "",
        f"{extras.draft_tokens} drafted ahead" if extras.draft_tokens else "",
        f"{extras.adapters} LoRA adapters of rank {extras.adapter_rank}" if extras.adapters else "",
    ]
    return "".join(f", {part}" for part in parts if part)


def _row(option: Option) -> tuple[str, ...]:
    fitted = option.fit
    count = f"{option.machines} x " if option.machines > 1 else ""
    spare = f" ({option.replicas_per_machine} fit)" if option.replicas_per_machine > 1 else ""
    dates = sorted({price.as_of for price in (option.on_demand, option.spot) if price})
    return (
        _price(option.on_demand, option.machines),
        _price(option.spot, option.machines),
        f"{count}{option.cloud} {option.machine_type}{spare}",
        _split(fitted),
        f"{fitted.max_context:,}",
        f"{fitted.max_concurrency:,}",
        ", ".join(dates) or "-",
    )


def _price(price: RegionPrice | None, machines: int) -> str:
    return "unknown" if price is None else f"{format_usd(price.usd * machines)}/h {price.region}"


def _split(fitted: "Fit") -> str:
    sizes = (
        ("DP", fitted.data_parallel),
        ("TP", fitted.tensor_parallel),
        ("PP", fitted.pipeline_parallel),
    )
    parts = [f"{name}{size}" for name, size in sizes if size > 1] + ["EP"] * fitted.expert_parallel
    return " ".join([f"{fitted.gpus} x {fitted.gpu}", *parts])


def _flags(fits: Sequence["Fit"]) -> list[str]:
    lines = []
    for fitted in dict.fromkeys(fits):
        lines.append(f"  {_split(fitted)}: {shlex.join(fitted.flags) or '-'}")
        lines.append(
            f"    per GPU: weights {format_bytes(fitted.weights_bytes_per_gpu)}, "
            f"steps and runtime {format_bytes(fitted.working_bytes_per_gpu)}, "
            f"cache {format_bytes(fitted.kv_bytes_available)} ({_held(fitted)})"
        )
    notes = dict.fromkeys(note for fitted in dict.fromkeys(fits) for note in fitted.notes)
    return lines + [f"  note: {note}" for note in notes]


def _held(fitted: "Fit") -> str:
    """Windows alone keep the same of a sequence however long it is."""
    return (
        f"{fitted.kv_tokens:,} tokens in all" if fitted.kv_tokens else "windows alone, whatever the context"
    )


def _left_out(left_out: Sequence[LeftOut], *, every: bool) -> list[str]:
    """One line per reason; machine types that are merely too small are counted."""
    groups: dict[str, list[str]] = {}
    small = []
    for item in left_out:
        if item.reason.endswith(TOO_FEW) and not every:
            small.append(item.what)
        else:
            groups.setdefault(item.reason, []).append(item.what)
    lines = [f"  {', '.join(names)}: {reason}" for reason, names in groups.items()]
    if small:
        lines.append(f"  {len(small)} machine types with too few GPUs for one replica: --all")
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
