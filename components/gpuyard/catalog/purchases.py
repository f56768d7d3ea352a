"""Which machine types are not sold in which way, whatever the price tables list."""

from functools import cache

from gpuyard.catalog.tables import read_csv
from gpuyard.records import record


@record
class PurchaseLimit:
    """One way of buying that a machine type does not have."""

    reason: str
    source: str
    as_of: str


def purchase_limit(cloud: str, machine_type: str, purchase: str) -> PurchaseLimit | None:
    """Why ``machine_type`` cannot be bought as ``purchase``; None: nothing known against it."""
    return _limits().get((cloud, machine_type, purchase))


@cache
def _limits() -> dict[tuple[str, str, str], PurchaseLimit]:
    return {
        (row["cloud"], row["machine_type"], row["not_sold_as"]): PurchaseLimit(
            reason=row["reason"], source=row["source"], as_of=row["as_of"]
        )
        for row in read_csv("purchase_limits")
    }
