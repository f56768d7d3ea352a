"""EC2: ids and computed outputs, as the AWS provider 7 returns them.

Shapes of ids and ARNs from the services' API references; names and presence of outputs from the provider
SDK (`tests/simulate/test_kinds.py` holds every promised output against it).
"""

import ipaddress
from collections.abc import Callable, Mapping
from datetime import timedelta

from gpuyard.errors import EngineError
from gpuyard.simulate.aws_names import common_outputs, dns_suffix, make_arn
from gpuyard.simulate.ids import hex_id, letters_id, number_id
from gpuyard.simulate.kind import Kind, Outputs, Request, name_of
from gpuyard.simulate.place import ACCOUNT
from gpuyard.simulate.zones import aws_zones

_OPEN_POLICY = (
    '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}],"Version":"2008-10-17"}'
)
"""What an endpoint allows when no policy is given."""


def _ec2(
    prefix: str, resource: str, more: Callable[[Request, str], Outputs] | None = None, *, owned: bool = True
) -> Kind:
    """A type whose id is ``<prefix>-<17 hex>`` and whose ARN ends with ``<resource>/<id>``."""

    def compute(request: Request) -> Outputs:
        id_ = f"{prefix}-{hex_id(request.seed)}"
        return {
            "id": id_,
            "arn": make_arn("ec2", request.place.require_region(), f"{resource}/{id_}"),
            **({"ownerId": ACCOUNT} if owned else {}),
            **common_outputs(request),
            **(more(request, id_) if more else {}),
        }

    return Kind(compute=compute)


def _hex(request: Request, prefix: str, part: str) -> str:
    return f"{prefix}-{hex_id(f'{request.seed} {part}')}"


def _vpc(request: Request, id_: str) -> Outputs:  # noqa: ARG001
    routes = _hex(request, "rtb", "main")
    return {
        "cidrBlock": request.inputs.get("cidrBlock") or "10.0.0.0/16",
        "enableDnsHostnames": bool(request.inputs.get("enableDnsHostnames", False)),
        "enableDnsSupport": bool(request.inputs.get("enableDnsSupport", True)),
        "enableNetworkAddressUsageMetrics": False,
        "instanceTenancy": request.inputs.get("instanceTenancy") or "default",
        "defaultNetworkAclId": _hex(request, "acl", "default"),
        "defaultRouteTableId": routes,
        "mainRouteTableId": routes,
        "defaultSecurityGroupId": _hex(request, "sg", "default"),
        "dhcpOptionsId": f"dopt-{hex_id('default dhcp options ' + request.place.region)}",
        "ipv6AssociationId": "",
        "ipv6CidrBlock": "",
        "ipv6CidrBlockNetworkBorderGroup": "",
    }


def _subnet(request: Request, id_: str) -> Outputs:  # noqa: ARG001
    zones = aws_zones(request.place.require_region())
    name, zone_id = next(
        (
            pair
            for pair in zones
            if request.inputs.get("availabilityZone") == pair[0]
            or request.inputs.get("availabilityZoneId") == pair[1]
        ),
        zones[int(hex_id(request.seed), 16) % len(zones)],
    )
    return {
        "availabilityZone": name,
        "availabilityZoneId": zone_id,
        "cidrBlock": request.inputs.get("cidrBlock") or "",
        "ipv6CidrBlock": "",
        "ipv6CidrBlockAssociationId": "",
        "mapPublicIpOnLaunch": bool(request.inputs.get("mapPublicIpOnLaunch", False)),
        "privateDnsHostnameTypeOnLaunch": request.inputs.get("privateDnsHostnameTypeOnLaunch") or "ip-name",
    }


def _internet_gateway(request: Request, id_: str) -> Outputs:  # noqa: ARG001
    return {"vpcId": request.inputs.get("vpcId") or ""}


def _public_address(seed: str) -> str:
    """An address from the ranges kept for documentation (RFC 5737)."""
    network = ipaddress.ip_network("198.51.100.0/24")
    return str(network[int(number_id(f"{seed} address", 6)) % 254 + 1])


def _eip(request: Request) -> Outputs:
    id_, address = f"eipalloc-{hex_id(request.seed)}", _public_address(request.seed)
    region = request.place.require_region()
    return {
        "id": id_,
        "allocationId": id_,
        "arn": make_arn("ec2", region, f"elastic-ip/{id_}"),
        "publicIp": address,
        "publicDns": f"ec2-{address.replace('.', '-')}.{region}.compute.{dns_suffix(region)}",
        "privateIp": "",
        "privateDns": "",
        "ptrRecord": "",
        "associationId": "",
        "carrierIp": "",
        "customerOwnedIp": "",
        "domain": request.inputs.get("domain") or "vpc",
        "instance": request.inputs.get("instance") or "",
        "networkInterface": request.inputs.get("networkInterface") or "",
        "networkBorderGroup": region,
        "publicIpv4Pool": "amazon",
        "ipamPoolId": "",
        **common_outputs(request),
    }


