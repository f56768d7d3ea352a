"""Answers of the Google Cloud provider's functions."""

import json
from collections.abc import Mapping
from typing import Any

from gpuyard.catalog.tables import read_csv
from gpuyard.errors import EngineError
from gpuyard.simulate.gcp_names import project_number
from gpuyard.simulate.gke import DEFAULT_VERSION, full_version
from gpuyard.simulate.ids import number_id
from gpuyard.simulate.lookup import Function, Lookup
from gpuyard.simulate.place import Place
from gpuyard.simulate.zones import gcp_regions, gcp_zones

Answer = Mapping[str, Any]


def _zones(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    region = place.require_region()
    names = list(gcp_zones(region)) if args.get("status") != "DOWN" else []
    return {"id": f"projects/{place.project}/regions/{region}", "project": place.project, "names": names}


def _regions(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    project = place.require_project()
    return {"id": f"projects/{project}", "project": project, "names": list(gcp_regions())}


def _project(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    project = args.get("projectId") or place.require_project()
    return {
        "id": f"projects/{project}",
        "projectId": project,
        "name": project,
        "number": project_number(project),
        "labels": {},
    }


def _client_config(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    return {
        "id": f"projects/{place.project}/regions/{place.region}/zones/{place.zone}",
        "project": place.project,
        "region": place.region,
        "zone": place.zone,
        "accessToken": "simulated-access-token",
        "defaultLabels": dict(place.settings.get("defaultLabels") or {}),
    }


def _engine_versions(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    """GKE versions of the catalog; ``versionPrefix`` narrows them."""
    rows = [row["version"] for row in read_csv("kubernetes_versions") if row["platform"] == "gke"]
    ordered = sorted(set(rows), key=lambda text: [int(part) for part in text.split(".")], reverse=True)
    prefix = str(args.get("versionPrefix") or "")
    valid = [version for version in map(full_version, ordered) if version.startswith(prefix)]
    if not valid:
        raise EngineError(f"no GKE version begins with {prefix}")
    default = full_version(DEFAULT_VERSION)
    location = str(args.get("location") or place.zone or place.require_region())
    channels = dict.fromkeys(("RAPID", "REGULAR", "STABLE", "EXTENDED"), default)
    return {
        "id": f"{place.project}/{location}",
        "location": location,
        "project": place.project,
        "defaultClusterVersion": default,
        "latestMasterVersion": valid[0],
        "latestNodeVersion": valid[0],
        "validMasterVersions": valid,
        "validNodeVersions": valid,
        "releaseChannelDefaultVersion": channels,
        "releaseChannelLatestVersion": {**channels, "RAPID": valid[0]},
    }


def _default_account(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    project = str(args.get("project") or place.require_project())
    email = f"{project_number(project)}-compute@developer.gserviceaccount.com"
    return {
        "id": f"projects/{project}/serviceAccounts/{email}",
        "name": f"projects/{project}/serviceAccounts/{email}",
        "email": email,
        "member": f"serviceAccount:{email}",
        "displayName": "Compute Engine default service account",
        "uniqueId": number_id(email, 21),
        "project": project,
    }


def _storage_account(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    project = str(args.get("project") or place.require_project())
    email = f"service-{project_number(project)}@gs-project-accounts.iam.gserviceaccount.com"
    return {"id": email, "emailAddress": email, "member": f"serviceAccount:{email}", "project": project}


def _iam_policy(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    bindings = [
        {key: binding[key] for key in ("condition", "members", "role") if binding.get(key)}
        for binding in args.get("bindings") or ()
    ]
    data = json.dumps({"bindings": bindings}, separators=(",", ":"))
    return {"id": number_id(data, 10), "policyData": data}


def _user_info(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    email = f"simulated@{place.project or 'example'}.iam.gserviceaccount.com"
    return {"id": email, "email": email}


def _quota_info(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    """A quota whose value is not known: a real account's is read by `gpuyard capacity --live`."""
    parent, service, quota = (str(args.get(key) or "") for key in ("parent", "service", "quotaId"))
    return {
        "id": f"{parent}/locations/global/services/{service}/quotaInfos/{quota}",
        "name": f"{parent}/locations/global/services/{service}/quotaInfos/{quota}",
        "parent": parent,
        "service": service,
        "quotaId": quota,
        "dimensionsInfos": [],
        "quotaIncreaseEligibilities": [{"isEligible": True, "ineligibilityReason": ""}],
        "isFixed": False,
        "isPrecise": True,
        "isConcurrent": False,
    }


GCP_FUNCTIONS: Mapping[str, Function] = {
    "gcp:compute/getZones:getZones": _zones,
    "gcp:compute/getRegions:getRegions": _regions,
    "gcp:organizations/getProject:getProject": _project,
    "gcp:organizations/getClientConfig:getClientConfig": _client_config,
    "gcp:organizations/getIAMPolicy:getIAMPolicy": _iam_policy,
    "gcp:organizations/getClientOpenIdUserInfo:getClientOpenIdUserInfo": _user_info,
    "gcp:container/getEngineVersions:getEngineVersions": _engine_versions,
    "gcp:compute/getDefaultServiceAccount:getDefaultServiceAccount": _default_account,
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": _storage_account,
    "gcp:cloudquota/getSQuotaInfo:getSQuotaInfo": _quota_info,
}
