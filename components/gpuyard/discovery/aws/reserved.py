"""Capacity blocks on offer, and capacity that the account holds already. Nothing here buys."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gpuyard.catalog.evidence_items import CapacityBlock, Reservation
from gpuyard.discovery.asking import Trouble
from gpuyard.discovery.aws.region import NOW, AwsRegion
from gpuyard.discovery.aws.spot import timestamp

BLOCK_CLASS = "capacity-block"
ENDED = frozenset({"expired", "cancelled", "failed", "payment-failed", "unsupported"})


def ask_capacity_blocks(
    region: AwsRegion, machine_type: str, instances: int, hours: Sequence[int], start_within_days: int
) -> Iterator[CapacityBlock | Trouble]:
    """Blocks of ``instances`` machines on offer, of every length that is asked for.

    Empty without a search where EC2 does not sell the type in blocks. A length that EC2 rejects does not
    stop the others.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 (0.3 s that only a survey needs)

    shape = region.shape(machine_type)
    if shape is None or BLOCK_CLASS not in shape.get("SupportedUsageClasses", ()):
        return
    now = datetime.now(UTC)
    for length in hours:
        latest_end = now + timedelta(days=start_within_days, hours=length)
        try:
            for offer in region.pages(
                "describe_capacity_block_offerings",
                "CapacityBlockOfferings",
                InstanceType=machine_type,
                InstanceCount=instances,
                CapacityDurationHours=length,
                StartDateRange=now,
                EndDateRange=latest_end,
            ):
                yield _block(region, offer)
        except ClientError as error:
            if not error.response.get("Error", {}).get("Code", "").startswith("Invalid"):
                raise
            yield Trouble(error)


def ask_reservations(region: AwsRegion) -> Iterator[Reservation]:
    """On-demand capacity reservations and capacity blocks that are held, pending or scheduled."""
    listed = set()
    blocks = {
        block["CapacityBlockId"]: block
        for block in region.pages("describe_capacity_blocks", "CapacityBlocks")
    }
    for held in region.pages("describe_capacity_reservations", "CapacityReservations"):
        if held["State"] in ENDED:
            continue
        listed.add(held.get("CapacityBlockId"))
        yield _reservation(region, held, blocks.get(held.get("CapacityBlockId", ""), {}))
    for block_id, block in blocks.items():
        if block_id not in listed and block["State"] not in ENDED:
            yield Reservation(
                cloud="aws",
                account=region.account,
                region=region.name,
                zone=block.get("AvailabilityZoneId") or region.zone_id(block.get("AvailabilityZone", "")),
                machine_type="",
                id=block_id,
                form="capacity_block",
                state=block["State"],
                total=None,
                is_targeted=True,
                starts_at=_moment(block.get("StartDate")),
                ends_at=_moment(block.get("EndDate")),
                mode=block.get("UltraserverType", ""),
                as_of=NOW,
            )


def _block(region: AwsRegion, offer: Any) -> CapacityBlock:
    segments = offer.get("CapacityBlockOfferingSegments") or [{}]
    zone = segments[0].get("AvailabilityZoneId") or region.zone_id(offer["AvailabilityZone"])
    return CapacityBlock(
        cloud="aws",
        region=region.name,
        zone=zone,
        machine_type=offer["InstanceType"],
        offering_id=offer["CapacityBlockOfferingId"],
        instances=offer["InstanceCount"],
        hours=offer["CapacityBlockDurationHours"],
        starts_at=timestamp(offer["StartDate"]),
        ends_at=timestamp(offer["EndDate"]),
        upfront=float(offer["UpfrontFee"]),
        currency=offer.get("CurrencyCode", "USD"),
        tenancy=offer.get("Tenancy", ""),
        ultraserver_type=offer.get("UltraserverType", ""),
        as_of=NOW,
    )


def _reservation(region: AwsRegion, held: Any, block: Any) -> Reservation:
    is_block = held.get("ReservationType") == BLOCK_CLASS
    names = [tag["Value"] for tag in held.get("Tags", ()) if tag["Key"] == "Name"]
    owner = held.get("OwnerId", "")
    return Reservation(
        cloud="aws",
        account=region.account,
        region=region.name,
        zone=held.get("AvailabilityZoneId") or region.zone_id(held.get("AvailabilityZone", "")),
        machine_type=held["InstanceType"],
        id=held["CapacityReservationId"],
        name=names[0] if names else "",
        form="capacity_block" if is_block else "reservation",
        state=held["State"],
        total=held["TotalInstanceCount"],
        available=held.get("AvailableInstanceCount"),
        is_targeted=is_block or held.get("InstanceMatchCriteria") == "targeted",
        starts_at=_moment(held.get("StartDate")),
        ends_at=_moment(held.get("EndDate")),
        placement_group=held.get("PlacementGroupArn", ""),
        is_interruptible=held.get("Interruptible", False),
        is_shared=bool(owner) and masked_account(owner) != region.account,
        mode=block.get("UltraserverType") or held.get("DeliveryPreference", ""),
        as_of=NOW,
    )


def masked_account(account: str) -> str:
    """The account number with only its last four digits."""
    return "********" + account[-4:]


def _moment(value: datetime | None) -> str:
    return timestamp(value) if value else ""
