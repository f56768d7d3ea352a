"""Compute Engine, IAM, storage and the services around them, as the Google provider 10 returns them."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from gpuyard.simulate.gcp_names import (
    full_link,
    labels,
    last_part,
    project_number,
    project_of,
    public_address,
    region_of,
)
from gpuyard.simulate.ids import hex_id, letters_id, number_id
from gpuyard.simulate.kind import Kind, Outputs, Request, name_of

_DELETION = "DELETE"
"""What every resource of provider 10 answers for ``deletionPolicy`` when none is set."""


def _compute(request: Request, path: str, **more: Any) -> dict[str, Any]:
    """Id and links of a Compute Engine resource at ``path`` below the project."""
    project, name = project_of(request), name_of(request)
    id_ = f"projects/{project}/{path}/{name}"
    return {
        "id": id_,
        "name": name,
        "project": project,
        "selfLink": full_link(id_),
        "creationTimestamp": (request.before or {}).get("creationTimestamp") or request.time,
        "deletionPolicy": request.inputs.get("deletionPolicy") or _DELETION,
        **more,
    }


def _network(request: Request) -> Outputs:
    number = number_id(request.seed, 19)
    made = _compute(
        request,
        "global/networks",
        autoCreateSubnetworks=request.inputs.get("autoCreateSubnetworks", True),
        routingMode=request.inputs.get("routingMode") or "REGIONAL",
        mtu=request.inputs.get("mtu") or 0,
        gatewayIpv4="",
        internalIpv6Range=request.inputs.get("internalIpv6Range") or "",
        networkId=number,
        numericId=number,
        bgpAlwaysCompareMed=False,
        bgpBestPathSelectionMode="LEGACY",
        bgpInterRegionCost="",
    )
    del made["creationTimestamp"]
    return made


def _subnetwork(request: Request) -> Outputs:
    cidr = str(request.inputs.get("ipCidrRange") or "10.128.0.0/20")
    region = region_of(request)
    project = project_of(request)
    network = str(request.inputs.get("network") or "default")
    path = network if "/" in network else f"projects/{project}/global/networks/{network}"
    return _compute(
        request,
        f"regions/{region}/subnetworks",
        region=region,
        network=full_link(path),
        ipCidrRange=cidr,
        gatewayAddress=str(ipaddress.ip_network(cidr, strict=False)[1]),
        subnetworkId=int(number_id(request.seed, 15)),
        fingerprint=hex_id(request.seed, 12),
        purpose=request.inputs.get("purpose") or "PRIVATE",
        stackType=request.inputs.get("stackType") or "IPV4_ONLY",
        privateIpGoogleAccess=bool(request.inputs.get("privateIpGoogleAccess", False)),
        privateIpv6GoogleAccess="DISABLE_GOOGLE_ACCESS",
        secondaryIpRanges=list(request.inputs.get("secondaryIpRanges") or []),
        allowSubnetCidrRoutesOverlap=False,
        externalIpv6Prefix="",
        internalIpv6Prefix="",
        ipv6CidrRange="",
        ipv6GceEndpoint="",
        state="READY",
    )


def _router(request: Request) -> Outputs:
    region = region_of(request)
    return _compute(request, f"regions/{region}/routers", region=region)


def _router_nat(request: Request) -> Outputs:
    project, region, name = project_of(request), region_of(request), name_of(request)
    return {
        "id": f"{project}/{region}/{last_part(request.inputs.get('router'))}/{name}",
        "name": name,
        "project": project,
        "region": region,
        "autoNetworkTier": "PREMIUM",
        "deletionPolicy": _DELETION,
        "drainNatIps": [],
        "natIps": list(request.inputs.get("natIps") or []),
        "enableDynamicPortAllocation": bool(request.inputs.get("enableDynamicPortAllocation", False)),
        "enableEndpointIndependentMapping": bool(
            request.inputs.get("enableEndpointIndependentMapping", False)
        ),
        "endpointTypes": ["ENDPOINT_TYPE_VM"],
        "minPortsPerVm": request.inputs.get("minPortsPerVm") or 64,
    }


def _address(request: Request) -> Outputs:
    region = region_of(request)
    return _compute(
        request,
        f"regions/{region}/addresses",
        region=region,
        address=request.inputs.get("address") or public_address(request.seed),
        addressId=number_id(request.seed, 19),
        addressType=request.inputs.get("addressType") or "EXTERNAL",
        networkTier=request.inputs.get("networkTier") or "PREMIUM",
        prefixLength=request.inputs.get("prefixLength") or 0,
        purpose=request.inputs.get("purpose") or "",
        subnetwork=request.inputs.get("subnetwork") or "",
        users=[],
        **labels(request),
    )


def _global_address(request: Request) -> Outputs:
    return _compute(
        request,
        "global/addresses",
        address=request.inputs.get("address") or public_address(request.seed),
        prefixLength=request.inputs.get("prefixLength") or 0,
        **labels(request),
    )


def _firewall(request: Request) -> Outputs:
    return _compute(
        request,
        "global/firewalls",
        direction=request.inputs.get("direction") or "INGRESS",
        priority=request.inputs.get("priority", 1000),
        destinationRanges=list(request.inputs.get("destinationRanges") or []),
        enableLogging=bool(request.inputs.get("enableLogging", False)),
    )


def _disk(request: Request) -> Outputs:
    zone = str(request.inputs.get("zone") or request.place.zone or f"{request.place.require_region()}-a")
    return _compute(
        request,
        f"zones/{last_part(zone)}/disks",
        zone=last_part(zone),
        diskId=number_id(request.seed, 19),
        size=request.inputs.get("size") or 500,
        type=request.inputs.get("type") or "pd-standard",
        accessMode="READ_WRITE_SINGLE",
        enableConfidentialCompute=False,
        guestOsFeatures=[],
        licenses=[],
        physicalBlockSizeBytes=4096,
        provisionedIops=request.inputs.get("provisionedIops") or 0,
        provisionedThroughput=request.inputs.get("provisionedThroughput") or 0,
        resourcePolicies=[],
        lastAttachTimestamp="",
        lastDetachTimestamp="",
        sourceDiskId="",
        sourceImageId="",
        sourceInstantSnapshotId="",
        sourceSnapshotId="",
        users=[],
        **labels(request),
    )


def _reservation(request: Request) -> Outputs:
    zone = last_part(request.inputs.get("zone"))
    count = (request.inputs.get("specificReservation") or {}).get("count")
    return _compute(
        request,
        f"zones/{zone}/reservations",
        zone=zone,
        status="READY",
        kind="compute#reservation",
        commitment="",
        blockNames=[],
        linkedCommitments=[],
        resourceStatuses=[],
        satisfiesPzs=False,
        specificReservation={"inUseCount": 0, "count": count},
        specificReservationRequired=bool(request.inputs.get("specificReservationRequired", False)),
        reservationSharingPolicy=request.inputs.get("reservationSharingPolicy") or {"serviceShareType": ""},
        shareSettings=request.inputs.get("shareSettings") or {"shareType": "LOCAL", "projectMaps": []},
        deleteAtTime=request.inputs.get("deleteAtTime") or "",
    )


def _future_reservation(request: Request) -> Outputs:
    zone = last_part(request.inputs.get("zone") or request.place.zone)
    made = _compute(
        request,
        f"zones/{zone}/futureReservations",
        zone=zone,
        planningStatus=request.inputs.get("planningStatus") or "DRAFT",
        statuses=[{"procurementStatus": "DRAFTING", "fulfilledCount": "0", "lockTime": ""}],
    )
    number = number_id(request.seed, 19)
    return {**made, "selfLinkWithId": f"{made['selfLink'].rpartition('/')[0]}/{number}"}


def _resource_policy(request: Request) -> Outputs:
    region = region_of(request)
    made = _compute(request, f"regions/{region}/resourcePolicies", region=region)
    del made["creationTimestamp"]
    return made


def _iam_member(request: Request) -> Outputs:
    project = last_part(project_of(request))
    return {
        "id": f"{project}/{request.inputs.get('role')}/{request.inputs.get('member')}",
        "project": project,
        "etag": hex_id(request.seed, 16),
    }


def _account_iam_member(request: Request) -> Outputs:
    parts = (request.inputs.get(key) for key in ("serviceAccountId", "role", "member"))
    return {"id": "/".join(str(part) for part in parts), "etag": hex_id(request.seed, 16)}


def _project_service(request: Request) -> Outputs:
    project = last_part(project_of(request))
    return {
        "id": f"{project}/{request.inputs.get('service')}",
        "project": project,
        "deletionPolicy": request.inputs.get("deletionPolicy") or _DELETION,
    }


def _account(request: Request) -> Outputs:
    project = project_of(request)
    account = name_of(request, "accountId")
    email = f"{account}@{project}.iam.gserviceaccount.com"
    path = f"projects/{project}/serviceAccounts/{email}"
    return {
        "id": path,
        "name": path,
        "accountId": account,
        "email": email,
        "member": f"serviceAccount:{email}",
        "uniqueId": number_id(request.seed, 21),
        "project": project,
        "disabled": bool(request.inputs.get("disabled", False)),
        "deletionPolicy": request.inputs.get("deletionPolicy") or _DELETION,
    }


def _bucket(request: Request) -> Outputs:
    name, project = name_of(request), project_of(request)
    return {
        "id": name,
        "name": name,
        "project": project,
        "projectNumber": int(project_number(project)),
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
        "url": f"gs://{name}",
        "location": str(request.inputs.get("location") or "US").upper(),
        "storageClass": request.inputs.get("storageClass") or "STANDARD",
        "publicAccessPrevention": request.inputs.get("publicAccessPrevention") or "inherited",
        "uniformBucketLevelAccess": bool(request.inputs.get("uniformBucketLevelAccess", False)),
        "rpo": request.inputs.get("rpo") or "DEFAULT",
        "softDeletePolicy": request.inputs.get("softDeletePolicy") or {"retentionDurationSeconds": 604800},
        "versioning": request.inputs.get("versioning") or {"enabled": False},
        "website": request.inputs.get("website") or {},
        "timeCreated": (request.before or {}).get("timeCreated") or request.time,
        "updated": request.time,
        "deletionPolicy": request.inputs.get("deletionPolicy") or _DELETION,
        **{key: value for key, value in labels(request).items() if key != "labelFingerprint"},
    }


def _bucket_iam_member(request: Request) -> Outputs:
    parts = [str(request.inputs.get(key)) for key in ("bucket", "role", "member")]
    return {"id": "/".join(["b", *parts]), "etag": hex_id(request.seed, 16)}


def _quota_preference(request: Request) -> Outputs:
    parent = str(request.inputs.get("parent") or f"projects/{request.place.require_project()}")
    name = str(request.inputs.get("name") or letters_id(request.seed, 12).lower())
    wanted = request.inputs.get("quotaConfig") or {}
    return {
        "id": f"{parent}/locations/global/quotaPreferences/{name}",
        "name": name,
        "parent": parent,
        "dimensions": request.inputs.get("dimensions") or {},
        "quotaConfig": {
            "grantedValue": "0",
            "preferredValue": wanted.get("preferredValue"),
            "requestOrigin": "ORIGIN_UNSPECIFIED",
            "stateDetail": "",
            "traceId": hex_id(request.seed, 24),
        },
        "quotaId": request.inputs.get("quotaId") or "",
        "service": request.inputs.get("service") or "",
        "reconciling": True,
        "etag": hex_id(request.seed, 16),
        "createTime": (request.before or {}).get("createTime") or request.time,
        "updateTime": request.time,
    }


def _artifact_repository(request: Request) -> Outputs:
    project = project_of(request)
    location = str(request.inputs.get("location") or request.place.require_region())
    name = name_of(request, "repositoryId")
    return {
        "id": f"projects/{project}/locations/{location}/repositories/{name}",
        "name": name,
        "project": project,
        "location": location,
        "registryUri": f"{location}-docker.pkg.dev/{project}/{name}",
        "createTime": (request.before or {}).get("createTime") or request.time,
        "updateTime": request.time,
        "vulnerabilityScanningConfig": {"enablementState": "SCANNING_DISABLED"},
        "deletionPolicy": _DELETION,
        **{key: value for key, value in labels(request).items() if key != "labelFingerprint"},
    }


def _secret(request: Request) -> Outputs:
    project = project_of(request)
    name = name_of(request, "secretId")
    return {
        "id": f"projects/{project}/secrets/{name}",
        "name": f"projects/{project_number(project)}/secrets/{name}",
        "project": project,
        "secretId": name,
        "createTime": (request.before or {}).get("createTime") or request.time,
        "expireTime": "",
        "effectiveAnnotations": dict(request.inputs.get("annotations") or {}),
        "deletionPolicy": _DELETION,
        **{key: value for key, value in labels(request).items() if key != "labelFingerprint"},
    }


def _named(compute: Any, length: int = 63, name: str = "name") -> Kind:
    return Kind(compute=compute, name=name, name_length=length)


GCP_KINDS: Mapping[str, Kind] = {
    "gcp:compute/network:Network": _named(_network),
    "gcp:compute/subnetwork:Subnetwork": _named(_subnetwork),
    "gcp:compute/router:Router": _named(_router),
    "gcp:compute/routerNat:RouterNat": _named(_router_nat),
    "gcp:compute/address:Address": _named(_address),
    "gcp:compute/globalAddress:GlobalAddress": _named(_global_address),
    "gcp:compute/firewall:Firewall": _named(_firewall),
    "gcp:compute/disk:Disk": _named(_disk),
    "gcp:compute/reservation:Reservation": _named(_reservation),
    "gcp:compute/futureReservation:FutureReservation": _named(_future_reservation),
    "gcp:compute/resourcePolicy:ResourcePolicy": _named(_resource_policy),
    "gcp:projects/iAMMember:IAMMember": Kind(compute=_iam_member),
    "gcp:projects/service:Service": Kind(compute=_project_service),
    "gcp:serviceaccount/account:Account": Kind(compute=_account),
    "gcp:serviceaccount/iAMMember:IAMMember": Kind(compute=_account_iam_member),
    "gcp:storage/bucket:Bucket": _named(_bucket),
    "gcp:storage/bucketIAMMember:BucketIAMMember": Kind(compute=_bucket_iam_member),
    "gcp:cloudquota/sQuotaPreference:SQuotaPreference": Kind(compute=_quota_preference),
    "gcp:artifactregistry/repository:Repository": Kind(compute=_artifact_repository),
    "gcp:secretmanager/secret:Secret": Kind(compute=_secret),
}
