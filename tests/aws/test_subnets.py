from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.aws.subnets import PREFIX_MAX, PREFIX_MIN, ZONES_MAX, allocate_subnets

ZONES = [f"use1-az{number}" for number in range(1, ZONES_MAX + 1)]


@st.composite
def vpcs(draw):
    prefix = draw(st.integers(PREFIX_MIN, PREFIX_MAX))
    base = draw(st.integers(0, 2 ** (prefix - 8) - 1)) << (32 - prefix)
    return str(IPv4Network((int(IPv4Network("10.0.0.0/8").network_address) + base, prefix)))


def test_a_slash_16_gives_each_zone_a_private_19_and_a_public_21():
    first, second = allocate_subnets("10.0.0.0/16", ["use1-az1", "use1-az2"])
    assert (first.zone, first.private, first.public) == ("use1-az1", "10.0.0.0/19", "10.0.192.0/21")
    assert (second.zone, second.private, second.public) == ("use1-az2", "10.0.32.0/19", "10.0.200.0/21")


@given(vpcs(), st.integers(1, ZONES_MAX))
def test_ranges_lie_in_the_vpc_and_never_overlap(cidr, count):
    ranges = [
        IPv4Network(part)
        for zone in allocate_subnets(cidr, ZONES[:count])
        for part in (zone.public, zone.private)
    ]
    assert all(part.subnet_of(IPv4Network(cidr)) for part in ranges)
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))


@given(vpcs(), st.integers(1, ZONES_MAX))
def test_no_range_is_smaller_than_aws_makes_them(cidr, count):
    for zone in allocate_subnets(cidr, ZONES[:count]):
        assert IPv4Network(zone.public).prefixlen <= 28
        assert IPv4Network(zone.private).prefixlen <= 28


@given(vpcs(), st.integers(1, ZONES_MAX - 1))
def test_appending_a_zone_moves_nothing(cidr, count):
    assert allocate_subnets(cidr, ZONES[: count + 1])[:count] == allocate_subnets(cidr, ZONES[:count])


@pytest.mark.parametrize(
    ("cidr", "zones", "reason"),
    [
        ("10.0.0.0/24", ZONES[:2], "not between /16 and /23"),
        ("10.0.0.0/15", ZONES[:2], "not between /16 and /23"),
        ("10.0.0.0/16", [], "0 zones"),
        ("10.0.0.0/16", [*ZONES, "use1-az7"], "7 zones"),
        ("10.0.0.0/16", ["use1-az1", "use1-az1"], "named twice"),
        ("10.0.0.1/16", ZONES[:2], "has host bits set"),
    ],
)
def test_a_vpc_that_cannot_be_divided_is_refused(cidr, zones, reason):
    with pytest.raises(ValueError, match=reason):
        allocate_subnets(cidr, zones)
