"""Purchases that cannot be given back, and the acknowledgement that each one needs."""

from collections.abc import Iterable

from pydantic import Field

from gpuyard.errors import Finding, Severity
from gpuyard.parsing import Spec
from gpuyard.records import record

CENT = 0.005
"""Amounts that differ by less are equal."""
NOT_REFUNDED = "destroying the stack gives nothing back: it is paid for, used or not"


@record
class Purchase:
    """Something to be bought: what it is, and what it commits to."""

    offering: str
    what: str
    """In words, e.g. ``p5.48xlarge capacity block in us-east-1``."""
    usd: float | None
    """None: nobody has named an amount yet."""


class Agreed(Spec):
    """What a person agreed to (``acknowledge_purchase``): an offering and an amount."""

    offering: str = Field(min_length=1)
    """Id of the offering, as the lock and `gpuyard capacity` show it."""
    amount_usd: float = Field(gt=0)
    """What it commits to: the very amount that the lock or the offer shows."""


def check_purchase(purchase: Purchase, agreed: Iterable[Agreed], path: str) -> Finding:
    """An error where the purchase is not agreed to by id and amount; else a note that it is not refunded."""
    matching = [item for item in agreed if item.offering == purchase.offering]
    if purchase.usd is None:
        return _refused(
            path,
            purchase,
            f"{purchase.what} has no known amount, so nobody can have agreed to it",
            "ask for an offer with `gpuyard capacity --live`, then lock again",
        )
    words = f"{{offering: {purchase.offering}, amount_usd: {purchase.usd:.2f}}}"
    if not matching:
        return _refused(
            path,
            purchase,
            f"{purchase.what} commits to ${purchase.usd:,.2f} and nobody agreed to it",
            f"if it is to be bought, set acknowledge_purchase: {words}",
        )
    if not any(abs(item.amount_usd - purchase.usd) < CENT for item in matching):
        amounts = ", ".join(f"${item.amount_usd:,.2f}" for item in matching)
        return _refused(
            path,
            purchase,
            f"{purchase.what} commits to ${purchase.usd:,.2f}, but {amounts} was agreed to",
            f"look at it again; if it is still to be bought, set acknowledge_purchase: {words}",
        )
    return Finding(
        severity=Severity.WARNING,
        code="PURCHASE_NOT_REFUNDED",
        path=path,
        value=purchase.offering,
        message=f"{purchase.what} is bought for ${purchase.usd:,.2f}; {NOT_REFUNDED}",
        fix="nothing to do if that is meant; else take acknowledge_purchase out before `up`",
    )


def _refused(path: str, purchase: Purchase, message: str, fix: str) -> Finding:
    return Finding.error("PURCHASE_NOT_ACKNOWLEDGED", path, message, fix, value=purchase.offering)
