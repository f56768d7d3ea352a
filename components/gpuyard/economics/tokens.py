"""Money per million tokens: what a GPU hour costs over what it serves, at any utilisation.

    usd_per_request  = usd_per_gpu_hour / 3600 / (tokens_per_s_per_gpu / output_tokens) / utilisation
    usd_per_1m_input = usd_per_gpu_hour / 3600 * seconds_per_input_token * 1e6 / utilisation
    break_even       = usd_per_request at utilisation 1 / usd_per_request of the hosted API

Utilisation is the share of the billed GPU-seconds that serve, measured against the throughput at the latency
target: at 1 every billed second is as busy as the latency allows.
"""

from gpuyard.economics.load import Workload
from gpuyard.economics.throughput import Capability
from gpuyard.records import record

MILLION = 1e6
FORMULAS = {
    "usd_per_request": "usd_per_gpu_hour / 3600 / tokens_per_s_per_gpu * output_tokens / utilisation",
    "usd_per_1m_blended": "usd_per_request * 1e6 / (input_tokens + output_tokens)",
    "usd_per_1m_output_only": "usd_per_gpu_hour / 3600 * 1e6 / tokens_per_s_per_gpu / utilisation",
    "usd_per_1m_input": "usd_per_gpu_hour / 3600 * seconds_per_input_token * 1e6 / utilisation",
    "usd_per_1m_output": "usd_per_gpu_hour / 3600 * seconds_per_output_token * 1e6 / utilisation",
    "hosted_usd_per_request": "(input_tokens * input_usd + output_tokens * output_usd) / 1e6",
    "break_even": "usd_per_request at utilisation 1 / hosted_usd_per_request; above 1: never",
}
"""Everything that is needed to compute the numbers again at another utilisation or price."""


@record
class TokenPrice:
    """USD at one utilisation."""

    utilisation: float
    per_request: float
    blended: float
    """Per 1M tokens, input and output together."""
    output_only: float
    """Per 1M output tokens, as if input were free."""
    input: float | None
    output: float | None
    """Per 1M tokens each; None: they cannot be told apart. Together they are the request."""


def price_tokens(capability: Capability, usd_per_gpu_hour: float, utilisation: float) -> TokenPrice:
    """What tokens cost at ``utilisation`` (above 0, at most 1)."""
    per_second = usd_per_gpu_hour / 3600 / utilisation
    work = capability.workload
    request = per_second / capability.requests_per_s_per_gpu
    into, out = _shares(capability)
    return TokenPrice(
        utilisation=utilisation,
        per_request=request,
        blended=request * MILLION / (work.input_tokens + work.output_tokens),
        output_only=request * MILLION / work.output_tokens,
        input=None if into is None else per_second * into * MILLION,
        output=None if out is None else per_second * out * MILLION,
    )


def _shares(capability: Capability) -> tuple[float | None, float | None]:
    """GPU-seconds per input and per output token, scaled so that together they are the request."""
    into, out = capability.seconds_per_input_token, capability.seconds_per_output_token
    if into is None or out is None:
        return None, None
    work = capability.workload
    split = work.input_tokens * into + work.output_tokens * out
    factor = 1 / capability.requests_per_s_per_gpu / split
    return into * factor, out * factor


def hosted_request(workload: Workload, input_usd: float, output_usd: float) -> float:
    """What a hosted API takes for one request, at its prices per 1M tokens."""
    return (workload.input_tokens * input_usd + workload.output_tokens * output_usd) / MILLION


def break_even(per_request_at_full: float, hosted_per_request: float) -> float | None:
    """The utilisation at which a request costs what the hosted API takes; None: not even at 1."""
    if hosted_per_request <= 0:
        return None
    share = per_request_at_full / hosted_per_request
    return share if share <= 1 else None
