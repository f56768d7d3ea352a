"""GcpFutureReservation: capacity from a later day on, submitted once somebody agreed to its price."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from gpuyard.acknowledgement import AcknowledgePurchaseArgs, require_acknowledgement
from gpuyard.gcp.capacity_spec import GcpFutureReservationSpec, render_future_reservation
from gpuyard.gcp.reservation import NAME_LENGTH
from gpuyard.inputs import parse_inputs
from gpuyard.names import fit


class GcpFutureReservationArgs(TypedDict):
    """Which machines, when, and the agreement to pay for them."""

    zone: str
    """Zone, e.g. ``us-central1-a``."""
    machine_type: str
    """Machine type with GPUs."""
    machines: int
    """How many."""
    starts: str
    """Start, e.g. ``2026-12-07T09:00:00Z``."""
    ends: str
    """End; in calendar mode 1 to 90 days after the start."""
    mode: NotRequired[str]
    """``future_reservation`` or ``calendar``. Default future_reservation."""
    submit: NotRequired[bool]
    """Submit it to Google, which commits to paying once it is approved. Default off: a free draft."""
    amount_usd: NotRequired[float]
    """What it commits to. Needed with submit."""
    acknowledge_purchase: NotRequired[AcknowledgePurchaseArgs]
    """Offering (``gcp/REGION/ZONE/MACHINE/MODE``) and amount, from the config of the stack."""
    name: NotRequired[str]
    """Name of it and of the reservation that comes of it. Default the component's name."""
    project: NotRequired[str]
    """Default the provider's."""


@pulumi.type_token("gpuyard:index:GcpFutureReservation")
class GcpFutureReservation(pulumi.ComponentResource):
    """A future reservation: a draft, or with ``submit`` a request that commits once Google approves it.

    Submitting is refused in preview unless ``acknowledge_purchase`` names this offering and this amount.
    Once Google provisions it, deleting gives nothing back.
    """

    reservation: pulumi.Output[str]
    """Name of the reservation that comes of it, for the ``reservation`` of a pool."""

    def __init__(
        self, name: str, args: GcpFutureReservationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        plain = {"name": fit(name, NAME_LENGTH), **args}
        spec = parse_inputs("GcpFutureReservation", GcpFutureReservationSpec, plain)
        words = ""
        if spec.submit:
            words = require_acknowledgement("GcpFutureReservation", spec.purchase, spec.acknowledge_purchase)
        super().__init__("gpuyard:index:GcpFutureReservation", name, {}, opts)
        if words:
            pulumi.log.warn(words, self)
        gcp.compute.FutureReservation(
            f"{name}-future",
            **render_future_reservation(spec),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=spec.submit),
        )
        self.reservation = pulumi.Output.from_input(spec.name)
        self.register_outputs({"reservation": self.reservation})
