"""GcpNetwork: a VPC-native network whose private nodes reach out through Cloud NAT."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from gpuyard.gcp.spec import GcpNetworkSpec
from gpuyard.inputs import parse_inputs

PODS, SERVICES = "pods", "services"
"""Names of the secondary ranges."""


class GcpNetworkArgs(TypedDict):
    """Where the network lies and its ranges."""

    project: str
    """Project id."""
    region: str
    """Google Cloud region."""
    nodes_cidr: NotRequired[str]
    """Primary range. Default ``10.0.0.0/20``."""
    pods_cidr: NotRequired[str]
    """Secondary range of pods. Default ``10.4.0.0/14``."""
    services_cidr: NotRequired[str]
    """Secondary range of services. Default ``10.8.0.0/20``."""


@pulumi.type_token("gpuyard:index:GcpNetwork")
class GcpNetwork(pulumi.ComponentResource):
    """A network, one subnetwork with pod and service ranges, a router and NAT."""

    network_id: pulumi.Output[str]
    """Id of the network."""
    subnetwork_id: pulumi.Output[str]
    """Id of the subnetwork."""

    def __init__(self, name: str, args: GcpNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = parse_inputs("GcpNetwork", GcpNetworkSpec, args)
        super().__init__("gpuyard:index:GcpNetwork", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = gcp.compute.Network(f"{name}-vpc", auto_create_subnetworks=False, opts=child)
        subnetwork = gcp.compute.Subnetwork(
            f"{name}-nodes",
            network=network.id,
            region=spec.region,
            ip_cidr_range=spec.nodes_cidr,
            private_ip_google_access=True,
            secondary_ip_ranges=[
                {"range_name": PODS, "ip_cidr_range": spec.pods_cidr},
                {"range_name": SERVICES, "ip_cidr_range": spec.services_cidr},
            ],
            opts=child,
        )
        router = gcp.compute.Router(f"{name}-router", network=network.id, region=spec.region, opts=child)
        gcp.compute.RouterNat(
            f"{name}-nat",
            router=router.name,
            region=spec.region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            opts=child,
        )
        self.network_id, self.subnetwork_id = network.id, subnetwork.id
        self.register_outputs({"networkId": self.network_id, "subnetworkId": self.subnetwork_id})
