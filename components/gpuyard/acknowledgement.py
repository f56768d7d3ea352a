"""`acknowledge_purchase` of components: id and amount of what cannot be given back."""

from typing import TypedDict

from gpuyard.capacity.purchase import Agreed, Purchase, check_purchase
from gpuyard.errors import Severity
from gpuyard.inputs import ArgsError


class AcknowledgePurchaseArgs(TypedDict):
    """One purchase that was decided on."""

    offering: str
    """Id of the offering, exactly as it is bought."""
    amount_usd: float
    """What it commits to, in USD."""


def require_acknowledgement(component: str, purchase: Purchase, acknowledged: Agreed | None) -> str:
    """What to tell about the purchase that was agreed to.

    Raises:
        ArgsError: nobody agreed to it, or to another offering or amount.
    """
    finding = check_purchase(purchase, [acknowledged] if acknowledged else [], "acknowledge_purchase")
    if finding.severity is Severity.ERROR:
        raise ArgsError(component, (finding,))
    return finding.message
