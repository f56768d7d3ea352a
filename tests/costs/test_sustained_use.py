"""Google's sustained-use discount by the hours of a month."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.costs.sustained_use import sustained_use_share

SHARES = st.decimals("0.01", 1, places=3)


@pytest.mark.parametrize(
    ("family", "share", "left"),
    [
        ("n1", "0.25", "1"),
        ("n1", "0.5", "0.9"),  # Compute Engine documentation: 10 %, 20 %, 30 % at half, three quarters, all
        ("n1", "0.75", "0.8"),
        ("n1", "1", "0.7"),
        ("n2", "1", "0.8"),
        ("n2", "0.5", "0.9339"),
        ("g2", "1", "1"),
        ("a3", "1", "1"),
        ("e2", "1", "1"),
    ],
)
def test_the_share_left_is_the_published_one(family, share, left):
    assert sustained_use_share(family, Decimal(share)) == Decimal(left)


@given(SHARES, SHARES)
def test_more_hours_never_cost_less_and_never_more_per_hour(first, second):
    low, high = sorted((first, second))
    for family in ("n1", "n2", "g2"):
        assert sustained_use_share(family, low) >= sustained_use_share(family, high)
        assert low * sustained_use_share(family, low) <= high * sustained_use_share(family, high) + Decimal(
            "0.0002"
        )
