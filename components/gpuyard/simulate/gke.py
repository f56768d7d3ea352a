"""GKE: clusters and node pools, as the Google provider 10 returns them."""

from collections.abc import Mapping
from typing import Any

from gpuyard.simulate.gcp_names import CONTAINER, full_link, labels, last_part, project_of, public_address
from gpuyard.simulate.ids import certificate, hex_id
from gpuyard.simulate.kind import Kind, Outputs, Request, name_of
from gpuyard.simulate.zones import gcp_zones

DEFAULT_VERSION = "1.35"
"""Minor version of a cluster that names none (regular channel, 2026-11)."""
_PATCH = ".2-gke.1269001"
"""Of the shape that GKE uses; an example and not a release."""


def full_version(wanted: Any) -> str:
    """A version as GKE writes it: ``1.35`` becomes ``1.35.2-gke.…``."""
    text = str(wanted or DEFAULT_VERSION)
    if "-gke." in text:
        return text
    return f"{text}{_PATCH if text.count('.') < 2 else '-gke.1000000'}"


def _location(request: Request) -> str:
    return str(
        request.inputs.get("location") or request.place.zone or request.place.require_region()
    ).rpartition("/")[2]


def zones_of(location: str) -> list[str]:
    """The zones that a cluster or pool at ``location`` spans when it names none."""
    return [location] if location.count("-") == 2 else list(gcp_zones(location))[:3]


def _cluster(request: Request) -> Outputs:
    name, location, project = name_of(request), _location(request), project_of(request)
    path = f"projects/{project}/locations/{location}/clusters/{name}"
    version = full_version(request.inputs.get("minMasterVersion"))
    network = str(request.inputs.get("network") or "default")
    before = request.before or {}
    address = before.get("endpoint") or public_address(request.seed)
    zones = request.inputs.get("nodeLocations") or zones_of(location)
    dns = hex_id(request.seed, 32)
    return {
        "id": path,
        "name": name,
        "project": project,
        "location": location,
        "selfLink": CONTAINER + path,
        "endpoint": address,
        "masterAuth": {
            "clusterCaCertificate": certificate(request.seed),
            "clientCertificate": "",
            "clientKey": "",
            "clientCertificateConfig": {"issueClientCertificate": False},
        },
        "masterVersion": version,
        "nodeVersion": request.inputs.get("nodeVersion") or version,
        "emulatedVersion": "",
        "nodeLocations": [zone for zone in zones if zone != location],
        "network": full_link(network)
        if "/" in network
        else full_link(f"projects/{project}/global/networks/{network}"),
        "subnetwork": request.inputs.get("subnetwork") or "default",
        "operation": "",
        "clusterIpv4Cidr": request.inputs.get("clusterIpv4Cidr") or "10.4.0.0/14",
        "servicesIpv4Cidr": "10.8.0.0/20",
        "tpuIpv4CidrBlock": "",
        "datapathProvider": request.inputs.get("datapathProvider") or "",
        "networkingMode": request.inputs.get("networkingMode") or "VPC_NATIVE",
        "defaultMaxPodsPerNode": request.inputs.get("defaultMaxPodsPerNode") or 110,
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {"endpoint": f"gke-{dns}.{location}.gke.goog"},
            "ipEndpointsConfig": {"enabled": True},
        },
        "privateClusterConfig": {
            "privateEndpoint": "10.0.0.2",
            "publicEndpoint": address,
            "peeringName": "",
            **(request.inputs.get("privateClusterConfig") or {}),
        },
        "nodeConfig": request.inputs.get("nodeConfig") or {},
        "nodePools": list(request.inputs.get("nodePools") or []),
        "loggingService": request.inputs.get("loggingService") or "logging.googleapis.com/kubernetes",
        "monitoringService": request.inputs.get("monitoringService")
        or "monitoring.googleapis.com/kubernetes",
        "autopilotPrivilegedAdmissions": list(request.inputs.get("autopilotPrivilegedAdmissions") or []),
        "enableTpu": False,
        "enableIntranodeVisibility": bool(request.inputs.get("enableIntranodeVisibility", False)),
        "enableL4IlbSubsetting": bool(request.inputs.get("enableL4IlbSubsetting", False)),
        "privateIpv6GoogleAccess": "",
        "deletionPolicy": request.inputs.get("deletionPolicy") or "DELETE",
        "deletionProtection": bool(request.inputs.get("deletionProtection", True)),
        **{key: request.inputs.get(key) or {} for key in _OBJECTS},
        **labels(request, "resourceLabels"),
    }


