"""Answers of the Google Cloud provider's functions."""

from collections.abc import Mapping
from typing import Any

from gpuyard.simulate.functions import Function, Lookup
from gpuyard.simulate.ids import number_id
from gpuyard.simulate.place import Place
from gpuyard.simulate.zones import gcp_regions, gcp_zones

Answer = Mapping[str, Any]


def project_number(project: str) -> str:
    """The number of ``project``."""
    return number_id(f"project {project}", 12)


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


GCP_FUNCTIONS: Mapping[str, Function] = {
    "gcp:compute/getZones:getZones": _zones,
    "gcp:compute/getRegions:getRegions": _regions,
    "gcp:organizations/getProject:getProject": _project,
    "gcp:organizations/getClientConfig:getClientConfig": _client_config,
}
