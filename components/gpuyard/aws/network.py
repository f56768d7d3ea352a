"""AwsNetwork: a VPC whose private subnets reach out through NAT and reach S3 without it."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from gpuyard.aws.spec import NetworkSpec
from gpuyard.aws.subnets import ZoneSubnets, allocate_subnets
from gpuyard.inputs import parse_inputs


class AwsNetworkArgs(TypedDict):
    """Where the network lies and how it reaches out."""

    region: str
    """AWS region, e.g. ``us-east-1``."""
    zone_ids: list[str]
    """Zone ids, two to six, e.g. ``use1-az1``. Append only: order decides the ranges."""
    vpc_cidr: NotRequired[str]
    """Range of the VPC, /16 to /24. Default ``10.0.0.0/16``."""
    nat: NotRequired[str]
    """``single`` or ``per_zone``; per_zone keeps egress when a zone fails. Default ``single``."""
    tags: NotRequired[dict[str, str]]
    """On every resource, beside the provider's own."""


@pulumi.type_token("gpuyard:index:AwsNetwork")
class AwsNetwork(pulumi.ComponentResource):
    """A VPC with one public and one private subnet per zone, NAT, and a free S3 gateway endpoint."""

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    private_subnet_ids: pulumi.Output[dict[str, str]]
    """Private subnet ids by zone id."""

    def __init__(self, name: str, args: AwsNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = parse_inputs("AwsNetwork", NetworkSpec, args)
        super().__init__("gpuyard:index:AwsNetwork", name, {}, opts)
        self._name, self._tags = name, dict(spec.tags)
        child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=spec.vpc_cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._named("vpc"),
            opts=child,
        )
        gateway = aws.ec2.InternetGateway(f"{name}-igw", vpc_id=vpc.id, tags=self._named("igw"), opts=child)
        public_routes = aws.ec2.RouteTable(
            f"{name}-public", vpc_id=vpc.id, tags=self._named("public"), opts=child
        )
        aws.ec2.Route(
            f"{name}-public-default",
            route_table_id=public_routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        zones = allocate_subnets(spec.vpc_cidr, spec.zone_ids)
        public = {zone.zone: self._subnet(vpc, zone, is_public=True) for zone in zones}
        private = {zone.zone: self._subnet(vpc, zone, is_public=False) for zone in zones}
        for zone, subnet in public.items():
            aws.ec2.RouteTableAssociation(
                f"{name}-public-{zone}", subnet_id=subnet.id, route_table_id=public_routes.id, opts=child
            )
        egress = spec.core_zone_ids if spec.nat == "per_zone" else spec.core_zone_ids[:1]
        gateways = {zone: self._nat(zone, public[zone], gateway) for zone in egress}
        tables = [
            self._private_routes(vpc, zone, private[zone], gateways.get(zone, gateways[egress[0]]))
            for zone in spec.zone_ids
        ]
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{spec.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            tags=self._named("s3"),
            opts=child,
        )
        self.vpc_id = vpc.id
        self.private_subnet_ids = pulumi.Output.all(**{zone: subnet.id for zone, subnet in private.items()})
        self.register_outputs({"vpcId": self.vpc_id, "privateSubnetIds": self.private_subnet_ids})

    def _named(self, part: str) -> dict[str, str]:
        return {**self._tags, "Name": f"{self._name}-{part}"}

    def _subnet(self, vpc: aws.ec2.Vpc, zone: ZoneSubnets, *, is_public: bool) -> aws.ec2.Subnet:
        kind = "public" if is_public else "private"
        role = "kubernetes.io/role/elb" if is_public else "kubernetes.io/role/internal-elb"
        return aws.ec2.Subnet(
            f"{self._name}-{kind}-{zone.zone}",
            vpc_id=vpc.id,
            cidr_block=zone.public if is_public else zone.private,
            availability_zone_id=zone.zone,
            map_public_ip_on_launch=is_public,
            tags={**self._named(f"{kind}-{zone.zone}"), role: "1"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _nat(self, zone: str, subnet: aws.ec2.Subnet, gateway: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        address = aws.ec2.Eip(
            f"{self._name}-nat-{zone}",
            domain="vpc",
            tags=self._named(f"nat-{zone}"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return aws.ec2.NatGateway(
            f"{self._name}-{zone}",
            allocation_id=address.id,
            subnet_id=subnet.id,
            tags=self._named(f"nat-{zone}"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
        )

    def _private_routes(
        self, vpc: aws.ec2.Vpc, zone: str, subnet: aws.ec2.Subnet, nat: aws.ec2.NatGateway
    ) -> aws.ec2.RouteTable:
        child = pulumi.ResourceOptions(parent=self)
        table = aws.ec2.RouteTable(
            f"{self._name}-private-{zone}", vpc_id=vpc.id, tags=self._named(f"private-{zone}"), opts=child
        )
        aws.ec2.Route(
            f"{self._name}-private-{zone}-default",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nat.id,
            opts=child,
        )
        aws.ec2.RouteTableAssociation(
            f"{self._name}-private-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=child
        )
        return table
