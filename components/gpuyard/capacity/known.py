"""What is known of an account beside the catalog: evidence, stated limits, capacity that it holds."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from gpuyard.capacity.demand import Purchase
from gpuyard.capacity.offering import Odds, Offering, Rate, terms_as_odds
from gpuyard.capacity.offerings import NO_ZONE_KNOWN, catalog_lots, catalog_offerings, lots, make_offering
from gpuyard.capacity.quota import NO_LIMITS, Limits, limits_from
from gpuyard.catalog import evidence_items as found
from gpuyard.catalog.capacity_terms import capacity_terms
from gpuyard.catalog.evidence import Evidence
from gpuyard.catalog.evidence_items import Question
from gpuyard.catalog.freshness import registered_tables
from gpuyard.catalog.hardware import machine_types

_HOLDS = ("active", "ready", "pending", "scheduled", "fulfilled", "committed", "approved", "provisioning")
"""States of a reservation that holds machines now, or will on a known day."""
_WORDS = {"high": 0.9, "medium": 0.5, "low": 0.15, "unsupported": 0.0}
"""Odds read into the words of Capacity Manager: a guess, for AWS gives no numbers."""
_OFFERED = 0.9
"""Odds of a calendar window that Google itself proposes: a guess, for approval still follows."""
_SCORE_TO_ODDS = 0.09
"""A spot placement score of 10 ("very likely") read as 90 %: a guess, for AWS gives no numbers."""


@dataclass(frozen=True)
class Known:
    """Everything beside the catalog that ranking may use; empty: the catalog alone."""

    evidence: Evidence = field(default_factory=Evidence)
    limits: Limits = NO_LIMITS
    """Stated in the config; they win over evidence."""
    held: tuple[found.Reservation, ...] = ()
    """Reservations that the config names; they win over evidence of the same id."""

    @property
    def today(self) -> date:
        """The newest date of evidence and catalog: the day that waits count from, the same on every run."""
        newest = max(date.fromisoformat(row["as_of"]) for row in registered_tables())
        return max(newest, date.fromisoformat(self.evidence.as_of[:10])) if self.evidence.as_of else newest

    def all_limits(self) -> Limits:
        """Stated limits, then those of the evidence."""
        return limits_from(self.evidence, self.limits) if self.evidence.answers else self.limits

    def lots(self, gpu: str, *, by_zone: bool) -> tuple[tuple[Offering, ...], ...]:
        """Every offering with the accelerator, those together that differ in their zone alone."""
        if not self.evidence.answers and not self.held:
            return catalog_lots(gpu, by_zone=by_zone)
        return lots(self.offerings(gpu, by_zone=by_zone))

    def offerings(self, gpu: str, *, by_zone: bool) -> tuple[Offering, ...]:
        """Every offering with the accelerator: held capacity, offers found, then what the catalog has."""
        listed = catalog_offerings(gpu, by_zone=by_zone)
        held = tuple(_held(self, gpu))
        if not self.evidence.answers:
            return (*held, *listed)
        seen = {(item.machine.id, item.region, item.zones) for item in listed}
        added = [
            offering
            for item in self.evidence.find(found.Offering)
            if by_zone
            and _has_gpu(item.machine_type, gpu)
            and (item.machine_type, item.region, (item.zone,)) not in seen
            for purchase in (Purchase.ON_DEMAND, Purchase.SPOT, Purchase.FLEX_START, Purchase.QUEUED)
            if (
                offering := make_offering(
                    machine_types()[item.machine_type], item.region, (item.zone,), str(purchase), by_zone=True
                )
            )
            is not None
        ]
        placed = (_zoned(self.evidence, item, by_zone=by_zone) for item in listed)
        updated = (_updated(self.evidence, item) for item in (*filter(None, placed), *added))
        return (*held, *_blocks(self, gpu), *updated)


def _has_gpu(machine_type: str, gpu: str) -> bool:
    machine = machine_types().get(machine_type)
    return machine is not None and machine.gpu == gpu


def _held(known: Known, gpu: str) -> Iterator[Offering]:
    """Reservations and blocks that the account holds, paid already: one more machine costs nothing."""
    stated = {item.id for item in known.held}
    read = (item for item in known.evidence.find(found.Reservation) if item.id not in stated)
    for item in (*known.held, *read):
        if not _has_gpu(item.machine_type, gpu):
            continue
        machine = machine_types()[item.machine_type]
        terms = capacity_terms(machine.cloud, str(Purchase.RESERVATION), gpu)
        if terms is None:
            continue
        free = item.total if item.available is None else item.available
        problem = ""
        if item.state and item.state not in _HOLDS:
            problem = f"is {item.state} ({item.as_of[:10]})"
        elif not free:
            problem = f"has no free machine of {item.total} ({item.as_of[:10]})"
        is_block = item.form == "capacity_block"
        yield Offering(
            id=item.id,
            cloud=item.cloud,
            region=item.region,
            zones=(item.zone,) if item.zone else (),
            machine=machine,
            purchase=str(Purchase.CAPACITY_BLOCK if is_block else Purchase.RESERVATION),
            rate=Rate(
                usd=0,
                source="the account" if item.account else "the config",
                as_of="" if item.as_of == "stated" else item.as_of[:10],
                note="already paid: one more machine of it costs nothing",
            ),
            odds=replace(
                terms_as_odds(terms),
                probability_basis=f"{free} of {item.total} machines free ({item.as_of[:10]})",
            ),
            buckets=(),
            not_sold=problem,
            reservation=item.name if item.cloud == "gcp" and item.name else item.id,
            nodes=free,
            starts=item.starts_at,
            ends=item.ends_at,
            placement_group=item.placement_group,
        )


def _blocks(known: Known, gpu: str) -> Iterator[Offering]:
    for item in known.evidence.find(found.CapacityBlock):
        terms = capacity_terms(item.cloud, str(Purchase.CAPACITY_BLOCK), gpu)
        if not _has_gpu(item.machine_type, gpu) or terms is None:
            continue
        yield Offering(
            id=item.offering_id,
            cloud=item.cloud,
            region=item.region,
            zones=(item.zone,),
            machine=machine_types()[item.machine_type],
            purchase=str(Purchase.CAPACITY_BLOCK),
            rate=Rate(
                usd=item.upfront / (item.hours * item.instances) if item.currency == "USD" else None,
                source="capacity block offer",
                as_of=item.as_of[:10],
                note=f"{item.upfront:,.2f} {item.currency} up front for {item.instances} x {item.hours} h",
            ),
            odds=replace(terms_as_odds(terms), probability_basis=f"on offer ({item.as_of[:10]})"),
            buckets=(),
            not_sold="" if item.currency == "USD" else f"is priced in {item.currency}",
            nodes=item.instances,
            starts=item.starts_at,
            ends=item.ends_at,
            hours=item.hours,
            usd_upfront=item.upfront,
        )


def _zoned(evidence: Evidence, offering: Offering, *, by_zone: bool) -> Offering | None:
    """An offering without a known zone, with those that the cloud lists; None: they stand beside it."""
    if offering.not_sold != NO_ZONE_KNOWN:
        return offering
    place = {"cloud": offering.cloud, "region": offering.region, "machine_type": offering.machine.id}
    zones = tuple(sorted({item.zone for item in evidence.find(found.Offering, **place) if item.zone}))
    if not zones:
        return replace(offering, not_sold=_not_there(evidence, offering) or NO_ZONE_KNOWN)
    if by_zone:
        return None
    return make_offering(offering.machine, offering.region, zones, offering.purchase, by_zone=False)


def _updated(evidence: Evidence, offering: Offering) -> Offering:
    """A catalog offering with what the evidence says of its place, price and odds."""
    if offering.purchase == Purchase.CALENDAR:
        offering = _calendar(evidence, offering)
    problem = offering.not_sold or _not_there(evidence, offering)
    rate = _rate(evidence, offering)
    odds = _odds(evidence, offering)
    if (problem, rate, odds) == (offering.not_sold, offering.rate, offering.odds):
        return offering
    if odds.probability <= 0:
        problem = problem or odds.probability_basis
    return replace(offering, not_sold=problem, rate=rate, odds=odds)


def _calendar(evidence: Evidence, offering: Offering) -> Offering:
    """With the window that Google's calendar advice has free, or why it has none."""
    for item in evidence.find(
        found.Advice, cloud=offering.cloud, region=offering.region, machine_type=offering.machine.id
    ):
        if item.measure != "calendar" or item.zone not in ("", *offering.zones):
            continue
        if not item.starts_at:
            return replace(offering, not_sold=f"{item.word or 'has no free window'} ({item.as_of[:10]})")
        basis = f"calendar window free ({item.as_of[:10]})"
        odds = replace(offering.odds, probability=_OFFERED, probability_basis=basis)
        return replace(offering, starts=item.starts_at, ends=item.ends_at, odds=odds)
    return offering


