"""Rules that a price passes before anything uses it.

Catalogs are wrong where the money is: flex-start and calendar prices under the name of on-demand, an
accelerator without its host or counted twice, placeholders. A rejected price is reported, never used.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from math import isclose, isfinite

from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.offers import Offer, money
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

ListPrice = Callable[[str, str, str], float | None]
"""The known list price of (cloud, machine type, region), to compare with."""

ON_DEMAND, SPOT = "on_demand", "spot"
SENTINELS = (700.0, 0.00001)
"""700.0 stands for unknown in SkyPilot's TPU rows (2026-07); 0.00001 is what EC2 test doubles quote."""
USD_PER_GPU_HOUR_MAX = 100.0
"""Above the dearest list price by more than five times (p6-b300: 17.80, 2026-07)."""
PLACEHOLDER_SHARE = 0.1
"""Of on-demand; a spot price of exactly this share was seen as a filler (SkyPilot catalog, 2026-07)."""
OTHER_KINDS = {0.5: "flex-start", 0.7: "calendar or a one-year commitment", 1.2: "a dearer kind"}
"""Price of another way of buying ÷ on-demand, as Google's B200 SKUs showed (2026-07)."""
OFF_LIST = 2.0
"""Factor between a price and the dated list price beyond which it is another SKU; the largest change
ever seen of a GPU machine is p5, -44 % (2025-06)."""
_EXACT = 1e-4


@record
class Rejection:
    """One price of an offer that must not be used."""

    offer: Offer
    price: str
    """``on_demand`` or ``spot``."""
    rule: str
    reason: str


def judge(offers: Sequence[Offer], list_price: ListPrice | None = None) -> tuple[Rejection, ...]:
    """Every price that a rule turns down, in the order of ``offers``; each with the first rule that did.

    Rules that need company (other regions, other machine types) look at all of ``offers`` together.
    """
    known = list_price or (lambda *_: None)
    in_company = {**_other_kinds(offers), **_constant(offers, known)}
    found = []
    for index, offer in enumerate(offers):
        verdicts: dict[str, tuple[str, str]] = {}
        alone = [*_alone(offer), *_against_list(offer, known(offer.cloud, offer.machine_type, offer.region))]
        if index in in_company:
            alone.append((ON_DEMAND, *in_company[index]))
        for price, rule, reason in alone:
            if getattr(offer, price) is not None:
                verdicts.setdefault(price, (rule, reason))
        found += [
            Rejection(offer=offer, price=price, rule=rule, reason=reason)
            for price, (rule, reason) in verdicts.items()
        ]
    return tuple(found)


def accept(offers: Sequence[Offer], list_price: ListPrice | None = None) -> tuple[Offer, ...]:
    """``offers`` with rejected prices blanked."""
    refused = {(id(rejection.offer), rejection.price) for rejection in judge(offers, list_price)}
    return tuple(_without(offer, refused) for offer in offers)


def _without(offer: Offer, refused: set[tuple[int, str]]) -> Offer:
    bad = [price for price in (ON_DEMAND, SPOT) if (id(offer), price) in refused]
    if not bad:
        return offer
    return replace(
        offer,
        on_demand=None if ON_DEMAND in bad else offer.on_demand,
        spot=None if SPOT in bad else offer.spot,
    )


def _alone(offer: Offer) -> Iterable[tuple[str, str, str]]:
    """What the row itself shows: (price, rule, reason)."""
    listed, quoted = offer.on_demand, offer.spot
    if "GPU-ONLY" in offer.machine_type:
        for price in (ON_DEMAND, SPOT):
            yield price, "GPU_ONLY", "the accelerator without its host"
    for price, usd in ((ON_DEMAND, listed), (SPOT, quoted)):
        if usd is not None:
            reason = _absurd(usd, offer.gpus or _gpu_count(offer))
            if reason:
                yield price, "SENTINEL", reason
    if "SUSPECT" in offer.flag:
        yield ON_DEMAND, "SUSPECT", offer.flag
    if offer.in_local_zone:
        yield SPOT, "LOCAL_ZONE", "a local zone's quote, not the region's"
    if listed is None or quoted is None:
        return
    if isclose(quoted, listed, rel_tol=_EXACT):
        yield SPOT, "SPOT_EQUALS_ON_DEMAND", f"{quoted:g}, the on-demand price: there is no market"
    elif quoted > listed:
        reason = f"spot {quoted:g} is above on-demand {listed:g}: one of them is another SKU"
        yield ON_DEMAND, "SPOT_ABOVE_ON_DEMAND", reason
        yield SPOT, "SPOT_ABOVE_ON_DEMAND", reason
    elif isclose(quoted, listed * PLACEHOLDER_SHARE, rel_tol=_EXACT):
        yield SPOT, "SPOT_PLACEHOLDER", f"{quoted:g} is exactly 10 % of on-demand {listed:g}: a placeholder"


def _absurd(usd: float, gpus: float) -> str:
    if not isfinite(usd) or usd <= 0:
        return f"{usd:g} is no price"
    if usd in SENTINELS:
        return f"{usd:g} stands for unknown"
    limit = USD_PER_GPU_HOUR_MAX * max(gpus, 1)
    return f"{usd:g} is above {limit:g}, the limit for its GPUs" if gpus and usd > limit else ""


