"""Walking a ladder: after every refusal, the best rung that nothing known keeps out.

Each value of each field has the set of rungs that share it, as the bits of an integer. What a refusal
covers is then a few ANDs, and the next rung the lowest bit left: re-planning after every refusal of a
ladder of hundreds of rungs takes microseconds, and no rung is looked at twice.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from gpuyard.capacity.rung import Rung


class Place(NamedTuple):
    """What refusals tell rungs apart by; empty fields are unknown."""

    cloud: str
    region: str
    zones: tuple[str, ...]
    machine_type: str
    purchase: str
    bucket: str = ""
    """The quota bucket, in the words of the refusals."""
    reservation: str = ""


_FIELDS = ("cloud", "region", "machine_type", "purchase", "bucket", "reservation")


class Walk:
    """The rungs that are left, while refusals come in."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._by_field: dict[str, dict[str, int]] = {name: {} for name in _FIELDS}
        self._by_zone: dict[str, int] = {}
        self._zoneless = 0
        count = 0
        for count, place in enumerate(places, start=1):
            bit = 1 << (count - 1)
            for name in _FIELDS:
                sets = self._by_field[name]
                value = getattr(place, name)
                sets[value] = sets.get(value, 0) | bit
            for zone in place.zones:
                self._by_zone[zone] = self._by_zone.get(zone, 0) | bit
            if not place.zones:
                self._zoneless |= bit
        self._everything = self._open = (1 << count) - 1

    def refuse(self, scope: Any) -> None:
        """Take out every rung that agrees with all fields of ``scope`` that are set.

        A `Place`, or the scope of a failure: anything with those fields.
        """
        self._open &= ~self.covered(scope)

    def covered(self, scope: Any) -> int:
        """The rungs that ``scope`` covers, as bits."""
        found = self._everything
        for name in _FIELDS:
            value = getattr(scope, name)
            if value:
                found &= self._by_field[name].get(value, 0)
        if scope.zones and found:
            zones = self._zoneless
            for zone in scope.zones:
                zones |= self._by_zone.get(zone, 0)
            found &= zones
        return found

    def next(self) -> int | None:
        """Index of the best rung left, from 0; None: the ladder is at its end."""
        return (self._open & -self._open).bit_length() - 1 if self._open else None


def places_of(rungs: Iterable[Rung], bucket: Callable[[Rung], str] = lambda _: "") -> tuple[Place, ...]:
    """The places of rungs; ``bucket`` names a rung's quota in the words of the refusals."""
    return tuple(
        Place(
            rung.cloud,
            rung.region,
            rung.zones,
            rung.machine_type,
            rung.purchase,
            bucket(rung),
            rung.offering.reservation,
        )
        for rung in rungs
    )
