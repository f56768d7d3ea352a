"""A load over the day and the month: what is asked of an endpoint, as its owner declares it."""

from math import log

from gpuyard.records import record

HOURS_PER_DAY = 24


@record
class Workload:
    """Mean tokens of one request."""

    input_tokens: float
    output_tokens: float

    @property
    def ratio(self) -> float:
        """Input tokens per output token: what decides how much of a GPU goes to reading."""
        return self.input_tokens / self.output_tokens

    def distance(self, other: "Workload") -> float:
        """The larger factor between the two in either length, as a logarithm; 0: equal."""
        return max(
            abs(log(self.input_tokens / other.input_tokens)),
            abs(log(self.output_tokens / other.output_tokens)),
        )

    def __str__(self) -> str:
        return f"{self.input_tokens:,.0f} in / {self.output_tokens:,.0f} out"


@record
class Target:
    """The latency that callers are promised, milliseconds."""

    ttft_ms: float = 5000.0
    """To the first token."""
    tpot_ms: float = 50.0
    """Per further token; 50 ms are 20 tokens a second for each reader."""


@record
class Load:
    """Requests per second in each hour of a busy day, and how often there is one."""

    workload: Workload
    hourly: tuple[float, ...]
    """Requests per second by hour of a busy day, 24 numbers."""
    days_per_week: float = 7.0
    """Busy days; on the others nothing is asked."""

    @property
    def requests_per_day(self) -> float:
        """On a busy day."""
        return sum(self.hourly) * 3600

    def requests_per_month(self, hours: float) -> float:
        """In a month of ``hours``."""
        return self.requests_per_day * hours / HOURS_PER_DAY * self.days_per_week / 7


def spread_over_day(
    *,
    per_second: float | None = None,
    per_day: float | None = None,
    active_hours: float = 24.0,
    profile: tuple[float, ...] = (),
) -> tuple[float, ...]:
    """Requests per second by hour of a busy day.

    ``per_second`` is the mean over the active hours, ``per_day`` their sum. A ``profile`` of 24 weights
    spreads a day's requests in its proportions, and ``per_second`` is then the mean over the hours above
    zero. Without one the load is level over the active hours, counted from midnight.
    """
    weights = profile or tuple(max(0.0, min(1.0, active_hours - hour)) for hour in range(HOURS_PER_DAY))
    active = sum(1 for weight in weights if weight > 0) if profile else active_hours
    total = sum(weights)
    daily = per_day if per_day is not None else (per_second or 0.0) * active * 3600
    return tuple(daily / 3600 * weight / total for weight in weights)