def _not_there(evidence: Evidence, offering: Offering) -> str:
    for region in evidence.find(found.Region, cloud=offering.cloud, region=offering.region):
        if not region.enabled:
            return f"the region is not enabled in the account ({region.as_of[:10]})"
    asked = evidence.answered(Question.OFFERINGS, offering.cloud, offering.region, offering.machine.id)
    if not asked:
        return ""
    zones = {
        item.zone
        for item in evidence.find(
            found.Offering,
            cloud=offering.cloud,
            region=offering.region,
            machine_type=offering.machine.id,
        )
    }
    if zones & set(offering.zones) or (zones and not offering.zones):
        return ""
    return f"the cloud does not list it there ({asked[:10]})"


def _rate(evidence: Evidence, offering: Offering) -> Rate:
    place = {"cloud": offering.cloud, "region": offering.region, "machine_type": offering.machine.id}
    if offering.purchase == Purchase.SPOT:
        quotes = [
            item
            for item in evidence.find(found.SpotPrice, **place)
            if not item.zone or not offering.zones or item.zone in offering.zones
        ]
        if not quotes:
            return offering.rate
        middle = min(quotes, key=lambda item: item.usd)
        return Rate(
            usd=middle.usd_p50 if middle.usd_p50 is not None else middle.usd,
            usd_low=middle.usd_p10,
            usd_high=middle.usd_p90,
            source="live spot price history",
            as_of=middle.as_of[:10],
            note=f"{middle.window_days} days, {middle.changes} changes",
        )
    if offering.purchase in (Purchase.ON_DEMAND, Purchase.FUTURE_RESERVATION):
        for item in evidence.find(found.ListPrice, **place):
            if item.purchase == Purchase.ON_DEMAND:
                return Rate(usd=item.usd, source=item.source, as_of=item.as_of[:10])
    return offering.rate


