"""EC2, IAM and the services around them: ids and computed outputs, as the AWS provider 7 returns them.

Shapes of ids and ARNs from the services' API references; names and presence of outputs from the provider
SDK (`tests/simulate/test_kinds.py` holds every promised output against it).
"""

import ipaddress
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from gpuyard.errors import EngineError
from gpuyard.simulate.aws_names import common_outputs, dns_suffix, global_arn, make_arn, partition
from gpuyard.simulate.ids import hex_id, letters_id, number_id, uuid_id
from gpuyard.simulate.kind import Kind, Request, name_of
from gpuyard.simulate.place import ACCOUNT
from gpuyard.simulate.zones import aws_zones

Outputs = Mapping[str, Any]
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


def _role(request: Request) -> Outputs:
    name = name_of(request)
    path = request.inputs.get("path") or "/"
    return {
        "id": name,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "path": path,
        "arn": global_arn("iam", request.place.region, f"role{path}{name}"),
        "uniqueId": f"AROA{letters_id(request.seed, 17)}",
        "createDate": (request.before or {}).get("createDate") or request.time,
        "maxSessionDuration": request.inputs.get("maxSessionDuration") or 3600,
        "inlinePolicies": list(request.inputs.get("inlinePolicies") or []),
        "managedPolicyArns": list(request.inputs.get("managedPolicyArns") or []),
        "tagsAll": common_tags(request),
    }


def common_tags(request: Request) -> dict[str, Any]:
    """All tags of something that has no region."""
    defaults = (request.place.settings.get("defaultTags") or {}).get("tags") or {}
    return {**defaults, **(request.inputs.get("tags") or {})}


def _role_policy_attachment(request: Request) -> Outputs:
    return {"id": f"{request.inputs.get('role')}/{request.inputs.get('policyArn')}"}


def _role_policy(request: Request) -> Outputs:
    name = name_of(request)
    prefix = request.inputs.get("namePrefix") or ""
    return {"id": f"{request.inputs.get('role')}:{name}", "name": name, "namePrefix": prefix}


def _policy(request: Request) -> Outputs:
    name, path = name_of(request), request.inputs.get("path") or "/"
    arn = global_arn("iam", request.place.region, f"policy{path}{name}")
    return {
        "id": arn,
        "arn": arn,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "path": path,
        "policyId": f"ANPA{letters_id(request.seed, 17)}",
        "attachmentCount": 0,
        "tagsAll": common_tags(request),
    }


def _instance_profile(request: Request) -> Outputs:
    name, path = name_of(request), request.inputs.get("path") or "/"
    return {
        "id": name,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "path": path,
        "arn": global_arn("iam", request.place.region, f"instance-profile{path}{name}"),
        "uniqueId": f"AIPA{letters_id(request.seed, 17)}",
        "createDate": (request.before or {}).get("createDate") or request.time,
        "tagsAll": common_tags(request),
    }


def _oidc_provider(request: Request) -> Outputs:
    url = str(request.inputs.get("url") or "").removeprefix("https://")
    arn = global_arn("iam", request.place.region, f"oidc-provider/{url}")
    thumbprints = list(request.inputs.get("thumbprintLists") or [hex_id(url, 40)])
    return {
        "id": arn,
        "arn": arn,
        "url": url,
        "thumbprintLists": thumbprints,
        "tagsAll": common_tags(request),
    }


_BUCKET_TEXTS = ("accelerationStatus", "bucketNamespace", "bucketPrefix", "policy")
_BUCKET_OBJECTS = (
    "logging",
    "objectLockConfiguration",
    "replicationConfiguration",
    "serverSideEncryptionConfiguration",
    "versioning",
    "website",
)


def _bucket(request: Request) -> Outputs:
    name, region = name_of(request, "bucket"), request.place.require_region()
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:{partition(region)}:s3:::{name}",
        "bucketDomainName": f"{name}.s3.{dns_suffix(region)}",
        "bucketRegionalDomainName": f"{name}.s3.{region}.{dns_suffix(region)}",
        "bucketRegion": region,
        "hostedZoneId": f"Z{letters_id(f's3 {region}', 13)}",
        "websiteDomain": f"s3-website-{region}.{dns_suffix(region)}",
        "websiteEndpoint": f"{name}.s3-website-{region}.{dns_suffix(region)}",
        "acl": request.inputs.get("acl") or "private",
        "objectLockEnabled": bool(request.inputs.get("objectLockEnabled", False)),
        "requestPayer": request.inputs.get("requestPayer") or "BucketOwner",
        **{key: request.inputs.get(key) or "" for key in _BUCKET_TEXTS},
        **{key: request.inputs.get(key) or {} for key in _BUCKET_OBJECTS},
        **{key: list(request.inputs.get(key) or []) for key in ("corsRules", "grants", "lifecycleRules")},
        **common_outputs(request),
    }


