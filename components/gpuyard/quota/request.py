"""QuotaRequest: a higher limit, asked for as a reviewed resource."""

from typing import Any, NotRequired, TypedDict

import pulumi

from gpuyard.inputs import parse_inputs
from gpuyard.quota.spec import QuotaCloud, QuotaRequestSpec, render_quota_request


class QuotaRequestArgs(TypedDict):
    """Which limit, and what it should be; the values that `gpuyard capacity` prints."""

    cloud: str
    """``aws`` or ``gcp``."""
    region: str
    """Region of the limit; ``global`` for Google's limits over all regions."""
    quota_id: str
    """AWS quota code (``L-417A185B``), or id of the Cloud Quotas API."""
    value: float
    """The limit to have: vCPUs at AWS, GPUs at Google. Not below the present one: clouds refuse that."""
    gpu_family: NotRequired[str]
    """Google, for GPUS-PER-GPU-FAMILY limits: e.g. ``NVIDIA_H100``."""
    project: NotRequired[str]
    """Google project. Required for gcp."""
    contact_email: NotRequired[str]
    """Where Google answers. Required for gcp."""
    justification: NotRequired[str]
    """Why. Default ``GPU inference``."""
    service: NotRequired[str]
    """Service of the limit. Default EC2, or Compute Engine."""


@pulumi.type_token("gpuyard:index:QuotaRequest")
class QuotaRequest(pulumi.ComponentResource):
    """A request for a higher limit, filed with Service Quotas or the Cloud Quotas API.

    It is done when it is filed: a person at the cloud may take days, grant a part or refuse. Deleting it
    leaves the limit as it is.
    """

    status: pulumi.Output[str]
    """The cloud's word for where the request stands."""

    def __init__(self, name: str, args: QuotaRequestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = parse_inputs("QuotaRequest", QuotaRequestSpec, dict(args))
        super().__init__("gpuyard:index:QuotaRequest", name, {}, opts)
        rendered = render_quota_request(spec)
        options = pulumi.ResourceOptions(parent=self)
        self.status = (
            _aws(name, rendered, options) if spec.cloud is QuotaCloud.AWS else _gcp(name, rendered, options)
        )
        self.register_outputs({"status": self.status})


def _aws(name: str, rendered: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    import pulumi_aws as aws  # noqa: PLC0415 (each cloud's SDK is loaded only for its own limits)

    return aws.servicequotas.ServiceQuota(f"{name}-quota", **rendered, opts=opts).request_status


def _gcp(name: str, rendered: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    import pulumi_gcp as gcp  # noqa: PLC0415

    preference = gcp.cloudquota.SQuotaPreference(f"{name}-quota", **rendered, opts=opts)
    return preference.quota_config.apply(lambda config: config.state_detail or "")
