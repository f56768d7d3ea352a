"""Numbers and rows in words, the same in every format."""

from decimal import Decimal

from gpuyard.costs.line_item import LineItem
from gpuyard.leadtime.lead_time import Gate, Journey, Shortcut
from gpuyard.report.limits import Verdict
from gpuyard.report.model import Report
from gpuyard.units import format_seconds, format_usd

JOURNEYS = {
    "empty_account": "from an empty account",
    "zero_to_one": "from zero to one replica",
    "one_more_replica": "one more replica",
    "node_lost": "after a lost node",
    "rollout": "a rollout",
}
PRICE_AGE_NOTE = "Prices are list prices of dated tables, before taxes and private discounts."


def price_note(report: Report) -> str:
    """What prices the report stands on, and whose discounts and commitments are in it, by name."""
    own = dict.fromkeys(
        name for item in report.costs.items for name in item.discounts if name != "sustained use"
    )
    if not own:
        return PRICE_AGE_NOTE
    return f"Prices are list prices of dated tables, before taxes, under your rates: {', '.join(own)}."


def usd(amount: Decimal | float) -> str:
    """Money for people."""
    return format_usd(float(amount))


def month(report: Report, amount: Decimal) -> str:
    """An amount of the report's month; a word where nothing has a price, but something costs."""
    costs = report.costs
    return "unknown" if costs.unknown and not amount and not costs.priced else usd(amount)


def duration(seconds: float | None) -> str:
    """Seconds for people; None is a word."""
    return "unknown" if seconds is None else format_seconds(seconds)


def rate(item: LineItem) -> str:
    """The price of one unit, e.g. ``$6.88 per hour``; small ones with the digits they need."""
    return f"{unit_usd(item.unit_price)} per {item.unit}"


def unit_usd(price: Decimal | float) -> str:
    """The price of one unit: cents, and below a dollar the digits that it needs."""
    value = abs(float(price))
    text = f"${value:,.2f}"
    if value < 1:  # four cents and a half are not five
        text = max(text, f"${value:.6f}".rstrip("0"), key=len)
    return f"-{text}" if price < 0 else text


def journey_line(journey: Journey) -> tuple[str, str, str]:
    """Name, median and P90 of a journey in words; nothing known is a word."""
    name = JOURNEYS[journey.name]
    if journey.path_s == 0:
        return name, "unknown", "unknown"
    least = "at least " if journey.unknown else ""
    return name, least + duration(journey.p50_s), least + duration(journey.p90_s)


def shortcut_line(shortcut: Shortcut) -> tuple[str, str, str]:
    """Name, effect and price of a way to shorten journeys, in words."""
    if shortcut.saves:
        name, saving = max(shortcut.saves.items(), key=lambda item: item[1].off_p50_s)
        effect = f"{duration(saving.off_p50_s)} off, {JOURNEYS[name]}"
    else:
        effect = "opens the gate: " + ", ".join(shortcut.opens)
    money = shortcut.usd_per_month
    price = (
        "unknown"
        if money is None
        else "no charge"
        if money == 0
        else f"{usd(money)} a month"
        if money > 0
        else f"{usd(-money)} a month less"
    )
    return shortcut.name, effect, price


def gate_state(gate: Gate) -> str:
    """Whether a gate still holds one up."""
    return "cleared" if gate.is_open else "no end known"


def verdict_word(verdict: Verdict) -> str:
    """Whether a limit was kept."""
    return "kept" if verdict.is_met else "BROKEN"


def risk_line(report: Report) -> str:
    """Counts of what may go wrong, one line."""
    gates = [gate for time in report.lead_times.values() for gate in time.gates if not gate.is_open]
    parts = [
        count(report.errors, "error"),
        count(report.warnings, "warning"),
        f"{count(len(gates), 'gate')} without a known end",
        count(len(report.costs.unknown), "unknown price"),
    ]
    return ", ".join(parts)


def dates_line(report: Report) -> str:
    """The span of price dates."""
    dates = report.costs.price_dates
    if dates is None:
        return "no dated price was used"
    span = dates[0] if dates[0] == dates[1] else f"{dates[0]} to {dates[1]}"
    coarse = report.costs.coarse_price_dates
    return f"prices of {span}" + (f", some dated only {' and '.join(coarse)}" if coarse else "")


def count(number: int, noun: str) -> str:
    """A number with its noun, ``1 error``, ``2 errors``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
