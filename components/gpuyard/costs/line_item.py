"""What one thing costs: a line with its quantity at three loads, its price and where that comes from.

Money is `Decimal` from here to the totals; only renderers round, and nothing sums what they rounded.
Prices and quantities carry at most 15 significant digits, as many as every JSON number keeps: a report that
was written and read back is the same report, to the last digit (`docs/decisions/0012-amounts-in-json.md`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from gpuyard.catalog.price import Price, Tier
from gpuyard.records import record
from gpuyard.resources import Resource

GPU_NODES, CPU_NODES, CONTROL_PLANE = "GPU nodes", "CPU nodes", "control plane"
STORAGE, NETWORK, OBSERVABILITY, OTHER = "storage", "network", "observability", "other"
GROUPS = (GPU_NODES, CPU_NODES, CONTROL_PLANE, STORAGE, NETWORK, OBSERVABILITY, OTHER)
"""What people ask for by name, in the order of reports."""


@record
class Loads:
    """One amount at three loads: nothing to do, as planned, as much as is allowed."""

    idle: Decimal
    expected: Decimal
    peak: Decimal

    def __mul__(self, factor: Decimal | int) -> "Loads":
        return Loads(idle=self.idle * factor, expected=self.expected * factor, peak=self.peak * factor)

    def __add__(self, other: "Loads") -> "Loads":
        return Loads(
            idle=self.idle + other.idle, expected=self.expected + other.expected, peak=self.peak + other.peak
        )

    def combined(self, other: "Loads", function: Callable[[Decimal, Decimal], Decimal]) -> "Loads":
        """What ``function`` makes of both amounts, load by load."""
        return Loads(
            idle=function(self.idle, other.idle),
            expected=function(self.expected, other.expected),
            peak=function(self.peak, other.peak),
        )

    def between(self, start: Decimal, end: Decimal | None = None) -> "Loads":
        """The part of each amount that lies above ``start`` and up to ``end``."""

        def part(amount: Decimal) -> Decimal:
            return max(Decimal(0), (amount if end is None else min(amount, end)) - start)

        return Loads(idle=part(self.idle), expected=part(self.expected), peak=part(self.peak))


_JSON = Context(prec=15, rounding=ROUND_HALF_EVEN)
"""15 digits: `sys.float_info.dig`, what a double holds exactly."""
NOTHING = Loads(idle=Decimal(0), expected=Decimal(0), peak=Decimal(0))


def always(amount: Decimal | float | str) -> Loads:
    """The same amount at every load."""
    exact = decimal(amount)
    return Loads(idle=exact, expected=exact, peak=exact)


def when_used(amount: Decimal | float | str) -> Loads:
    """An amount that comes with use: nothing of it when idle."""
    exact = decimal(amount)
    return Loads(idle=Decimal(0), expected=exact, peak=exact)


def decimal(amount: Decimal | float | str) -> Decimal:
    """An exact amount: a float counts as the digits it prints."""
    return amount if isinstance(amount, Decimal) else Decimal(str(amount))


_PRICES = ("list_unit_price", "unit_price", "unit_price_low", "unit_price_high", "contracted_unit_price")


@record
class LineItem:
    """One charge, in FOCUS 1.2 terms."""

    resource: str
    """Logical name."""
    urn: str
    type: str
    component: str
    """The part of the resource that is billed, e.g. ``p5.48xlarge spot``."""
    group: str
    """One of `GROUPS`."""
    region: str
    quantity: Loads | None
    """Units per month. None: depends on use that nobody declared; the price is then a rate."""
    unit: str
    list_unit_price: Decimal | None
    """USD per unit before any discount. None: not known, as for spot of a type without a list price."""
    unit_price: Decimal
    """USD per unit as paid: list, or the middle of the spot distribution."""
    contracted_unit_price: Decimal | None = None
    """USD per unit after negotiated discounts, before commitments; left out, the list price."""
    unit_price_low: Decimal | None = None
    unit_price_high: Decimal | None = None
    """P10 and P90 where the price is a distribution."""
    category: str = "Usage"
    """ChargeCategory: Usage, Purchase or Credit."""
    pricing_category: str = "Standard"
    """PricingCategory: Standard, Dynamic (spot), Committed or Other."""
    frequency: str = "Usage-Based"
    """ChargeFrequency: One-Time, Recurring or Usage-Based."""
    discounts: tuple[str, ...] = ()
    """Names of the discounts and commitments that made the price, as the user calls them."""
    commitment: str = ""
    """Kind of the commitment, the last of `discounts`, that covers it or stands unused; empty: none."""
    source: str
    as_of: str
    note: str = ""
    sku: str = ""
    """The cloud's own id of what is sold, where public data has it."""

    def __post_init__(self) -> None:
        if self.contracted_unit_price is None:
            object.__setattr__(self, "contracted_unit_price", self.list_unit_price)
        for name in _PRICES:
            amount = getattr(self, name)
            if amount is not None:
                object.__setattr__(self, name, _JSON.plus(amount))
        if self.quantity is not None:
            object.__setattr__(self, "quantity", _rounded(self.quantity))

    @property
    def effective(self) -> Loads | None:
        """USD per month as paid; for one-time charges USD in all."""
        return None if self.quantity is None else self.quantity * self.unit_price

    @property
    def list_cost(self) -> Loads | None:
        """USD per month at list price."""
        if self.quantity is None or self.list_unit_price is None:
            return None
        return self.quantity * self.list_unit_price

    @property
    def contracted_cost(self) -> Loads | None:
        """USD per month after negotiated discounts, before commitments."""
        price = self.contracted_unit_price
        return None if self.quantity is None or price is None else self.quantity * price

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, money as numbers; keys as `docs/reference/report-schema.md` has them."""
        return {
            "resource": self.resource,
            "urn": self.urn,
            "type": self.type,
            "component": self.component,
            "group": self.group,
            "region": self.region,
            "quantity": loads_dict(self.quantity),
            "unit": self.unit,
            "list_unit_price": number(self.list_unit_price),
            "contracted_unit_price": number(self.contracted_unit_price),
            "unit_price": number(self.unit_price),
            "unit_price_p10": number(self.unit_price_low),
            "unit_price_p90": number(self.unit_price_high),
            "list": loads_dict(self.list_cost),
            "contracted": loads_dict(self.contracted_cost),
            "effective": loads_dict(self.effective),
            "category": self.category,
            "pricing_category": self.pricing_category,
            "frequency": self.frequency,
            "discounts": list(self.discounts),
            "commitment": self.commitment,
            "source": self.source,
            "as_of": self.as_of,
            "note": self.note,
            **({"sku": self.sku} if self.sku else {}),
        }


@record
class Unpriced:
    """Something that costs, or may cost, money, and how much is not known. Never counted as zero."""

    resource: str
    urn: str
    type: str
    component: str
    reason: str
    region: str = ""
    quantity: Loads | None = None
    """Units per month where only the price is missing."""
    unit: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if self.quantity is not None:
            object.__setattr__(self, "quantity", _rounded(self.quantity))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "resource": self.resource,
            "urn": self.urn,
            "type": self.type,
            "component": self.component,
            "region": self.region,
            "reason": self.reason,
            "quantity": loads_dict(self.quantity),
            "unit": self.unit,
            "group": self.group,
        }


Charge = LineItem | Unpriced


def charge(
    resource: Resource,
    component: str,
    price: Price | None,
    quantity: Loads | None,
    *,
    unit: str,
    group: str,
    region: str,
    missing: str = "",
    **more: Any,
) -> Charge:
    """A line item at ``price``, or what is missing when there is none."""
    if price is None:
        reason = missing or f"no price of it in {region or 'an unknown region'}"
        found = unpriced(resource, component, reason, region)
        return replace(found, quantity=quantity, unit=unit, group=group)
    usd = decimal(price.usd)
    return LineItem(
        resource=resource.name,
        urn=resource.urn,
        type=resource.type,
        component=component,
        group=group,
        region=region,
        quantity=quantity,
        unit=unit,
        list_unit_price=usd,
        unit_price=usd,
        source=price.source,
        as_of=price.as_of,
        note=price.note,
        sku=price.sku,
        **more,
    )


def charge_tiers(
    resource: Resource,
    component: str,
    tiers: Sequence[Tier],
    quantity: Loads | None,
    *,
    unit: str,
    group: str,
    region: str,
    **more: Any,
) -> Iterator[Charge]:
    """One line per tier that the quantity reaches; without a quantity the rate of the first tier."""
    if len(tiers) < 2 or quantity is None:
        price = tiers[0].price if tiers else None
        yield charge(resource, component, price, quantity, unit=unit, group=group, region=region, **more)
        return
    ends = [decimal(tier.from_gb) for tier in tiers[1:]]
    for number, tier in enumerate(tiers):
        start, end = decimal(tier.from_gb), ends[number] if number < len(ends) else None
        part = quantity.between(start, end)
        if number and part == NOTHING:
            return
        name = f"{component}, above {start:,.0f}" if number else component
        yield charge(resource, name, tier.price, part, unit=unit, group=group, region=region, **more)


def unpriced(resource: Resource, component: str, reason: str, region: str = "") -> Unpriced:
    """What is not known about ``resource``."""
    return Unpriced(
        resource=resource.name,
        urn=resource.urn,
        type=resource.type,
        component=component,
        reason=reason,
        region=region,
    )


def number(amount: Decimal | None) -> float | None:
    """A JSON number."""
    return None if amount is None else float(amount)


def _rounded(loads: Loads) -> Loads:
    if loads.idle is loads.expected is loads.peak:  # as most are
        return always(_JSON.plus(loads.idle))
    return Loads(
        idle=_JSON.plus(loads.idle), expected=_JSON.plus(loads.expected), peak=_JSON.plus(loads.peak)
    )


def loads_dict(loads: Loads | None) -> dict[str, float] | None:
    """JSON-ready."""
    if loads is None:
        return None
    return {"idle": float(loads.idle), "expected": float(loads.expected), "peak": float(loads.peak)}