def _nat_gateway(request: Request) -> Outputs:
    address = request.lookup.find(
        "aws:ec2/eip:Eip", request.place, id=request.inputs.get("allocationId") or ""
    )
    subnet = request.lookup.find(
        "aws:ec2/subnet:Subnet", request.place, id=request.inputs.get("subnetId") or ""
    )
    public = request.inputs.get("connectivityType") != "private"
    return {
        "id": f"nat-{hex_id(request.seed)}",
        "associationId": _hex(request, "eipassoc", "association") if public else "",
        "networkInterfaceId": _hex(request, "eni", "interface"),
        "publicIp": (address or {}).get("publicIp") or (_public_address(request.seed) if public else ""),
        "privateIp": _host_address((subnet or {}).get("cidrBlock"), request.seed),
        "connectivityType": request.inputs.get("connectivityType") or "public",
        "availabilityMode": request.inputs.get("availabilityMode") or "zonal",
        "autoProvisionZones": "",
        "autoScalingIps": "",
        "regionalNatGatewayAddresses": [],
        "regionalNatGatewayAutoMode": "",
        "routeTableId": "",
        "secondaryAllocationIds": [],
        "secondaryPrivateIpAddresses": [],
        "secondaryPrivateIpAddressCount": 0,
        "vpcId": (subnet or {}).get("vpcId") or "",
        **common_outputs(request),
    }


def _host_address(cidr: str | None, seed: str) -> str:
    network = ipaddress.ip_network(cidr or "10.0.0.0/24", strict=False)
    # the first four addresses of a subnet are AWS's own
    return str(network[4 + int(number_id(f"{seed} host", 6)) % max(1, network.num_addresses - 5)])


def _route_table(request: Request, id_: str) -> Outputs:  # noqa: ARG001
    return {
        "routes": list(request.inputs.get("routes") or []),
        "propagatingVgws": list(request.inputs.get("propagatingVgws") or []),
    }


def _route(request: Request) -> Outputs:
    table = str(request.inputs.get("routeTableId") or "")
    target = str(
        request.inputs.get("destinationCidrBlock")
        or request.inputs.get("destinationIpv6CidrBlock")
        or request.inputs.get("destinationPrefixListId")
    )
    return {
        "id": f"r-{table}{number_id(target, 10)}",
        "instanceId": "",
        "instanceOwnerId": "",
        "networkInterfaceId": request.inputs.get("networkInterfaceId") or "",
        "origin": "CreateRoute",
        "state": "active",
        "region": request.place.require_region(),
    }


def _route_table_association(request: Request) -> Outputs:
    return {"id": f"rtbassoc-{hex_id(request.seed)}", "region": request.place.require_region()}


def _vpc_endpoint(request: Request, id_: str) -> Outputs:
    gateway = (request.inputs.get("vpcEndpointType") or "Gateway") == "Gateway"
    service = str(request.inputs.get("serviceName") or "")
    region = request.place.require_region()
    name = f"{id_}-{hex_id(request.seed, 8)}.{service.rpartition('.')[2]}.{region}.vpce.{dns_suffix(region)}"
    subnets = list(request.inputs.get("subnetIds") or [])
    return {
        "vpcEndpointType": request.inputs.get("vpcEndpointType") or "Gateway",
        "cidrBlocks": [_public_address(service) + "/32"] if gateway else [],
        "prefixListId": _hex(request, "pl", service) if gateway else "",
        "dnsEntries": [] if gateway else [{"dnsName": name, "hostedZoneId": f"Z{letters_id(region, 13)}"}],
        "dnsOptions": {} if gateway else {"dnsRecordIpType": "ipv4"},
        "ipAddressType": "ipv4",
        "networkInterfaceIds": [_hex(request, "eni", subnet) for subnet in subnets],
        "policy": request.inputs.get("policy") or _OPEN_POLICY,
        "privateDnsEnabled": bool(request.inputs.get("privateDnsEnabled", False)),
        "requesterManaged": False,
        "routeTableIds": list(request.inputs.get("routeTableIds") or []),
        "securityGroupIds": list(request.inputs.get("securityGroupIds") or []),
        "serviceRegion": request.inputs.get("serviceRegion") or region,
        "state": "available",
        "subnetConfigurations": list(request.inputs.get("subnetConfigurations") or []),
        "subnetIds": subnets,
    }


def _launch_template(request: Request) -> Outputs:
    id_ = f"lt-{hex_id(request.seed)}"
    latest = int((request.before or {}).get("latestVersion") or 0) + 1
    default = (
        latest if request.inputs.get("updateDefaultVersion") else request.inputs.get("defaultVersion") or 1
    )
    return {
        "id": id_,
        "arn": make_arn("ec2", request.place.require_region(), f"launch-template/{id_}"),
        "latestVersion": latest,
        "defaultVersion": default,
        "name": name_of(request),
        "namePrefix": request.inputs.get("namePrefix") or "",
        "metadataOptions": request.inputs.get("metadataOptions") or {},
        **common_outputs(request),
    }


