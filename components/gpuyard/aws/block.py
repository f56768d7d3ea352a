"""Ec2CapacityBlock: a capacity block, bought once somebody agreed to its price."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from gpuyard.acknowledgement import AcknowledgePurchaseArgs, require_acknowledgement
from gpuyard.aws.capacity_spec import CapacityBlockSpec, render_block
from gpuyard.inputs import parse_inputs


class Ec2CapacityBlockArgs(TypedDict):
    """Which offer to take, and the agreement to pay for it."""

    offering_id: str
    """Id of the offer, from `gpuyard capacity --live`. Offers expire within hours."""
    amount_usd: float
    """What the offer costs up front."""
    acknowledge_purchase: NotRequired[AcknowledgePurchaseArgs]
    """The same id and amount, from the config of the stack. Without it nothing is bought."""
    tags: NotRequired[dict[str, str]]
    """On the block."""


@pulumi.type_token("gpuyard:index:Ec2CapacityBlock")
class Ec2CapacityBlock(pulumi.ComponentResource):
    """A capacity block: paid up front, not refundable, not changeable, ends by itself.

    Refused in preview unless ``acknowledge_purchase`` names this offer and this amount. Destroying the
    stack forgets the block and gives nothing back.
    """

    reservation_id: pulumi.Output[str]
    """Id for the ``reservation_id`` of a pool with purchase ``capacity_block``."""

    def __init__(
        self, name: str, args: Ec2CapacityBlockArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = parse_inputs("Ec2CapacityBlock", CapacityBlockSpec, dict(args))
        words = require_acknowledgement("Ec2CapacityBlock", spec.purchase, spec.acknowledge_purchase)
        super().__init__("gpuyard:index:Ec2CapacityBlock", name, {}, opts)
        pulumi.log.warn(words, self)
        block = aws.ec2.CapacityBlockReservation(
            f"{name}-block",
            **render_block(spec, name),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.reservation_id = block.id
        self.register_outputs({"reservationId": self.reservation_id})
