"""What the tokens of one endpoint cost, beside hosted APIs and beside cheaper ways to serve them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from typing import Any

from gpuyard.catalog.throughput import hosted_prices, model_key
from gpuyard.economics.load import Load, Target, Workload
from gpuyard.economics.replicas import ReplicaDay
from gpuyard.economics.throughput import (
    Capability,
    NoFact,
    Setting,
    Timing,
    find_capability,
    find_ceiling,
    published_workloads,
)
from gpuyard.economics.tokens import FORMULAS, TokenPrice, break_even, hosted_request, price_tokens
from gpuyard.records import record

ASSUMED_UTILISATION = 0.4
"""Where no load is declared: the middle of what planners assume, 0.3 to 0.6; every report says so."""
ASSUMED_WORKLOAD = Workload(input_tokens=1024, output_tokens=1024)
"""Where neither a load nor a fact has lengths."""
_CHEAPER_SHOWN = 5


@record
class GpuHour:
    """What one GPU costs per hour that serves when its node is full: node price over such GPUs."""

    usd: float
    purchase: str
    source: str
    as_of: str
    usd_low: float | None = None
    usd_high: float | None = None
    """P10 and P90 where the price is a distribution."""


@record
class Candidate:
    """Another way to serve the same endpoint."""

    place: str
    machine: str
    purchase: str
    setting: Setting
    gpu_hour: GpuHour
    not_chosen: str
    """Why the stack does not run there."""


@record
class Cheaper:
    """A candidate that meets the target for less, at the planned utilisation."""

    place: str
    machine: str
    purchase: str
    gpu: str
    gpus_per_replica: int
    usd_per_gpu_hour: float
    usd_per_1m_blended: float
    saves_share: float
    """Of the cost per token of what was chosen."""
    basis: str
    not_chosen: str


@record
class Hosted:
    """One hosted API for the same requests."""

    provider: str
    input_usd: float
    output_usd: float
    """Per 1M tokens."""
    per_request: float
    break_even: float | None
    """Utilisation from which on serving is cheaper; None: never at this price of a GPU hour."""
    usd_per_month: float | None
    """For the declared load; None: none is declared."""
    source: str
    as_of: str


@record
class TokenEconomics:
    """Everything about money per token of one endpoint; unknown is None, with the reason beside it."""

    setting: Setting
    """Without the model's shape."""
    target: Target
    workload: Workload
    workload_basis: str
    """``declared``, or what was assumed instead."""
    capability: Capability | None
    unknown: str = ""
    """Why there is no capability or no price."""
    nearest: tuple[str, ...] = ()
    """Facts that were not taken, and why."""
    ceiling: Timing | None = None
    """Best throughput without a latency limit: costs are at least those at it."""
    gpu_hour: GpuHour | None = None
    utilisation: float = ASSUMED_UTILISATION
    utilisation_basis: str = ""
    at_full: TokenPrice | None = None
    at_planned: TokenPrice | None = None
    at_ceiling: TokenPrice | None = None
    """At utilisation 1 and the ceiling's throughput: no configuration on this GPU is known to be cheaper."""
    all_in_per_1m: float | None = None
    """USD per 1M tokens that are served, input and output together, everything of the stack included."""
    requests_per_month: float | None = None
    day: ReplicaDay | None = None
    hosted: tuple[Hosted, ...] = ()
    cheaper: tuple[Cheaper, ...] = ()
    next_cheaper: str = ""
    """The cheapest other way in one sentence, or that there is none."""
    formulas: Mapping[str, str] = field(default_factory=lambda: dict(FORMULAS))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the model's shape is left out."""
        data = asdict(self)
        del data["setting"]["shape"]
        return data


def weigh_tokens(
    setting: Setting,
    target: Target,
    *,
    load: Load | None = None,
    own: Sequence[Timing] = (),
    gpu_hour: GpuHour | None = None,
    day: ReplicaDay | None = None,
    utilisation: float | None = None,
    usd_per_month: float | None = None,
    hours_per_month: float = 730,
    candidates: Sequence[Candidate] = (),
) -> TokenEconomics:
    """The economics of one endpoint.

    ``utilisation`` is the share of billed serving GPU-seconds in use (None: assumed); ``usd_per_month`` is
    what everything of the endpoint costs at the expected load; ``day`` its replicas.
    """
    workload, workload_basis = _workload(setting, target, load, own)
    found = find_capability(setting, workload, target, own)
    planned = ASSUMED_UTILISATION if utilisation is None else utilisation
    basis = "the declared load over the billed GPUs"
    if utilisation is None:
        why = "no load is declared" if load is None else "what the declared load uses of a GPU is not known"
        basis = f"assumed: {why}, and planners take 0.3 to 0.6; {ASSUMED_UTILISATION} here"
    requests = None if load is None else load.requests_per_month(hours_per_month)
    common: dict[str, Any] = {
        "setting": replace(setting, shape=None),
        "target": target,
        "workload": workload,
        "workload_basis": workload_basis,
        "gpu_hour": gpu_hour,
        "utilisation": planned,
        "utilisation_basis": basis,
        "requests_per_month": requests,
        "day": day,
        "all_in_per_1m": _all_in(usd_per_month, requests, day, workload),
        "ceiling": (ceiling := find_ceiling(setting, workload)),
        "at_ceiling": _at_ceiling(ceiling, workload, gpu_hour),
    }
    if isinstance(found, NoFact):
        return TokenEconomics(
            **common,
            capability=None,
            unknown=found.reason,
            nearest=found.nearest,
            hosted=_hosted(setting, workload, None, requests),
        )
    if gpu_hour is None:
        return TokenEconomics(
            **common,
            capability=found,
            unknown="no price of a GPU hour is known: declare `usd_per_gpu_hour` in the load",
            hosted=_hosted(setting, workload, None, requests),
        )
    at_full = price_tokens(found, gpu_hour.usd, 1.0)
    at_planned = price_tokens(found, gpu_hour.usd, planned) if planned > 0 else None
    cheaper = _cheaper(candidates, target, workload, at_full, planned or ASSUMED_UTILISATION)
    return TokenEconomics(
        **common,
        capability=found,
        unknown="" if at_planned else "nothing is asked of it, so no token has a price",
        at_full=at_full,
        at_planned=at_planned,
        hosted=_hosted(setting, workload, at_full, requests),
        cheaper=cheaper,
        next_cheaper=_in_words(cheaper, len(candidates)),
    )