def _gpu_count(offer: Offer) -> float:
    """GPUs of its machine type; 0: it has none, or is a part of one."""
    machine = machine_types().get(offer.machine_type)
    return machine.gpu_count if machine else 0


def _against_list(offer: Offer, known: float | None) -> Iterable[tuple[str, str, str]]:
    """What a comparison with the list price shows."""
    if offer.on_demand is None or not known:
        return
    ratio = offer.on_demand / known
    part = gpu_share(offer.cloud, offer.machine_type)
    if isclose(ratio, 2, rel_tol=0.002) and offer.gpus + _gpu_count(offer) > 0:
        yield ON_DEMAND, "GPU_TWICE", f"{offer.on_demand:g} is twice the list price {known:g}"
    elif part and isclose(ratio, 1 + part, rel_tol=0.02):
        yield ON_DEMAND, "GPU_TWICE", f"{offer.on_demand:g} is the list price {known:g} plus its GPUs again"
    elif part and isclose(ratio, part, rel_tol=0.01):
        yield ON_DEMAND, "GPU_ONLY", f"{offer.on_demand:g} is the GPUs of {known:g} without their host"
    for share, kind in OTHER_KINDS.items():
        if offer.cloud == "gcp" and isclose(ratio, share, rel_tol=0.002):
            yield (
                ON_DEMAND,
                "OTHER_PRICE_KIND",
                f"{offer.on_demand:g} is {share:g} x the list price {known:g}: {kind}",
            )
    if not 1 / OFF_LIST < ratio < OFF_LIST:
        yield (
            ON_DEMAND,
            "OFF_LIST",
            f"{offer.on_demand:g} is {ratio:.2f} x the list price {known:g}: another SKU",
        )


def _other_kinds(offers: Sequence[Offer]) -> dict[int, tuple[str, str]]:
    """Google rows of one type and continent whose prices stand to each other as other ways of buying do.

    Which of them is on-demand cannot be told without the list price, so all of them go. Regions of one
    continent differ by less than 40 %; between continents the same ratio (A2 in me-west1 and
    europe-west10) is a difference of regions. A ratio of 1.2 alone proves nothing.
    """
    ratios = {1.2 / 0.5: "0.5 and 1.2", 1.2 / 0.7: "0.7 and 1.2", 0.7 / 0.5: "0.5 and 0.7", 2.0: "0.5 and 1"}
    groups: dict[tuple[str, str], list[tuple[int, Offer]]] = defaultdict(list)
    for (cloud, machine_type), rows in _by_type(offers).items():
        for index, offer in rows:
            if cloud == "gcp":
                groups[machine_type, offer.region.split("-")[0]].append((index, offer))
    found: dict[int, tuple[str, str]] = {}
    for rows in groups.values():
        prices = sorted({usd for _, offer in rows if (usd := offer.on_demand)})
        guilty = {
            usd: f"{usd:g} and {other:g} stand as {kinds} of one on-demand price: other ways of buying"
            for low, high in combinations(prices, 2)
            for ratio, kinds in ratios.items()
            if isclose(high / low, ratio, rel_tol=1e-6)
            for usd, other in ((low, high), (high, low))
        }
        for index, offer in rows:
            if offer.on_demand in guilty:
                found[index] = ("OTHER_PRICE_KIND", guilty[offer.on_demand])
    return found


def _constant(offers: Sequence[Offer], known: ListPrice) -> dict[int, tuple[str, str]]:
    """Rows of a type with one price on two continents or more, where other types or the list price vary."""
    groups = _by_type(offers)
    varying = {key for key, rows in groups.items() if len({offer.on_demand for _, offer in rows}) > 1}
    found: dict[int, tuple[str, str]] = {}
    for (cloud, machine_type), rows in groups.items():
        regions = {offer.region for _, offer in rows}
        continents = {region.split("-")[0] for region in regions}
        if (cloud, machine_type) in varying or len(regions) < 3 or len(continents) < 2:
            continue
        listed = {usd for region in regions if (usd := known(cloud, machine_type, region)) is not None}
        siblings = any(other == cloud for other, _ in varying)
        if siblings or len(listed) > 1:
            reason = f"the same in {len(regions)} regions of {len(continents)} continents, where others vary"
            found |= {index: ("REGION_CONSTANT", reason) for index, _ in rows}
    return found


def _by_type(offers: Sequence[Offer]) -> dict[tuple[str, str], list[tuple[int, Offer]]]:
    groups: dict[tuple[str, str], list[tuple[int, Offer]]] = defaultdict(list)
    for index, offer in enumerate(offers):
        if offer.on_demand is not None and not offer.is_derived:
            groups[offer.cloud, offer.machine_type].append((index, offer))
    return groups


@cache
def gpu_share(cloud: str, machine_type: str) -> float | None:
    """The share of the GPUs in the list price of a Google machine type, from one region; None: unknown."""
    machine = machine_types().get(machine_type)
    if cloud != "gcp" or machine is None:
        return None
    from gpuyard.catalog.list_prices import gce_price  # noqa: PLC0415 (16,000 rows that few runs need)

    for row in read_csv("gpu_parts"):
        whole = gce_price(machine_type, row["region"])
        part = money(row["usd_per_hour"])
        if row["gpu"] == machine.gpu and whole and part:
            return part * machine.gpu_count / whole.usd
    return None
