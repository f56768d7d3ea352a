"""What Compute Engine charges for a machine, summed from the SKUs of its parts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gpuyard.catalog.hardware import MachineType

SKUS = "/v1/services/6F81-5844-456A/skus"
"""Where Cloud Billing lists those of Compute Engine."""
_SERIES = {
    "a2-highgpu": ("A2", "Nvidia Tesla A100 GPU"),
    "a2-megagpu": ("A2", "Nvidia Tesla A100 GPU"),
    "a2-ultragpu": ("A2", "Nvidia Tesla A100 80GB GPU"),
    "a3-highgpu": ("A3", "Nvidia H100 80GB GPU"),
    "g2": ("G2", "Nvidia L4 GPU"),
}
"""Host and GPU as SKU descriptions of Compute Engine name them (seen in public SKU dumps, 2026-07).

Other families are left out on purpose: H100 Mega has two descriptions, B200 SKUs include the host, and
flex-start SKUs stand beside on-demand ones, so a wrong sum would look right.
"""


def sku_sum(skus: Sequence[Any], machine: MachineType, region: str, *, is_spot: bool) -> float | None:
    """Host and GPUs of a machine; None: a part is missing, ambiguous, or of a family left out."""
    named = _SERIES.get(machine.family) or _SERIES.get(machine.id.rpartition("-")[0])
    if named is None:
        return None
    series, gpu = named
    before, attached = ("Spot Preemptible ", "attached to Spot Preemptible VMs ") if is_spot else ("", "")
    parts = (
        (rf"{before}{series} Instance Core running in .+", machine.vcpu),
        (rf"{before}{series} Instance Ram running in .+", machine.memory_gib),
        (rf"{re.escape(gpu)} {attached}running in .+", machine.gpu_count),
    )
    total = 0.0
    for pattern, amount in parts:
        prices = {
            price
            for sku in skus
            if region in sku.get("serviceRegions", ())
            and re.fullmatch(pattern, sku["description"], re.IGNORECASE)
            if (price := unit_price(sku)) is not None
        }
        if len(prices) != 1:
            return None
        total += prices.pop() * amount
    return round(total, 6)


def unit_price(sku: Mapping[str, Any]) -> float | None:
    """USD per unit of the first paid tier; None: no price."""
    for info in sku.get("pricingInfo", ())[-1:]:
        for rate in info["pricingExpression"]["tieredRates"]:
            money = rate["unitPrice"]
            usd = int(money.get("units") or 0) + int(money.get("nanos") or 0) / 1e9
            if usd > 0:
                return usd
    return None
