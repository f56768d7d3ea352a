"""Money per token, ownership and assumptions in words: rows that every format for people prints."""

from collections.abc import Iterator

from gpuyard.economics.people import Ownership
from gpuyard.economics.token_economics import GpuHour, TokenEconomics
from gpuyard.economics.tokens import TokenPrice
from gpuyard.economics.traffic import Assumption
from gpuyard.units import format_usd


def small_usd(amount: float | None) -> str:
    """Money with the digits that a token needs: cents below a dollar are not rounded away."""
    if amount is None:
        return "unknown"
    return f"${amount:.4f}" if 0 < abs(amount) < 0.1 else f"${amount:,.2f}"


def share(part: float | None) -> str:
    """A share in per cent, with the digits that a small one needs; None: never."""
    if part is None:
        return "never"
    return f"{part:.0%}" if part >= 0.01 or part <= 0 else f"{part * 100:.1g}%"


def headline(found: TokenEconomics) -> str:
    """The answer in one sentence."""
    if found.at_planned is None:
        least = found.at_ceiling
        floor = (
            ""
            if least is None or not least.blended
            else f"; at least {small_usd(least.blended)} per 1M tokens at full load"
        )
        return f"unknown: {found.unknown}{floor}"
    split = ""
    if found.at_planned.input is not None:
        split = f" ({small_usd(found.at_planned.input)} in, {small_usd(found.at_planned.output)} out)"
    full = small_usd(found.at_full.blended) if found.at_full else "unknown"
    return (
        f"{small_usd(found.at_planned.blended)} per 1M tokens{split} "
        f"at {share(found.utilisation)} utilisation, {full} at 100%"
    )


def price_rows(found: TokenEconomics) -> Iterator[tuple[str, str, str]]:
    """USD per 1M tokens at the planned and at full utilisation."""
    planned, full = found.at_planned, found.at_full
    yield "USD per 1M tokens", f"at {share(found.utilisation)}", "at 100%"
    for label, key in _KINDS:
        yield label, _part(planned, key), _part(full, key)


_KINDS = (
    ("input", "input"),
    ("output", "output"),
    ("all tokens together", "blended"),
    ("output, as if input were free", "output_only"),
)


def _part(price: TokenPrice | None, key: str) -> str:
    return "unknown" if price is None else small_usd(getattr(price, key))


def basis_lines(found: TokenEconomics) -> Iterator[str]:
    """What the numbers rest on: target, workload, facts and how they differ."""
    yield (
        f"within {found.target.ttft_ms:g} ms to the first token and {found.target.tpot_ms:g} ms per further "
        f"one; requests of {found.workload} tokens ({found.workload_basis})"
    )
    yield f"utilisation: {found.utilisation_basis}"
    if found.gpu_hour:
        hour = found.gpu_hour
        yield (
            f"a serving GPU hour: {small_usd(hour.usd)} {hour.purchase.replace('_', ' ')} "
            f"({hour.source}{', ' + hour.as_of if hour.as_of else ''})"
        )
        yield from _spread(found, hour)
    if found.capability:
        able = found.capability
        rate = f"{able.tokens_per_s_per_gpu:,.0f} output tokens/s per GPU"
        yield f"throughput, {able.basis}: {rate}; {able.rule}"
        for timing in able.timings:
            yield f"fact: {timing} ({timing.as_of})"
        for source in dict.fromkeys(timing.source for timing in able.timings):
            yield f"source: {source}"
        for text in able.differs:
            yield f"differs: {text}"
    for text in found.nearest:
        yield f"not taken: {text}"
    if found.ceiling:
        yield f"upper bound: {found.ceiling} ({found.ceiling.source}, {found.ceiling.as_of})"
    if found.all_in_per_1m is not None:
        yield f"everything of the stack included: {small_usd(found.all_in_per_1m)} per 1M tokens"


def _spread(found: TokenEconomics, hour: GpuHour) -> Iterator[str]:
    """What a token costs where the price of the hour is a distribution."""
    if (
        found.at_planned is None
        or hour.usd_low is None
        or hour.usd_high is None
        or hour.usd_low == hour.usd_high
    ):
        return
    low, high = (found.at_planned.blended * usd / hour.usd for usd in (hour.usd_low, hour.usd_high))
    yield f"with the hour at its P10 to P90: {small_usd(low)} to {small_usd(high)} per 1M tokens"


def demand_lines(found: TokenEconomics) -> Iterator[str]:
    """Replicas over the day."""
    day = found.day
    if day is None:
        return
    hours = " ".join(str(count) for count in day.by_hour)
    yield f"replicas by hour of a busy day: {hours}"
    yield (
        f"{day.idle} idle, {day.mean:.1f} on average, {day.peak} in the busiest hour; "
        f"{day.needed} needed then at the planned utilisation"
    )
    if day.lost_share > 0:
        yield (
            f"{day.lost_share:.0%} of the requests find no capacity at all; what hosted APIs take for the "
            "load is for all of them"
        )


def hosted_rows(found: TokenEconomics) -> Iterator[tuple[str, str, str, str]]:
    """Hosted APIs of the same model: prices, cost of the load, break-even."""
    yield "hosted API", "in / out per 1M", "this load a month", "break-even"
    for row in found.hosted:
        monthly = "unknown" if row.usd_per_month is None else format_usd(row.usd_per_month)
        point = "unknown" if found.at_full is None else share(row.break_even)
        yield row.provider, f"{small_usd(row.input_usd)} / {small_usd(row.output_usd)}", monthly, point


def cheaper_rows(found: TokenEconomics) -> Iterator[tuple[str, str, str]]:
    """Other ways that meet the target for less, and why they were not chosen."""
    for row in found.cheaper:
        bought = row.purchase.replace("_", " ")
        yield (
            f"{row.machine} {bought}, {row.place}",
            f"{small_usd(row.usd_per_1m_blended)} per 1M, {row.saves_share:.0%} less",
            row.not_chosen,
        )


def ownership_rows(found: Ownership) -> Iterator[tuple[str, str]]:
    """Cloud and people over the months, the hosted alternative beside them."""
    months = found.people.months
    yield "set-up, once", format_usd(found.setup_usd)
    yield f"upkeep, {months} months", format_usd(found.upkeep_usd_per_month * months)
    yield f"cloud, {months} months", format_usd(found.cloud_usd_per_month * months + found.cloud_one_time)
    yield "together", format_usd(found.total_usd)
    hosted = "unknown" if found.hosted_usd is None else format_usd(found.hosted_usd)
    yield f"hosted instead, {months} months", hosted


def ownership_notes(found: Ownership) -> Iterator[str]:
    """Where those numbers come from."""
    people = found.people
    yield (
        f"people: {people.setup_hours:g} h to set up, {people.monthly_hours:g} h a month, "
        f"{format_usd(people.usd_per_hour)} an hour ({people.source})"
    )
    yield f"hosted: {found.hosted}"
    if found.cloud:
        yield f"cloud: {found.cloud}"


def assumption_line(found: Assumption) -> str:
    """One assumption."""
    return f"{found.name}: {found.value:,g} {found.unit} ({found.why})"