def _security_group(request: Request, id_: str) -> Outputs:  # noqa: ARG001
    return {
        "name": name_of(request),
        "namePrefix": request.inputs.get("namePrefix") or "",
        "description": request.inputs.get("description") or "Managed by Pulumi",
        "egress": list(request.inputs.get("egress") or []),
        "ingress": list(request.inputs.get("ingress") or []),
        "vpcId": request.inputs.get("vpcId") or f"vpc-{hex_id('default vpc ' + request.place.region)}",
        "revokeRulesOnDelete": bool(request.inputs.get("revokeRulesOnDelete", False)),
    }


def _security_group_rule(request: Request) -> Outputs:
    return {
        "id": f"sgrule-{number_id(request.seed, 10)}",
        "securityGroupRuleId": f"sgr-{hex_id(request.seed)}",
        "sourceSecurityGroupId": request.inputs.get("sourceSecurityGroupId") or "",
        "region": request.place.require_region(),
    }


def _vpc_rule(request: Request) -> Outputs:
    id_ = f"sgr-{hex_id(request.seed)}"
    arn = make_arn("ec2", request.place.require_region(), f"security-group-rule/{id_}")
    return {"id": id_, "securityGroupRuleId": id_, "arn": arn, **common_outputs(request)}


def _placement_group(request: Request) -> Outputs:
    name = name_of(request)
    return {
        "id": name,
        "name": name,
        "placementGroupId": f"pg-{hex_id(request.seed)}",
        "arn": make_arn("ec2", request.place.require_region(), f"placement-group/{name}"),
        "partitionCount": request.inputs.get("partitionCount") or 0,
        "spreadLevel": request.inputs.get("spreadLevel") or "",
        **common_outputs(request),
    }


def offering_id(zone: str, machine_type: str, count: int, hours: int) -> str:
    """The id of a capacity block on offer; `read_offering` understands it."""
    return "cb-0" + f"{zone} {machine_type} {count} {hours}".encode().hex()


def read_offering(id_: str) -> tuple[str, str, int, int]:
    """Zone, machine type, instances and hours of an offering of this simulation.

    Raises:
        EngineError: the id is of no such offering.
    """
    try:
        zone, machine_type, count, hours = bytes.fromhex(id_.removeprefix("cb-0")).decode().split(" ")
        return zone, machine_type, int(count), int(hours)
    except ValueError:
        raise EngineError(
            f"InvalidCapacityBlockOfferingId.NotFound: The capacity block offering ID '{id_}' does not exist"
        ) from None


def _block_reservation(request: Request, id_: str) -> Outputs:  # noqa: ARG001
    zone, machine_type, count, hours = read_offering(str(request.inputs.get("capacityBlockOfferingId")))
    end = request.now + timedelta(hours=hours)
    return {
        "availabilityZone": zone,
        "createdDate": request.time,
        "ebsOptimized": False,
        "startDate": request.time,
        "endDate": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "endDateType": "limited",
        "instanceCount": count,
        "instanceType": machine_type,
        "outpostArn": "",
        "placementGroupArn": "",
        "reservationType": "capacity-block",
        "tenancy": "default",
    }


EC2_KINDS: Mapping[str, Kind] = {
    "aws:ec2/vpc:Vpc": _ec2("vpc", "vpc", _vpc),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet", _subnet),
    "aws:ec2/internetGateway:InternetGateway": _ec2("igw", "internet-gateway", _internet_gateway),
    "aws:ec2/eip:Eip": Kind(compute=_eip),
    "aws:ec2/natGateway:NatGateway": Kind(compute=_nat_gateway),
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table", _route_table),
    "aws:ec2/route:Route": Kind(compute=_route),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Kind(compute=_route_table_association),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpce", "vpc-endpoint", _vpc_endpoint),
    "aws:ec2/launchTemplate:LaunchTemplate": Kind(
        compute=_launch_template, name="name", name_length=128, unsettled=("latestVersion",)
    ),
    "aws:ec2/securityGroup:SecurityGroup": Kind(
        compute=_ec2("sg", "security-group", _security_group).compute, name="name", name_length=255
    ),
    "aws:ec2/securityGroupRule:SecurityGroupRule": Kind(compute=_security_group_rule),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Kind(compute=_vpc_rule),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Kind(compute=_vpc_rule),
    "aws:ec2/placementGroup:PlacementGroup": Kind(compute=_placement_group, name="name", name_length=255),
    "aws:ec2/capacityReservation:CapacityReservation": _ec2("cr", "capacity-reservation"),
    "aws:ec2/capacityBlockReservation:CapacityBlockReservation": _ec2(
        "cr", "capacity-reservation", _block_reservation, owned=False
    ),
}
