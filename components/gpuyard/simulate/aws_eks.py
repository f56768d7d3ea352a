"""EKS: clusters, node groups, add-ons and access, as the AWS provider 7 returns them."""

from collections.abc import Mapping

from gpuyard.simulate.aws_names import common_outputs, dns_suffix, make_arn
from gpuyard.simulate.ids import certificate, hex_id, letters_id, uuid_id
from gpuyard.simulate.kind import Kind, Outputs, Request, name_of

DEFAULT_VERSION = "1.35"
"""Version of a cluster that names none (EKS, 2026-11)."""
ADDON_VERSIONS = {
    "vpc-cni": "v1.21.1-eksbuild.1",
    "kube-proxy": "v{version}.0-eksbuild.2",
    "coredns": "v1.13.1-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.10-eksbuild.1",
    "aws-ebs-csi-driver": "v1.54.0-eksbuild.1",
    "aws-efs-csi-driver": "v2.1.15-eksbuild.1",
    "metrics-server": "v0.8.0-eksbuild.5",
}
"""Of the shape that EKS uses; the numbers are examples and not a list of what EKS offers."""


def addon_version(addon: str, kubernetes_version: str) -> str:
    """A version of ``addon`` for a cluster of ``kubernetes_version``."""
    return ADDON_VERSIONS.get(addon, "v1.0.0-eksbuild.1").format(version=kubernetes_version)


def _cluster(request: Request) -> Outputs:
    name, region = name_of(request), request.place.require_region()
    issuer = hex_id(request.seed, 32).upper()
    access = request.inputs.get("accessConfig") or {}
    wanted = request.inputs.get("vpcConfig") or {}
    subnets = wanted.get("subnetIds") or [""]
    subnet = request.lookup.find("aws:ec2/subnet:Subnet", request.place, id=subnets[0]) or {}
    return {
        "id": name,
        "name": name,
        "arn": make_arn("eks", region, f"cluster/{name}"),
        "endpoint": f"https://{issuer}.gr7.{region}.eks.{dns_suffix(region)}",
        "certificateAuthority": {"data": certificate(request.seed)},
        "identities": [
            {"oidcs": [{"issuer": f"https://oidc.eks.{region}.{dns_suffix(region)}/id/{issuer}"}]}
        ],
        "accessConfig": {
            "authenticationMode": access.get("authenticationMode") or "CONFIG_MAP",
            "bootstrapClusterCreatorAdminPermissions": access.get(
                "bootstrapClusterCreatorAdminPermissions", True
            ),
        },
        "vpcConfig": {
            "clusterSecurityGroupId": f"sg-{hex_id(f'{request.seed} cluster')}",
            "endpointPrivateAccess": wanted.get("endpointPrivateAccess", False),
            "endpointPublicAccess": wanted.get("endpointPublicAccess", True),
            "publicAccessCidrs": wanted.get("publicAccessCidrs") or ["0.0.0.0/0"],
            "vpcId": subnet.get("vpcId") or "",
        },
        "kubernetesNetworkConfig": {
            "ipFamily": "ipv4",
            "serviceIpv4Cidr": "172.20.0.0/16",
            "serviceIpv6Cidr": "",
            **(request.inputs.get("kubernetesNetworkConfig") or {}),
        },
        "upgradePolicy": request.inputs.get("upgradePolicy") or {"supportType": "EXTENDED"},
        "version": request.inputs.get("version") or DEFAULT_VERSION,
        "platformVersion": "eks.5",
        "clusterId": "",
        "createdAt": (request.before or {}).get("createdAt") or request.time,
        "status": "ACTIVE",
        "deletionProtection": bool(request.inputs.get("deletionProtection", False)),
        **{
            key: request.inputs.get(key) or {}
            for key in (
                "computeConfig",
                "storageConfig",
                "controlPlaneScalingConfig",
                "kubeApiServerConfig",
                "kubeControllerManagerConfig",
                "kubeSchedulerConfig",
            )
        },
        **common_outputs(request),
    }


