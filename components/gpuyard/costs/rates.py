"""The user's own rates: negotiated prices and discounts, and commitments that cover part of the use.

List cost stays what it was; a price or discount changes the contracted cost, a commitment the effective
cost (FOCUS 1.2). What a commitment does not cover keeps its price; what it covers and nobody uses is a line
of its own, for it is paid all the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatchcase

from gpuyard.costs.line_item import CPU_NODES, GPU_NODES, NOTHING, LineItem, Loads, Unpriced, always
from gpuyard.errors import did_you_mean
from gpuyard.records import record

RESERVED_INSTANCE, SAVINGS_PLAN = "Reserved Instance", "Savings Plan"
COMMITMENTS = {
    "reserved_instance": RESERVED_INSTANCE,
    "committed_use": "Committed Use Discount",
    "savings_plan": SAVINGS_PLAN,
}
"""Kinds of commitments as rates files name them, and as their sellers do."""
NOT_USED = "commitment not used"


@record
class Scope:
    """Which lines a rate is for. Empty fields let everything through."""

    cloud: str = ""
    type: str = ""
    region: str = ""
    resource: str = ""
    """Logical name; may hold ``*``."""
    component: str = ""
    """Component of a line, such as ``p5.48xlarge`` or ``gp3 disk``; may hold ``*``."""

    def covers(self, line: LineItem | Unpriced) -> bool:
        """Whether the line is meant."""
        return (
            (not self.cloud or line.type.partition(":")[0] == self.cloud)
            and (not self.type or line.type == self.type)
            and (not self.region or line.region == self.region)
            and (not self.resource or fnmatchcase(line.resource, self.resource))
            and (not self.component or fnmatchcase(line.component, self.component))
        )

    @property
    def exactness(self) -> int:
        """How many fields are given: the more exact price wins."""
        return sum(map(bool, (self.cloud, self.type, self.region, self.resource, self.component)))


@record
class OwnPrice:
    """A price that the user has by contract."""

    name: str
    scope: Scope
    usd: Decimal
    as_of: str = ""


@record
class Discount:
    """A share off the list price that the user has by contract. Several that cover a line multiply."""

    name: str
    scope: Scope
    share: Decimal
    """0.09 for 9 %."""


@record
class Commitment:
    """Use paid for in advance: so many machines, or so many dollars per hour."""

    name: str
    scope: Scope
    kind: str
    """``reserved_instance``, ``committed_use`` or ``savings_plan``."""
    count: Decimal = Decimal(0)
    usd: Decimal = Decimal(0)
    """USD per machine-hour under the commitment (counted kinds)."""
    usd_per_hour: Decimal = Decimal(0)
    """What a savings plan commits to spend."""
    share: Decimal = Decimal(0)
    """What a savings plan takes off the contracted price."""
    source: str = "the user's rates"
    as_of: str = ""


@record
class Rates:
    """Prices, discounts and commitments, in the order in which they apply."""

    prices: tuple[OwnPrice, ...] = ()
    discounts: tuple[Discount, ...] = ()
    commitments: tuple[Commitment, ...] = ()

    def apply(
        self, items: Sequence[LineItem], unknown: Sequence[Unpriced], hours: Decimal
    ) -> tuple[list[LineItem], list[Unpriced]]:
        """Lines and unknowns under these rates; ``hours``: of the month."""
        found = [(line, self._price_unknown(line)) for line in unknown]
        lines = [priced for _, priced in found if priced is not None]
        missing = [line for line, priced in found if priced is None]
        lines = [self._contracted(line) for line in (*items, *lines)]
        lines.sort(key=lambda line: (line.urn, line.component, line.unit))
        for commitment in self.commitments:
            lines = _committed(lines, commitment, hours)
        return lines, missing

    def unused(self, items: Sequence[LineItem]) -> Iterator[str]:
        """Prices and discounts that changed none of ``items``, in words."""
        used = {name for item in items for name in item.discounts}
        known = sorted({item.component.partition(",")[0] for item in items})
        for kind, entries in (("price", self.prices), ("discount", self.discounts)):
            for entry in entries:
                if entry.name not in used:
                    hint = did_you_mean(entry.scope.component, known) if entry.scope.component else ""
                    yield f'{kind} "{entry.name}" fits no line{"; " + hint if hint else ""}'

    def _own_price(self, line: LineItem | Unpriced) -> OwnPrice | None:
        found = [price for price in self.prices if price.scope.covers(line)]
        return max(found, key=lambda price: price.scope.exactness) if found else None

    def _price_unknown(self, line: Unpriced) -> LineItem | None:
        price = self._own_price(line)
        if price is None or not line.unit:
            return None
        return LineItem(
            resource=line.resource,
            urn=line.urn,
            type=line.type,
            component=line.component,
            group=line.group,
            region=line.region,
            quantity=line.quantity,
            unit=line.unit,
            list_unit_price=None,
            unit_price=price.usd,
            discounts=(price.name,),
            source=f"the user's rates: {price.name}",
            as_of=price.as_of,
        )

    def _contracted(self, line: LineItem) -> LineItem:
        if line.category != "Usage":
            return line
        price = self._own_price(line)
        if price is not None:
            line = replace(
                line,
                contracted_unit_price=price.usd,
                unit_price=price.usd,
                unit_price_low=None,
                unit_price_high=None,
                discounts=(price.name,),
            )
        for discount in self.discounts:
            if not discount.scope.covers(line):
                continue
            keep = 1 - discount.share
            listed = line.contracted_unit_price
            line = replace(
                line,
                contracted_unit_price=None if listed is None else listed * keep,
                unit_price=line.unit_price * keep,
                unit_price_low=None if line.unit_price_low is None else line.unit_price_low * keep,
                unit_price_high=None if line.unit_price_high is None else line.unit_price_high * keep,
                discounts=(*line.discounts, discount.name),
            )
        return line


def _committed(lines: Sequence[LineItem], commitment: Commitment, hours: Decimal) -> list[LineItem]:
    """The lines with what the commitment covers split off, and what of it is not used."""
    is_counted = COMMITMENTS[commitment.kind] != SAVINGS_PLAN
    budget = (commitment.count if is_counted else commitment.usd_per_hour) * hours
    left, found = always(budget), []
    for line in lines:
        if line.quantity is None or not _may_cover(commitment, line):
            found.append(line)
            continue
        price = commitment.usd if is_counted else line.unit_price * (1 - commitment.share)
        worth = Decimal(1) if is_counted else price
        covered = left.combined(
            line.quantity, lambda rest, wanted, w=worth: min(wanted, rest / w if w else wanted)
        )
        left = left + covered * -worth
        rest = line.quantity + covered * -1
        name = (*line.discounts, commitment.name)
        if covered != NOTHING:
            found.append(
                replace(
                    line,
                    component=f"{line.component}, {commitment.name}",
                    quantity=covered,
                    unit_price=price,
                    pricing_category="Committed",
                    discounts=name,
                    commitment=COMMITMENTS[commitment.kind],
                )
            )
        if rest != NOTHING or covered == NOTHING:
            found.append(replace(line, quantity=rest))
    left = left.between(Decimal(0))
    if left != NOTHING:
        found.append(_unused(commitment, left, is_counted))
    return found


def _may_cover(commitment: Commitment, line: LineItem) -> bool:
    return (
        line.pricing_category == "Standard"
        and line.category == "Usage"
        and line.unit in ("hour", "vCPU-hour", "GB-hour")
        and line.group in (GPU_NODES, CPU_NODES)
        and commitment.scope.covers(line)
    )


def _unused(commitment: Commitment, left: Loads, is_counted: bool) -> LineItem:
    price = commitment.usd if is_counted else Decimal(1)
    return LineItem(
        resource=commitment.name,
        urn=f"commitment::{commitment.name}",
        type=f"{commitment.scope.cloud or 'any'}:commitment",
        component=NOT_USED,
        group=GPU_NODES,
        region=commitment.scope.region,
        quantity=left,
        unit="hour" if is_counted else "USD committed",
        list_unit_price=None,
        unit_price=price,
        pricing_category="Committed",
        frequency="Recurring",
        discounts=(commitment.name,),
        commitment=COMMITMENTS[commitment.kind],
        source=commitment.source,
        as_of=commitment.as_of,
        note="committed and not used: paid all the same",
    )
