"""Why an offering is not the first choice: its place in the ladder, or every rule that it breaks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gpuyard.capacity.constraints import make_scope, too_few_gpus
from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import NOTHING, TOO_SMALL, judge
from gpuyard.capacity.offering import Offering
from gpuyard.capacity.rung import Ladder, Rung
from gpuyard.catalog.hardware import find_gpu, machine_types
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.places import regions
from gpuyard.errors import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Why one offering stands where it stands, or nowhere."""

    what: str
    rung: int | None
    """Its place, from 1; None: it is left out."""
    reason: str


class UnknownPlace(ValueError):  # noqa: N818 (reads as what it says)
    """Words that name no cloud, region, zone, machine type, GPU or purchase."""


def why_not(ladder: Ladder, words: str, known: Known = NOTHING) -> tuple[Answer, ...]:
    """Answers about every offering that ``words`` name: a region, zone, machine type, family or purchase.

    Rungs first, in their order. Zones and purchases with the same answer are told once each.

    Raises:
        UnknownPlace: the catalog has nothing of that name.
    """
    small = tuple(_too_small(ladder, words, known))
    found = [*_placed(ladder, words), *_left_out(ladder, words, known)]
    return (*_told_once(found), *small) if found or small else tuple(_elsewhere(ladder, words))


def _told_once(found: Iterable[tuple[Offering, Answer]]) -> Iterator[Answer]:
    """Zones of a region with the same reason as one answer, under the place of the first of them."""
    groups: dict[tuple[str, ...], list[tuple[Offering, Answer]]] = {}
    for offering, answer in found:
        key = (offering.cloud, offering.region, offering.machine.id, offering.purchase, answer.reason)
        groups.setdefault(key, []).append((offering, answer))
    for group in groups.values():
        offering, first = group[0]
        zones = [zone for one, _ in group for zone in one.zones]
        if len(zones) > 1:
            place = f"{offering.cloud} {offering.region} ({', '.join(zones)})"
            what = f"{place} {offering.machine.id} {offering.purchase}"
            yield Answer(what=what, rung=first.rung, reason=first.reason)
        else:
            yield first


def _placed(ladder: Ladder, words: str) -> Iterator[tuple[Offering, Answer]]:
    for place, rung in enumerate(ladder.rungs, start=1):
        if _names(rung.offering, words):
            first = ladder.rungs[0]
            answer = Answer(
                what=f"{rung.offering.place} {rung.machine_type} {rung.purchase}",
                rung=place,
                reason=rung.reason if place == 1 else f"{rung.reason}; {_behind(rung, first)}",
            )
            yield rung.offering, answer


def _behind(rung: Rung, first: Rung) -> str:
    label = f"{first.offering.place} {first.machine_type} {first.purchase}"
    if first.is_held and not rung.is_held:
        return f"the first, {label}, is held already"
    if rung.choice != first.choice:
        return f"the first, {label}, has a preferred accelerator"
    mine, its = rung.cost.total, first.cost.total
    if mine is None or its is None:
        return f"the first, {label}, has a known price"
    return f"${mine - its:,.2f}/h more than the first, {label}"


def _left_out(ladder: Ladder, words: str, known: Known) -> Iterator[tuple[Offering, Answer]]:
    """Offerings anywhere, allowed or not, that break some rule."""
    demand = ladder.demand
    scope = make_scope(demand, known.all_limits(), known.today)
    for need in demand.needs:
        for offering, judgement in judge(scope, need, known):
            if judgement.broken and _names(offering, words):
                what = f"{offering.place} {offering.machine.id} {offering.purchase}"
                reason = "; ".join(item.text for item in judgement.broken)
                yield offering, Answer(what=what, rung=None, reason=reason)


def _too_small(ladder: Ladder, words: str, known: Known) -> Iterator[Answer]:
    """Machine types with too few GPUs, each once."""
    demand = ladder.demand
    scope = make_scope(demand, known.all_limits(), known.today)
    for need in demand.needs:
        machines = {
            offering.machine.id: offering
            for offering, judgement in judge(scope, need, known)
            if judgement is TOO_SMALL and _names(offering, words)
        }
        for name, offering in machines.items():
            what = f"{offering.cloud} {name}"
            yield Answer(what=what, rung=None, reason=too_few_gpus(need, offering).text)


def _elsewhere(ladder: Ladder, words: str) -> Iterator[Answer]:
    """What exists but has nothing to do with the demand's accelerators, or is not sold there."""
    wanted = " or ".join(need.accelerator for need in ladder.demand.needs)
    machine = machine_types().get(words)
    if machine is not None:
        yield Answer(what=machine.id, rung=None, reason=f"has {machine.gpu or 'no GPU'}, not {wanted}")
        return
    for cloud in ("aws", "gcp"):
        if words in regions(cloud):
            yield Answer(what=f"{cloud} {words}", rung=None, reason=f"sells no machine type with {wanted}")
            return
    try:
        gpu = find_gpu(words)
    except UnknownName:
        known = [*machine_types(), *regions("aws"), *regions("gcp")]
        hint = did_you_mean(words, known)
        raise UnknownPlace(
            f'"{words}" is no region, zone, machine type, GPU or purchase of the catalog'
            + (f"; {hint}" if hint else "")
        ) from None
    yield Answer(what=gpu.id, rung=None, reason=f"is not among the accelerators: {wanted}")


def _names(offering: Offering, words: str) -> bool:
    text = words.strip().lower()
    machine = offering.machine
    return text in (
        offering.cloud,
        offering.region,
        machine.id.lower(),
        machine.family.lower(),
        offering.purchase,
        offering.purchase.replace("_", "-"),
        offering.id.lower(),
        offering.reservation.lower() or None,
        *offering.zones,
    )