_OBJECTS = (
    "addonsConfig",
    "anonymousAuthenticationConfig",
    "authenticatorGroupsConfig",
    "autopilotClusterPolicyConfig",
    "clusterAutoscaling",
    "clusterTelemetry",
    "confidentialNodes",
    "costManagementConfig",
    "databaseEncryption",
    "defaultSnatStatus",
    "enterpriseConfig",
    "gatewayApiConfig",
    "gkeAutoUpgradeConfig",
    "identityServiceConfig",
    "ipAllocationPolicy",
    "loggingConfig",
    "managedMachineLearningDiagnosticsConfig",
    "managedOpentelemetryConfig",
    "masterAuthorizedNetworksConfig",
    "meshCertificates",
    "monitoringConfig",
    "nodeCreationConfig",
    "nodePoolAutoConfig",
    "nodePoolDefaults",
    "notificationConfig",
    "podAutoscaling",
    "protectConfig",
    "rbacBindingConfig",
    "releaseChannel",
    "securityPostureConfig",
    "serviceExternalIpsConfig",
    "tpuConfig",
    "verticalPodAutoscaling",
    "workloadAltsConfig",
    "workloadIdentityConfig",
)
"""Settings that the API answers with an object, empty when nothing was set."""


def _node_pool(request: Request) -> Outputs:
    cluster, name, project = last_part(request.inputs.get("cluster")), name_of(request), project_of(request)
    found = request.lookup.find("gcp:container/cluster:Cluster", request.place, name=cluster) or {}
    location = str(request.inputs.get("location") or found.get("location") or _location(request))
    zones = request.inputs.get("nodeLocations") or found.get("nodeLocations") or zones_of(location)
    group = f"gke-{cluster[:20]}-{name[:20]}-{hex_id(request.seed, 8)}-grp"
    scaling = request.inputs.get("autoscaling") or {}
    initial = request.inputs.get("initialNodeCount", request.inputs.get("nodeCount"))
    urls = [
        full_link(f"projects/{project}/zones/{zone}/instanceGroupManagers/{group}")
        for zone in zones or [location]
    ]
    return {
        "id": f"projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{name}",
        "name": name,
        "namePrefix": request.inputs.get("namePrefix") or "",
        "project": project,
        "location": location,
        "nodeLocations": list(zones),
        "instanceGroupUrls": urls,
        "managedInstanceGroupUrls": [url.replace("instanceGroupManagers", "instanceGroups") for url in urls],
        "operation": "",
        "version": request.inputs.get("version") or found.get("masterVersion") or full_version(None),
        "initialNodeCount": initial if initial is not None else int(scaling.get("minNodeCount") or 0),
        "nodeCount": request.inputs.get("nodeCount", initial if initial is not None else 0),
        "management": {"autoRepair": True, "autoUpgrade": True, **(request.inputs.get("management") or {})},
        "maxPodsPerNode": request.inputs.get("maxPodsPerNode") or 110,
        "networkConfig": request.inputs.get("networkConfig")
        or {"podRange": "pods", "enablePrivateNodes": False},
        "nodeDrainConfigs": list(request.inputs.get("nodeDrainConfigs") or []),
        "upgradeSettings": request.inputs.get("upgradeSettings")
        or {"maxSurge": 1, "maxUnavailable": 0, "strategy": "SURGE"},
        "deletionPolicy": request.inputs.get("deletionPolicy") or "DELETE",
        "nodeConfig": {
            "imageType": "COS_CONTAINERD",
            "machineType": "e2-medium",
            "diskType": "pd-balanced",
            "diskSizeGb": 100,
            **(request.inputs.get("nodeConfig") or {}),
        },
    }


GKE_KINDS: Mapping[str, Kind] = {
    "gcp:container/cluster:Cluster": Kind(compute=_cluster, name="name", name_length=40),
    "gcp:container/nodePool:NodePool": Kind(compute=_node_pool, name="name", name_length=40),
}
