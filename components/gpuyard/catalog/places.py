"""Where machine types are sold: regions, and zones where they are known.

AWS zones are zone *ids* (``use1-az1``), the same in every account, from the offerings that moto 5.2.5
records (Apache-2.0, read 2026-11-24). GCP zones are those that a price row of the type names, else (G2 and
G4: also) those that sell GPUs of its series in a region that lists the type: likely, not proven.
"""

from collections.abc import Mapping
from functools import cache

from gpuyard.catalog.overlay import overlay_offers
from gpuyard.catalog.regions import regions
from gpuyard.catalog.tables import read_csv

__all__ = [
    "OFFERINGS_AS_OF",
    "OFFERINGS_SOURCE",
    "is_place_known",
    "regions",
    "regions_selling",
    "zones_selling",
]

OFFERINGS_SOURCE = "EC2 offerings recorded by getmoto/moto 5.2.5"
OFFERINGS_AS_OF = "2026-11-24"


def regions_selling(cloud: str, machine_type: str) -> tuple[str, ...]:
    """Regions that list ``machine_type``, sorted; empty: none is known."""
    shipped = (_aws_regions() if cloud == "aws" else _gcp_regions()).get(machine_type, ())
    added = {region for (at, name, region) in _overlay_zones() if (at, name) == (cloud, machine_type)}
    return tuple(sorted({*shipped, *added})) if added else shipped


def zones_selling(cloud: str, machine_type: str, region: str) -> tuple[str, ...]:
    """Zones of ``region`` that sell ``machine_type``, sorted; empty: not known.

    The user's overlay decides where it names zones, for it is newer.
    """
    told = _overlay_zones().get((cloud, machine_type, region), ())
    return told or (_aws_zones() if cloud == "aws" else _gcp_zones()).get((machine_type, region), ())


def is_place_known(cloud: str, machine_type: str, region: str) -> bool:
    """Whether some zone of ``region`` is known to sell it, or the user's overlay says that the region does.

    Google lists and prices machine types in regions where its page of GPU zones has none of them.
    """
    key = (cloud, machine_type, region)
    return bool(zones_selling(*key)) or key in _overlay_zones()


@cache
def _overlay_zones() -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    found: dict[tuple[str, str, str], set[str]] = {}
    for offer in overlay_offers():
        zones = found.setdefault((offer.cloud, offer.machine_type, offer.region), set())
        if offer.zone and not offer.in_local_zone:
            zones.add(offer.zone)
    return {key: tuple(sorted(zones)) for key, zones in found.items()}


@cache
def _aws_zones() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Zone ids by type and region, without local zones: EKS node groups do not span them."""
    rows = read_csv("aws_offerings")
    return {
        (row["instance_type"], row["region"]): tuple(
            zone for zone in row["zone_ids"].split() if zone.count("-") == 1
        )
        for row in rows
    }


@cache
def _aws_regions() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for (machine_type, region), zones in _aws_zones().items():
        if zones:
            found.setdefault(machine_type, []).append(region)
    return {key: tuple(sorted(value)) for key, value in found.items()}


@cache
def _gcp_regions() -> Mapping[str, tuple[str, ...]]:
    return {
        row["machine_type"]: tuple(sorted(row["regions"].split())) for row in read_csv("gcp_machine_regions")
    }


_ALIKE = ("g2", "g4")
"""Series whose types differ in size alone: what a zone sells of one it sells of all."""


@cache
def _gcp_zones() -> Mapping[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], set[str]] = {}
    for row in read_csv("gpu_prices"):
        if row["cloud"] == "gcp" and row["zone"]:
            found.setdefault((row["instance_type"], row["region"]), set()).add(row["zone"])
    for series in read_csv("gcp_series_zones"):
        for machine_type, regions_listed in _gcp_regions().items():
            if machine_type.startswith(series["series"] + "-") and series["region"] in regions_listed:
                key, zones = (machine_type, series["region"]), set(series["zones"].split())
                if series["series"] in _ALIKE:
                    found.setdefault(key, set()).update(zones)
                else:
                    found.setdefault(key, zones)
    return {key: tuple(sorted(value)) for key, value in found.items()}
