"""The machines that a resource asks its cloud for: type, zones, how bought, how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.simulate.gcp_names import last_part
from gpuyard.simulate.gke import zones_of
from gpuyard.simulate.lookup import Lookup
from gpuyard.simulate.place import Place

NODE_GROUP, NODE_POOL = "aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool"
_CAPACITY_TYPES = {"SPOT": "spot", "CAPACITY_BLOCK": "capacity_block"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDemand:
    """What has to be found for a resource to come up."""

    machine_types: tuple[str, ...] = ()
    """Alternatives; empty: the resource needs no machine."""
    zones: tuple[str, ...] = ()
    """Alternatives: zone ids at AWS, names at Google."""
    zone_names: tuple[str, ...] = ()
    """The same zones by name."""
    purchase: str = "on_demand"
    nodes: int = 0
    reservation: str = ""
    subnets: tuple[str, ...] = ()

    @property
    def alternatives(self) -> tuple[tuple[str, str], ...]:
        """Every machine type in every zone; one of them is enough."""
        return tuple((machine, zone) for machine in self.machine_types for zone in self.zones or ("",))


def machine_demand(
    type_: str,
    inputs: Mapping[str, Any],
    place: Place,
    lookup: Lookup,
    before: Mapping[str, Any] | None = None,
) -> MachineDemand:
    """The machines that creating a resource needs, or those that an update adds to ``before``."""
    if type_ == NODE_GROUP:
        return _node_group(inputs, place, lookup, before or {})
    if type_ == NODE_POOL:
        return _node_pool(inputs, place, lookup, before or {})
    if type_ == "aws:ec2/instance:Instance" and before is None:
        return _ec2_instance(inputs, place, lookup)
    if type_ == "gcp:compute/instance:Instance" and before is None:
        return _gce_instance(inputs)
    return MachineDemand()


def _node_group(
    inputs: Mapping[str, Any], place: Place, lookup: Lookup, before: Mapping[str, Any]
) -> MachineDemand:
    template = _launch_template(inputs.get("launchTemplate") or {}, place, lookup)
    target = (template.get("capacityReservationSpecification") or {}).get("capacityReservationTarget") or {}
    machines = inputs.get("instanceTypes") or [template.get("instanceType") or "t3.medium"]
    subnets = tuple(str(subnet) for subnet in inputs.get("subnetIds") or ())
    zones = _zones(subnets, place, lookup)
    reservation = str(target.get("capacityReservationId") or "")
    purchase = _CAPACITY_TYPES.get(
        str(inputs.get("capacityType")), "reservation" if reservation else "on_demand"
    )
    wanted = _size(inputs) - _size(before)
    return MachineDemand(
        machine_types=tuple(str(machine) for machine in machines),
        zones=tuple(zone_id for _, zone_id in zones),
        zone_names=tuple(name for name, _ in zones),
        purchase=purchase,
        nodes=max(0, wanted),
        reservation=reservation,
        subnets=subnets,
    )


def _size(group: Mapping[str, Any]) -> int:
    return int((group.get("scalingConfig") or {}).get("desiredSize") or 0)


def _launch_template(given: Mapping[str, Any], place: Place, lookup: Lookup) -> Mapping[str, Any]:
    for key in ("id", "name"):
        if given.get(key):
            type_ = "aws:ec2/launchTemplate:LaunchTemplate"
            return lookup.find(type_, place, **{key: given[key]}) or {}
    return {}


def _zones(subnets: tuple[str, ...], place: Place, lookup: Lookup) -> list[tuple[str, str]]:
    """Name and id of the zones of subnets that this simulation made."""
    found = (lookup.find("aws:ec2/subnet:Subnet", place, id=subnet) for subnet in subnets)
    return [(item["availabilityZone"], item["availabilityZoneId"]) for item in found if item]


def _node_pool(
    inputs: Mapping[str, Any], place: Place, lookup: Lookup, before: Mapping[str, Any]
) -> MachineDemand:
    config = inputs.get("nodeConfig") or {}
    cluster = lookup.find("gcp:container/cluster:Cluster", place, name=last_part(inputs.get("cluster"))) or {}
    location = str(inputs.get("location") or cluster.get("location") or place.zone or place.region)
    zones = tuple(
        inputs.get("nodeLocations")
        or cluster.get("nodeLocations")
        or (zones_of(location) if location else ())
    )
    affinity = config.get("reservationAffinity") or {}
    reservation = ""
    if affinity.get("consumeReservationType") == "SPECIFIC_RESERVATION":
        reservation = str((affinity.get("values") or [""])[0])
    return MachineDemand(
        machine_types=(str(config.get("machineType") or "e2-medium"),),
        zones=zones,
        zone_names=zones,
        purchase=_gke_purchase(inputs, config, reservation),
        nodes=max(0, _pool_size(inputs, zones) - _pool_size(before, zones)),
        reservation=reservation,
    )


def _gke_purchase(inputs: Mapping[str, Any], config: Mapping[str, Any], reservation: str) -> str:
    if (inputs.get("queuedProvisioning") or {}).get("enabled"):
        return "queued"
    if config.get("flexStart"):
        return "flex_start"
    if config.get("spot") or config.get("preemptible"):
        return "spot"
    return "reservation" if reservation else "on_demand"


def _pool_size(pool: Mapping[str, Any], zones: tuple[str, ...]) -> int:
    """Nodes that the pool starts with: counts are per zone, totals are over all of them."""
    scaling = pool.get("autoscaling") or {}
    per_zone = max(int(pool.get(key) or 0) for key in ("nodeCount", "initialNodeCount"))
    per_zone = max(per_zone, int(scaling.get("minNodeCount") or 0))
    return max(per_zone * max(1, len(zones)), int(scaling.get("totalMinNodeCount") or 0))


def _ec2_instance(inputs: Mapping[str, Any], place: Place, lookup: Lookup) -> MachineDemand:
    subnets = (str(inputs["subnetId"]),) if inputs.get("subnetId") else ()
    zones = _zones(subnets, place, lookup)
    market = inputs.get("instanceMarketOptions") or {}
    return MachineDemand(
        machine_types=(str(inputs.get("instanceType") or ""),),
        zones=tuple(zone_id for _, zone_id in zones),
        zone_names=tuple(name for name, _ in zones),
        purchase={"spot": "spot", "capacity-block": "capacity_block"}.get(
            str(market.get("marketType")), "on_demand"
        ),
        nodes=1,
        subnets=subnets,
    )


def _gce_instance(inputs: Mapping[str, Any]) -> MachineDemand:
    zone = last_part(inputs.get("zone"))
    model = str((inputs.get("scheduling") or {}).get("provisioningModel") or "")
    return MachineDemand(
        machine_types=(last_part(inputs.get("machineType")),),
        zones=(zone,),
        zone_names=(zone,),
        purchase={"SPOT": "spot", "FLEX_START": "flex_start", "RESERVATION_BOUND": "reservation"}.get(
            model, "on_demand"
        ),
        nodes=1,
    )