def _node_group(request: Request) -> Outputs:
    cluster, name = str(request.inputs.get("clusterName")), name_of(request, "nodeGroupName")
    found = request.lookup.find("aws:eks/cluster:Cluster", request.place, name=cluster) or {}
    version = request.inputs.get("version") or found.get("version") or DEFAULT_VERSION
    group = uuid_id(request.seed)
    templated = bool(request.inputs.get("launchTemplate"))
    return {
        "id": f"{cluster}:{name}",
        "nodeGroupName": name,
        "nodeGroupNamePrefix": request.inputs.get("nodeGroupNamePrefix") or "",
        "arn": make_arn("eks", request.place.require_region(), f"nodegroup/{cluster}/{name}/{group}"),
        "amiType": request.inputs.get("amiType") or "AL2023_x86_64_STANDARD",
        "capacityType": request.inputs.get("capacityType") or "ON_DEMAND",
        "diskSize": request.inputs.get("diskSize") or (0 if templated else 20),
        "instanceTypes": request.inputs.get("instanceTypes") or ([] if templated else ["t3.medium"]),
        "version": version,
        "releaseVersion": request.inputs.get("releaseVersion") or f"{version}.0-20261110",
        "resources": [
            {
                "autoscalingGroups": [{"name": f"eks-{name}-{group}"}],
                "remoteAccessSecurityGroupId": "",
            }
        ],
        "launchTemplate": _template(request),
        "nodeRepairConfig": request.inputs.get("nodeRepairConfig") or {"enabled": False},
        "updateConfig": request.inputs.get("updateConfig") or {"maxUnavailable": 1},
        "status": "ACTIVE",
        **common_outputs(request),
    }


def _template(request: Request) -> Outputs | None:
    """The launch template with both its id and its name, as EKS answers whichever was given."""
    given = request.inputs.get("launchTemplate")
    if not given:
        return None
    key = "id" if given.get("id") else "name"
    found = request.lookup.find(
        "aws:ec2/launchTemplate:LaunchTemplate", request.place, **{key: given.get(key) or ""}
    )
    known = {"id": found["id"], "name": found["name"]} if found else {}
    return {**given, **known}


def _addon(request: Request) -> Outputs:
    cluster, addon = str(request.inputs.get("clusterName")), str(request.inputs.get("addonName"))
    found = request.lookup.find("aws:eks/cluster:Cluster", request.place, name=cluster) or {}
    created = (request.before or {}).get("createdAt") or request.time
    return {
        "id": f"{cluster}:{addon}",
        "arn": make_arn(
            "eks", request.place.require_region(), f"addon/{cluster}/{addon}/{uuid_id(request.seed)}"
        ),
        "addonVersion": request.inputs.get("addonVersion")
        or addon_version(addon, found.get("version") or DEFAULT_VERSION),
        "configurationValues": request.inputs.get("configurationValues") or "",
        "namespaceConfig": request.inputs.get("namespaceConfig") or {"namespace": "kube-system"},
        "createdAt": created,
        "modifiedAt": request.time,
        **common_outputs(request),
    }


def _access_entry(request: Request) -> Outputs:
    cluster, principal = request.inputs.get("clusterName"), str(request.inputs.get("principalArn"))
    arn = make_arn(
        "eks",
        request.place.require_region(),
        f"access-entry/{cluster}/{principal.partition('::')[2].replace(':', '/')}/{uuid_id(request.seed)}",
    )
    return {
        "id": f"{cluster}:{principal}",
        "accessEntryArn": arn,
        "createdAt": (request.before or {}).get("createdAt") or request.time,
        "modifiedAt": request.time,
        "kubernetesGroups": list(request.inputs.get("kubernetesGroups") or []),
        "type": request.inputs.get("type") or "STANDARD",
        "userName": request.inputs.get("userName") or principal,
        **common_outputs(request),
    }


def _access_policy(request: Request) -> Outputs:
    keys = ("clusterName", "principalArn", "policyArn")
    return {
        "id": "#".join(str(request.inputs.get(key)) for key in keys),
        "associatedAt": (request.before or {}).get("associatedAt") or request.time,
        "modifiedAt": request.time,
        "region": request.place.require_region(),
    }


def _pod_identity(request: Request) -> Outputs:
    cluster = request.inputs.get("clusterName")
    id_ = f"a-{letters_id(request.seed, 17).lower()}"
    return {
        "id": id_,
        "associationId": id_,
        "associationArn": make_arn(
            "eks", request.place.require_region(), f"podidentityassociation/{cluster}/{id_}"
        ),
        "externalId": "",
        "disableSessionTags": bool(request.inputs.get("disableSessionTags", False)),
        **common_outputs(request),
    }


EKS_KINDS: Mapping[str, Kind] = {
    "aws:eks/cluster:Cluster": Kind(compute=_cluster, name="name", name_length=100),
    "aws:eks/nodeGroup:NodeGroup": Kind(compute=_node_group, name="nodeGroupName", name_length=63),
    "aws:eks/addon:Addon": Kind(compute=_addon),
    "aws:eks/accessEntry:AccessEntry": Kind(compute=_access_entry),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Kind(compute=_access_policy),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Kind(compute=_pod_identity),
}
