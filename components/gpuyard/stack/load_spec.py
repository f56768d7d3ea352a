"""What is asked of an endpoint, and who looks after it: `load` and `people` of a deployment."""

from datetime import date

from pydantic import Field, model_validator

from gpuyard.parsing import Spec


class OwnThroughput(Spec):
    """One throughput that you measured on the endpoint's own model, GPU and runtime."""

    output_tokens_per_second: float = Field(gt=0, allow_inf_nan=False)
    """Of one replica, while the latencies below held."""
    gpus: int | None = Field(default=None, ge=1, le=1024)
    """GPUs of that replica. Default: as many as the endpoint's replicas have."""
    input_tokens: float = Field(gt=0, allow_inf_nan=False)
    output_tokens: float = Field(gt=0, allow_inf_nan=False)
    """Mean per request."""
    ttft_ms: float | None = Field(default=None, gt=0)
    tpot_ms: float | None = Field(default=None, gt=0)
    concurrency: int | None = Field(default=None, ge=1)
    date: date
    what: str = Field(min_length=1, max_length=500)
    """How it was measured, in words: ``vllm bench serve, 64 at once, 10 minutes``."""


class LoadSpec(Spec):
    """Requests, their lengths, when they come, and the latency that callers are promised."""

    requests_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Mean over the active hours; or say `requests_per_day`."""
    requests_per_day: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """On a busy day; or say `requests_per_second`."""
    input_tokens: float = Field(gt=0, le=16_777_216)
    output_tokens: float = Field(gt=0, le=16_777_216)
    """Mean per request."""
    active_hours: float | None = Field(default=None, gt=0, le=24)
    """Hours of a busy day in which requests come, evenly. Default 24."""
    hourly: tuple[float, ...] = ()
    """Instead: 24 weights, midnight first, in whose proportions a day's requests come."""
    days_per_week: float = Field(default=7, gt=0, le=7)
    """Busy days; nothing is asked on the others. Default 7."""
    ttft_ms: float = Field(default=5000, gt=0)
    """Time to the first token that callers may wait. Default 5000."""
    tpot_ms: float = Field(default=50, gt=0)
    """Time per further token. Default 50, which is 20 tokens a second."""
    utilisation: float = Field(default=0.7, gt=0, le=1)
    """Share of a replica's capacity in an hour above which another one is planned. Default 0.7."""
    usd_per_gpu_hour: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """What a GPU hour costs you where no table knows it, as on an existing cluster."""
    measured: tuple[OwnThroughput, ...] = ()
    """Your own throughputs; they go before published ones. Two of different proportions tell input from
    output."""

    @model_validator(mode="after")
    def _agree(self) -> "LoadSpec":
        problems = []
        if (self.requests_per_second is None) == (self.requests_per_day is None):
            problems.append("say either `requests_per_second` or `requests_per_day`")
        if self.hourly:
            if self.active_hours is not None:
                problems.append("`hourly` and `active_hours` say the same thing twice; keep one")
            if len(self.hourly) != 24:
                problems.append(f"`hourly` has {len(self.hourly)} weights; a day has 24 hours")
            if any(weight < 0 for weight in self.hourly) or not sum(self.hourly) > 0:
                problems.append("`hourly` weights are 0 or more, and not all 0")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class PeopleSpec(Spec):
    """Time that people spend; no default, for nobody else knows yours."""

    setup_hours: float = Field(ge=0, le=1e6)
    """Once, until it serves."""
    monthly_hours: float = Field(ge=0, le=1e6)
    """Upkeep, every month."""
    usd_per_hour: float = Field(gt=0, le=1e5)
    source: str = Field(min_length=3, max_length=300)
    """Where these numbers come from: ``time sheets of the platform team, 2026``."""
    months: int = Field(default=12, ge=1, le=120)
    """Over how long ownership is added up. Default 12."""
