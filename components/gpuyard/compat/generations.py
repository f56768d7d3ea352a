"""Compute capabilities that GPU generations start with."""

from gpuyard.catalog.software import Version

VOLTA: Version = (7, 0)
TURING: Version = (7, 5)
AMPERE: Version = (8, 0)
ADA: Version = (8, 9)
HOPPER: Version = (9, 0)
BLACKWELL: Version = (10, 0)
CONSUMER_BLACKWELL: Version = (12, 0)
LAST_LEGACY_BRANCH = 580
LAST_BRANCHES: tuple[tuple[Version, int], ...] = (((5, 0), 470), (TURING, LAST_LEGACY_BRANCH))
"""Compute capability below which a branch was the last: Kepler, then Maxwell, Pascal and Volta."""


def last_branch(sm: Version) -> int:
    """Last driver branch for the compute capability; 0: none is."""
    return next((branch for below, branch in LAST_BRANCHES if () < sm < below), 0)
