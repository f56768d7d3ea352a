"""What the active rungs of a stack would buy, and whether somebody agreed to it."""

from collections.abc import Iterator

from gpuyard.capacity.lock import LockedRung
from gpuyard.capacity.purchase import Purchase, check_purchase
from gpuyard.errors import Finding, Severity
from gpuyard.stack.plan import StackPlan


def check_purchases(plan: StackPlan) -> Iterator[Finding]:
    """Findings of every pool that buys something, and of acknowledgements that nothing needs."""
    capacity = plan.deployment.capacity
    agreed = capacity.acknowledge_purchase
    bought = set()
    for index, pool in enumerate(plan.pools):
        if pool.rung.is_commitment:
            bought.add(pool.rung.offering)
            finding = check_purchase(purchase_of(pool.rung), agreed, f"pools[{index}]")
            yield finding
            if finding.severity is not Severity.ERROR:
                yield _not_held(pool.rung, f"pools[{index}].purchase")
    ladders = {rung.offering for rungs in plan.ladders.values() for rung in rungs}
    for index, item in enumerate(capacity.acknowledge_purchase):
        if item.offering not in bought:
            known = item.offering in ladders
            yield Finding(
                severity=Severity.NOTE if known else Severity.WARNING,
                code="ACKNOWLEDGEMENT_UNUSED",
                path=f"capacity.acknowledge_purchase[{index}]",
                value=item.offering,
                message="nothing is bought under it: "
                + ("its rung is not the active one" if known else "the ladder has no such offering"),
                fix="" if known else "take it out, or correct the id to one that `gpuyard capacity` shows",
            )


def purchase_of(rung: LockedRung) -> Purchase:
    """What taking the rung buys."""
    return Purchase(offering=rung.offering, what=rung.label, usd=rung.usd_committed)


def _not_held(rung: LockedRung, path: str) -> Finding:
    """A pool cannot start in capacity that is not held yet: buying is a step of its own."""
    component = {
        ("aws", "capacity_block"): "Ec2CapacityBlock",
        ("gcp", "calendar"): "GcpFutureReservation",
        ("gcp", "future_reservation"): "GcpFutureReservation",
    }.get((rung.cloud, rung.purchase), "")
    buy = (
        f"buy it with the component {component}"
        if component
        else "create it in the EC2 console or API: no Pulumi resource makes future-dated reservations"
    )
    return Finding.error(
        "PURCHASE_NOT_HELD",
        path,
        f"{rung.label} is not held yet, so no node can start in it",
        f"{buy} (docs/how-to/buy-capacity.md), name it in capacity.reservations, and lock again; "
        "or make another rung active",
        value=rung.offering,
    )