def _workload(
    setting: Setting, target: Target, load: Load | None, own: Sequence[Timing]
) -> tuple[Workload, str]:
    if load is not None:
        return load.workload, "declared"
    if own:
        return own[0].workload, "assumed: that of your own measurement"
    known = published_workloads(setting, target)
    if known:
        nearest = min(known, key=lambda one: one.distance(ASSUMED_WORKLOAD))
        return nearest, "assumed: that of the published measurement"
    return ASSUMED_WORKLOAD, "assumed: as many tokens in as out"


def _all_in(
    usd_per_month: float | None, requests: float | None, day: ReplicaDay | None, workload: Workload
) -> float | None:
    """Over the requests that find capacity; nobody pays for the others."""
    served = requests * (1 - day.lost_share) if requests and day else requests
    if usd_per_month is None or not served:
        return None
    return usd_per_month / served / (workload.input_tokens + workload.output_tokens) * 1e6


def _at_ceiling(ceiling: Timing | None, workload: Workload, gpu_hour: GpuHour | None) -> TokenPrice | None:
    if ceiling is None or gpu_hour is None:
        return None
    best = Capability(
        workload=workload,
        tokens_per_s_per_gpu=ceiling.tokens_per_s_per_gpu,
        seconds_per_input_token=None,
        seconds_per_output_token=None,
        basis=ceiling.basis,
        rule="",
        differs=(),
        timings=(ceiling,),
    )
    return price_tokens(best, gpu_hour.usd, 1.0)


def _hosted(
    setting: Setting, workload: Workload, at_full: TokenPrice | None, requests: float | None
) -> tuple[Hosted, ...]:
    """Hosted APIs of the very model, the cheapest for this workload first."""
    rows = []
    for price in hosted_prices():
        if model_key(price.model) != model_key(setting.model):
            continue
        each = hosted_request(workload, price.input_usd, price.output_usd)
        rows.append(
            Hosted(
                provider=price.provider,
                input_usd=price.input_usd,
                output_usd=price.output_usd,
                per_request=each,
                break_even=None if at_full is None else break_even(at_full.per_request, each),
                usd_per_month=None if requests is None else requests * each,
                source=price.source,
                as_of=price.as_of,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.per_request, row.provider)))


def _cheaper(
    candidates: Sequence[Candidate],
    target: Target,
    workload: Workload,
    chosen: TokenPrice,
    utilisation: float,
) -> tuple[Cheaper, ...]:
    rows = []
    for candidate in candidates:
        found = find_capability(candidate.setting, workload, target)
        if isinstance(found, NoFact):
            continue
        full = price_tokens(found, candidate.gpu_hour.usd, 1.0)
        if full.blended >= chosen.blended * (1 - 1e-9):
            continue
        rows.append(
            Cheaper(
                place=candidate.place,
                machine=candidate.machine,
                purchase=candidate.purchase,
                gpu=candidate.setting.gpu,
                gpus_per_replica=candidate.setting.gpus_per_replica,
                usd_per_gpu_hour=candidate.gpu_hour.usd,
                usd_per_1m_blended=full.blended / utilisation,
                saves_share=1 - full.blended / chosen.blended,
                basis=found.basis,
                not_chosen=candidate.not_chosen,
            )
        )
    rows.sort(key=lambda row: (row.usd_per_1m_blended, row.place, row.machine, row.purchase))
    return tuple(rows[:_CHEAPER_SHOWN])


def _in_words(cheaper: Sequence[Cheaper], looked_at: int) -> str:
    if not looked_at:
        return "no other way to serve it was looked at"
    if not cheaper:
        return f"none of {looked_at} other ways that were looked at is known to meet the target for less"
    best = cheaper[0]
    return (
        f"{best.machine} {best.purchase.replace('_', ' ')} in {best.place} would take {best.saves_share:.0%} "
        f"off the price of a token at the same utilisation; not chosen: {best.not_chosen}"
    )
