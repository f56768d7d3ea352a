"""QuotaRequest alone, recorded as a first preview; the values are those that `gpuyard capacity` prints."""

import pytest

from gpuyard.inputs import ArgsError
from gpuyard.quota.request import QuotaRequest

AWS = {"cloud": "aws", "region": "us-east-1", "quota_id": "L-417A185B", "value": 384}
GCP = {
    "cloud": "gcp",
    "region": "us-central1",
    "quota_id": "GPUS-PER-GPU-FAMILY-per-project-region",
    "gpu_family": "NVIDIA_H100",
    "value": 16,
    "project": "example-llm-prod",
    "contact_email": "team@example.com",
}


def test_an_aws_limit_is_asked_of_service_quotas(preview):
    plan = preview(lambda: QuotaRequest("p5", AWS))
    assert plan.tree() == [" > QuotaRequest p5", "p5 > ServiceQuota p5-quota"]
    assert plan.one("ServiceQuota").inputs == {
        "serviceCode": "ec2",
        "quotaCode": "L-417A185B",
        "value": 384,
        "region": "us-east-1",
    }


def test_a_google_limit_is_asked_of_the_cloud_quotas_api(preview):
    inputs = preview(lambda: QuotaRequest("h100", GCP)).one("SQuotaPreference").inputs
    assert inputs["dimensions"] == {"region": "us-central1", "gpu_family": "NVIDIA_H100"}
    assert inputs["quotaConfig"] == {"preferredValue": "16"}
    assert inputs["parent"] == "projects/example-llm-prod"


def test_a_global_google_limit_has_no_dimensions(preview):
    args = {**GCP, "region": "global", "quota_id": "GPUS-ALL-REGIONS-per-project", "gpu_family": ""}
    assert "dimensions" not in preview(lambda: QuotaRequest("all", args)).one("SQuotaPreference").inputs


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({**GCP, "contact_email": ""}, "contact_email"),
        ({**GCP, "project": ""}, "needs `project`"),
        ({**GCP, "value": 1.5}, "whole numbers"),
        ({**AWS, "region": "global"}, "per region"),
        ({**AWS, "gpu_family": "NVIDIA_H100"}, "are Google's"),
        ({**AWS, "cloud": "azure"}, "azure"),
        ({**AWS, "value": 0}, "value"),
    ],
)
def test_requests_that_cannot_be_filed_are_refused(preview, args, says):
    with pytest.raises(ArgsError, match=says):
        preview(lambda: QuotaRequest("bad", args))
