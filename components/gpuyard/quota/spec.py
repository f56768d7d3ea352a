"""Spec of a quota request, and its resource as plain data."""

from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from gpuyard.parsing import Spec

COMPUTE = "compute.googleapis.com"


class QuotaCloud(StrEnum):
    """Whose limit it is."""

    AWS = "aws"
    GCP = "gcp"


class QuotaRequestSpec(Spec):
    """One limit of an account, and the value that it should have."""

    cloud: QuotaCloud
    region: str
    quota_id: str = Field(min_length=1)
    value: float = Field(gt=0)
    gpu_family: str = ""
    project: str = ""
    contact_email: str = ""
    justification: str = "GPU inference"
    service: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "QuotaRequestSpec":
        problems = []
        if self.cloud is QuotaCloud.GCP:
            if not self.project:
                problems.append("gcp needs `project`, the project id or number")
            if not self.contact_email:
                problems.append("gcp needs `contact_email`: Google answers there")
            if self.value != int(self.value):
                problems.append("GPUs are whole numbers")
        elif self.gpu_family or self.project:
            problems.append("`gpu_family` and `project` are Google's")
        if self.cloud is QuotaCloud.AWS and self.region == "global":
            problems.append("AWS limits of EC2 are per region")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def render_quota_request(spec: QuotaRequestSpec) -> dict[str, Any]:
    """Arguments of `aws.servicequotas.ServiceQuota` or `gcp.cloudquota.SQuotaPreference`."""
    if spec.cloud is QuotaCloud.AWS:
        return {
            "service_code": spec.service or "ec2",
            "quota_code": spec.quota_id,
            "value": spec.value,
            "region": spec.region,
        }
    dimensions = {} if spec.region == "global" else {"region": spec.region}
    if spec.gpu_family:
        dimensions["gpu_family"] = spec.gpu_family
    arguments: dict[str, Any] = {
        "parent": f"projects/{spec.project}",
        "service": spec.service or COMPUTE,
        "quota_id": spec.quota_id,
        "quota_config": {"preferred_value": f"{spec.value:g}"},
        "contact_email": spec.contact_email,
        "justification": spec.justification,
    }
    return arguments | ({"dimensions": dimensions} if dimensions else {})
