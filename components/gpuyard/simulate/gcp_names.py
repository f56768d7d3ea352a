"""Links, labels and numbers of the simulated Google Cloud."""

import ipaddress
from typing import Any

from gpuyard.simulate.ids import hex_id, number_id
from gpuyard.simulate.kind import Request

COMPUTE = "https://www.googleapis.com/compute/v1/"
CONTAINER = "https://container.googleapis.com/v1/"


def project_number(project: str) -> str:
    """The number of ``project``."""
    return number_id(f"project {project}", 12)


def project_of(request: Request) -> str:
    """The project that a resource names, or its provider's."""
    return str(request.inputs.get("project") or request.place.require_project())


def region_of(request: Request) -> str:
    """The region that a resource names (a link to it is allowed), or its provider's."""
    return str(request.inputs.get("region") or request.place.require_region()).rpartition("/")[2]


def last_part(link: Any) -> str:
    """The name at the end of a link or path."""
    return str(link or "").rpartition("/")[2]


def full_link(path: str) -> str:
    """The self link of ``projects/…``; a link stays as it is."""
    return path if path.startswith("https://") else COMPUTE + path


def labels(request: Request, key: str = "labels") -> dict[str, Any]:
    """All labels, as ``effectiveLabels`` and ``pulumiLabels`` have them."""
    defaults = request.place.settings.get("defaultLabels") or {}
    found = {**defaults, **(request.inputs.get(key) or {}), "goog-pulumi-provisioned": "true"}
    return {
        "effectiveLabels": found,
        "pulumiLabels": found,
        "labelFingerprint": hex_id(repr(sorted(found.items())), 8),
    }


def public_address(seed: str) -> str:
    """An address from the ranges kept for documentation (RFC 5737)."""
    network = ipaddress.ip_network("203.0.113.0/24")
    return str(network[int(number_id(f"{seed} address", 6)) % 254 + 1])
