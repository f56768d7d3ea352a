"""Compute capabilities that GPU generations start with."""

from collections.abc import Mapping

from gpuyard.catalog.software import DriverBranch, Version, driver_branches

PASCAL: Version = (6, 0)
VOLTA: Version = (7, 0)
TURING: Version = (7, 5)
AMPERE: Version = (8, 0)
ADA: Version = (8, 9)
HOPPER: Version = (9, 0)
BLACKWELL: Version = (10, 0)
CONSUMER_BLACKWELL: Version = (12, 0)
LAST_LEGACY_BRANCH = 580
LAST_BRANCHES: tuple[tuple[Version, int], ...] = (
    ((2, 0), 340),
    ((3, 0), 390),
    ((5, 0), 470),
    (TURING, LAST_LEGACY_BRANCH),
)
"""Compute capability below which a branch was the last: Tesla, Fermi, Kepler, then Maxwell to Volta."""
EARLIER_BRANCHES: Mapping[int, DriverBranch] = {
    branch: DriverBranch(
        branch=branch, kind="legacy", latest=latest, source="NVIDIA's list of legacy GPUs (2024)"
    )
    for branch, latest in ((340, "340.108"), (390, "390.157"))
}
"""Last branches from before those of the catalog."""


def last_branch(sm: Version) -> int:
    """Last driver branch for the compute capability; 0: none is."""
    return next((branch for below, branch in LAST_BRANCHES if () < sm < below), 0)


def branch_row(branch: int) -> DriverBranch:
    """What is known of a branch that was the last for a generation."""
    return EARLIER_BRANCHES.get(branch) or driver_branches()[branch]