def _odds(evidence: Evidence, offering: Offering) -> Odds:
    """The account's own history first, then the cloud's forecast, then the guess."""
    place = {"cloud": offering.cloud, "region": offering.region, "machine_type": offering.machine.id}
    odds = offering.odds
    for score in evidence.find(found.PlacementScore, **place):
        if offering.purchase == Purchase.SPOT and score.zone in ("", *offering.zones):
            odds = replace(
                odds,
                probability=score.score * _SCORE_TO_ODDS,
                probability_basis=f"spot placement score {score.score} of 10 ({score.as_of[:10]})",
            )
    for item in evidence.find(found.Advice, **place):
        if item.purchase != offering.purchase or item.zone not in ("", *offering.zones):
            continue
        value = item.value if item.measure == "obtainability" else _WORDS.get(item.word)
        if value is not None and item.measure in ("obtainability", "supportability"):
            said = (
                f"{item.value:g}" if item.measure == "obtainability" and item.value is not None else item.word
            )
            odds = replace(
                odds,
                probability=value,
                probability_basis=f"{item.measure} {said} for {item.instances} machines ({item.as_of[:10]})",
            )
    for past in evidence.find(found.History, **place):
        if past.purchase != offering.purchase or past.zone not in ("", *offering.zones):
            continue
        if past.measure == "fulfilment_rate":
            odds = replace(
                odds,
                probability=past.value,
                probability_basis=f"own requests met in {past.window_days} days ({past.as_of[:10]})",
            )
        elif past.window_days > 0:
            odds = replace(
                odds,
                reclaims_per_hour=past.value / (past.window_days * 24),
                reclaims_basis=f"{past.measure} over {past.window_days} days ({past.as_of[:10]})",
            )
    return odds
