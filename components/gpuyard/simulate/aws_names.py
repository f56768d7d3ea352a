"""ARNs, partitions and tags of the simulated AWS account."""

from typing import Any

from gpuyard.simulate.kind import Request
from gpuyard.simulate.place import ACCOUNT

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def partition(region: str) -> str:
    """The partition of ``region``, as in an ARN."""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def dns_suffix(region: str) -> str:
    """The domain of AWS's addresses in ``region``."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def make_arn(service: str, region: str, resource: str) -> str:
    """The ARN of something in ``region`` of the simulated account."""
    return f"arn:{partition(region)}:{service}:{region}:{ACCOUNT}:{resource}"


def global_arn(service: str, region: str, resource: str) -> str:
    """The ARN of something without a region, such as a role."""
    return f"arn:{partition(region)}:{service}::{ACCOUNT}:{resource}"


def common_outputs(request: Request) -> dict[str, Any]:
    """What every AWS resource gets: its region, and its tags with the provider's default tags."""
    defaults = (request.place.settings.get("defaultTags") or {}).get("tags") or {}
    return {
        "region": request.place.require_region(),
        "tagsAll": {**defaults, **(request.inputs.get("tags") or {})},
    }