def _log_group(request: Request) -> Outputs:
    name = name_of(request)
    return {
        "id": name,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "arn": make_arn("logs", request.place.require_region(), f"log-group:{name}"),
        "logGroupClass": request.inputs.get("logGroupClass") or "STANDARD",
        "deletionProtectionEnabled": bool(request.inputs.get("deletionProtectionEnabled", False)),
        "retentionInDays": request.inputs.get("retentionInDays") or 0,
        **common_outputs(request),
    }


def _kms_key(request: Request) -> Outputs:
    id_ = uuid_id(request.seed)
    return {
        "id": id_,
        "keyId": id_,
        "arn": make_arn("kms", request.place.require_region(), f"key/{id_}"),
        "description": request.inputs.get("description") or "",
        "multiRegion": bool(request.inputs.get("multiRegion", False)),
        "policy": request.inputs.get("policy") or "",
        "rotationPeriodInDays": request.inputs.get("rotationPeriodInDays") or 0,
        **common_outputs(request),
    }


def _secret(request: Request) -> Outputs:
    name = name_of(request)
    suffix = letters_id(request.seed, 6)
    arn = make_arn("secretsmanager", request.place.require_region(), f"secret:{name}-{suffix}")
    return {
        "id": arn,
        "arn": arn,
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "policy": request.inputs.get("policy") or "",
        **common_outputs(request),
    }


def _file_system(request: Request) -> Outputs:
    id_, region = f"fs-{hex_id(request.seed)}", request.place.require_region()
    return {
        "id": id_,
        "arn": make_arn("elasticfilesystem", region, f"file-system/{id_}"),
        "dnsName": f"{id_}.efs.{region}.{dns_suffix(region)}",
        "creationToken": request.inputs.get("creationToken") or f"pulumi-{hex_id(request.seed, 12)}",
        "encrypted": bool(request.inputs.get("encrypted", False)),
        "kmsKeyId": request.inputs.get("kmsKeyId") or "",
        "performanceMode": request.inputs.get("performanceMode") or "generalPurpose",
        "throughputMode": request.inputs.get("throughputMode") or "bursting",
        "protection": request.inputs.get("protection") or {"replicationOverwrite": "ENABLED"},
        "availabilityZoneId": "",
        "availabilityZoneName": request.inputs.get("availabilityZoneName") or "",
        "name": (request.inputs.get("tags") or {}).get("Name", ""),
        "numberOfMountTargets": 0,
        "ownerId": ACCOUNT,
        "sizeInBytes": [{"value": 6144, "valueInIa": 0, "valueInStandard": 6144}],
        **common_outputs(request),
    }


def _service_quota(request: Request) -> Outputs:
    service, code = (str(request.inputs.get(key) or "") for key in ("serviceCode", "quotaCode"))
    return {
        "id": f"{service}/{code}",
        "arn": make_arn("servicequotas", request.place.require_region(), f"{service}/{code}"),
        "adjustable": True,
        "defaultValue": 0,
        "quotaName": code,
        "requestId": hex_id(request.seed, 32),
        "requestStatus": "PENDING",
        "serviceName": service,
        "usageMetrics": [],
        "region": request.place.region,
    }


AWS_KINDS: Mapping[str, Kind] = {
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
    "aws:iam/role:Role": Kind(compute=_role, name="name", name_length=64),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(compute=_role_policy_attachment),
    "aws:iam/rolePolicy:RolePolicy": Kind(compute=_role_policy, name="name", name_length=128),
    "aws:iam/policy:Policy": Kind(compute=_policy, name="name", name_length=128),
    "aws:iam/instanceProfile:InstanceProfile": Kind(compute=_instance_profile, name="name", name_length=128),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Kind(compute=_oidc_provider),
    "aws:s3/bucket:Bucket": Kind(compute=_bucket, name="bucket", name_length=63),
    "aws:cloudwatch/logGroup:LogGroup": Kind(compute=_log_group, name="name", name_length=512),
    "aws:kms/key:Key": Kind(compute=_kms_key),
    "aws:secretsmanager/secret:Secret": Kind(compute=_secret, name="name", name_length=512),
    "aws:efs/fileSystem:FileSystem": Kind(compute=_file_system),
    "aws:servicequotas/serviceQuota:ServiceQuota": Kind(compute=_service_quota),
}
