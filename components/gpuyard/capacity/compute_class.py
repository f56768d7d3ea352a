"""A ladder for GKE: one ComputeClass whose priorities are the rungs, so that nodes fall back by themselves.

Only what two sources agree on is written. Reservations are `Specific`: `AnyBestEffort` falls back to
on-demand below GKE, and later priorities then never come. `location.zones` is left out with a reservation,
which GKE rejects together. A GPU must be asked for by type, count and driver, or no machine with one is made.
"""

from collections.abc import Sequence
from typing import Any

from gpuyard.capacity.demand import Purchase
from gpuyard.capacity.lock import LockedRung
from gpuyard.catalog.hardware import machine_types

FLEX_START_SECONDS = 604_800
"""Flex-start nodes live at most seven days."""
_USABLE = (Purchase.ON_DEMAND, Purchase.SPOT, Purchase.FLEX_START, Purchase.RESERVATION)


def render_compute_class(name: str, rungs: Sequence[LockedRung]) -> list[dict[str, Any]]:
    """The ComputeClass of the Google rungs, best first; empty: GKE can do none of them.

    Pods choose it with the node selector ``cloud.google.com/compute-class``. Node pools are made by GKE
    (1.33.3-gke.1136000 or newer without cluster autoprovisioning).
    """
    priorities = [_priority(rung) for rung in rungs if _is_usable(rung)]
    if not priorities:
        return []
    return [
        {
            "apiVersion": "cloud.google.com/v1",
            "kind": "ComputeClass",
            "metadata": {"name": name},
            "spec": {
                "priorities": priorities,
                "nodePoolAutoCreation": {"enabled": True},
                "whenUnsatisfiable": "DoNotScaleUp",
            },
        }
    ]


def _is_usable(rung: LockedRung) -> bool:
    if rung.cloud != "gcp" or rung.purchase not in _USABLE or rung.nodes_per_replica > 1:
        return False
    return bool(rung.reservation) == (rung.purchase == Purchase.RESERVATION)


def _priority(rung: LockedRung) -> dict[str, Any]:
    label = machine_types()[rung.machine_type].accelerator_label.rpartition("=")[2]
    rule: dict[str, Any] = {
        "machineType": rung.machine_type,
        "gpu": {"type": label, "count": rung.gpus_per_node, "driverVersion": "default"},
    }
    if rung.purchase == Purchase.SPOT:
        rule["spot"] = True
    if rung.purchase == Purchase.FLEX_START:
        rule |= {"flexStart": {"enabled": True}, "maxRunDurationSeconds": FLEX_START_SECONDS}
    if rung.reservation:
        rule["reservations"] = {"affinity": "Specific", "specific": [_reservation(rung.reservation)]}
    elif rung.zones:
        rule["location"] = {"zones": list(rung.zones)}
    return rule


def _reservation(text: str) -> dict[str, Any]:
    """``NAME``, ``projects/P/reservations/NAME``, either with ``/reservationBlocks/BLOCK``."""
    path, _, block = text.partition("/reservationBlocks/")
    found: dict[str, Any] = {"name": path.rpartition("/")[2]}
    if path.startswith("projects/"):
        found["project"] = path.split("/")[1]
    return found | ({"reservationBlock": {"name": block}} if block else {})
