"""Subnet ranges of a VPC: one public and one private per zone, stable as zones are added."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

ZONES_MAX = 6
"""Private ranges take the first three quarters of the VPC in eighths, public ones the last quarter."""
PREFIX_MIN, PREFIX_MAX = 16, 23
"""A VPC is at most a /16; public subnets are 32nds of it, and AWS makes none below /28."""


@dataclass(frozen=True, slots=True)
class ZoneSubnets:
    """The ranges of one zone."""

    zone: str
    public: str
    private: str


def allocate_subnets(cidr: str, zones: Sequence[str]) -> tuple[ZoneSubnets, ...]:
    """Ranges for each zone, in the order given.

    A /16 gives each zone a private /19 (8,187 pod addresses) and a public /21. A zone's ranges depend on
    its position only, so appending a zone moves nothing.

    Raises:
        ValueError: no zones, more than six, a zone twice, or a VPC that is not between /16 and /23.
    """
    network = IPv4Network(cidr)
    if not PREFIX_MIN <= network.prefixlen <= PREFIX_MAX:
        raise ValueError(f"{cidr} is not between /{PREFIX_MIN} and /{PREFIX_MAX}; use a /16 as a rule")
    if not 1 <= len(zones) <= ZONES_MAX:
        raise ValueError(f"{len(zones)} zones; a VPC takes 1 to {ZONES_MAX} here")
    if len(set(zones)) != len(zones):
        raise ValueError("a zone is named twice")
    eighths = list(network.subnets(prefixlen_diff=3))
    public = [part for eighth in eighths[6:] for part in eighth.subnets(prefixlen_diff=2)]
    return tuple(
        ZoneSubnets(zone=zone, public=str(public[index]), private=str(eighths[index]))
        for index, zone in enumerate(zones)
    )
