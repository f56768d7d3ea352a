"""AWS: whose credentials they are, and what they may do, by calls that change nothing.

EC2 calls carry `DryRun`: EC2 checks the permission, then answers "would have succeeded". EKS and IAM have
no dry run; their actions are put to IAM's policy simulator, which organisations' own policies may overrule.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from gpuyard.discovery.actions import actions_for
from gpuyard.discovery.aws.client import AwsClients
from gpuyard.discovery.aws.explain import DENIED, explain
from gpuyard.discovery.aws.region import AwsRegion
from gpuyard.discovery.aws.reserved import masked_account
from gpuyard.discovery.doctor.check import Status, Verdict
from gpuyard.discovery.failure import Scope

SIMULATED = (
    "eks:CreateCluster",
    "eks:DescribeCluster",
    "eks:CreateNodegroup",
    "eks:CreateAddon",
    "eks:CreateAccessEntry",
    "iam:CreateRole",
    "iam:AttachRolePolicy",
    "iam:PassRole",
    "iam:CreateServiceLinkedRole",
    "ec2:CreateVpc",
    "ec2:CreateSubnet",
    "ec2:CreateInternetGateway",
    "ec2:AllocateAddress",
    "ec2:CreateNatGateway",
    "ec2:CreateRouteTable",
    "ec2:CreateRoute",
    "ec2:CreateVpcEndpoint",
    "ec2:CreateLaunchTemplate",
    "ec2:CreateTags",
    "ec2:RunInstances",
)
"""Actions behind the resources of an EKS stack (`gpuyard.aws`)."""
DRY_RUNS: Mapping[str, Mapping[str, Any]] = {
    "CreateVpc": {"CidrBlock": "10.0.0.0/16"},
    "CreateInternetGateway": {},
    "AllocateAddress": {"Domain": "vpc"},
    "CreateLaunchTemplate": {
        "LaunchTemplateName": "gpuyard-doctor",
        "LaunchTemplateData": {"InstanceType": "g6.xlarge"},
    },
}
"""EC2 calls of a deployment that need nothing that exists; never sent without `DryRun`."""
PROBES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("ec2", "DescribeRegions"): {},
    ("ec2", "DescribeAvailabilityZones"): {},
    ("ec2", "DescribeInstanceTypes"): {},
    ("ec2", "DescribeInstanceTypeOfferings"): {},
    ("ec2", "DescribeSpotPriceHistory"): {},
    ("ec2", "GetSpotPlacementScores"): {"TargetCapacity": 1, "InstanceTypes": ["g6.xlarge"]},
    ("ec2", "DescribeCapacityBlockOfferings"): {
        "CapacityDurationHours": 24,
        "InstanceType": "p5.48xlarge",
        "InstanceCount": 1,
    },
    ("ec2", "DescribeCapacityReservations"): {},
    ("ec2", "DescribeCapacityBlocks"): {},
    ("ec2", "DescribeInstances"): {},
    ("ec2", "GetCapacityManagerAttributes"): {},
    ("service-quotas", "ListServiceQuotas"): {"ServiceCode": "ec2", "MaxResults": 1},
    ("service-quotas", "ListRequestedServiceQuotaChangeHistory"): {"ServiceCode": "ec2", "MaxResults": 1},
    ("pricing", "GetProducts"): {"ServiceCode": "AmazonEC2", "MaxResults": 1},
}
"""One harmless call per action of discovery; EC2's are dry runs. Those of Capacity Manager that need the
service switched on are left out: they are optional."""


class AwsAccess:
    """What several checks need of one account, looked up once."""

    def __init__(self, session: Any, region: str, deadline: float) -> None:
        self.session = session
        self.region = region or session.region_name or "us-east-1"
        self._deadline = deadline
        self._lock = threading.Lock()

    def identity(self) -> Mapping[str, str]:
        """`Account` and `Arn` of the credentials."""
        with self._lock:
            return self._identity

    @cached_property
    def clients(self) -> AwsClients:
        """Clients that only read."""
        return AwsClients(self.session, self._deadline)

    @cached_property
    def _identity(self) -> Mapping[str, str]:
        return self.clients("sts", self.region).get_caller_identity()

    def client(self, service: str) -> Any:
        """A client for dry runs and simulations, which refuses any other call."""
        from botocore.config import Config  # noqa: PLC0415 (0.3 s that only some verbs need)

        config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
        client = self.session.client(service, region_name=self.region, config=config)
        client.meta.events.register("before-parameter-build", _only_harmless)
        return client


def look_at_identity(access: AwsAccess) -> Verdict:
    """Whether the credentials are valid, and for which account."""
    try:
        identity = access.identity()
    except Exception as error:  # noqa: BLE001 (explained, whatever it is)
        failure = explain(error)
        return Verdict(status=Status.FAILED, message=failure.message, fix=failure.fix)
    credentials = access.session.get_credentials()
    kind = identity["Arn"].split(":")[5].split("/")[0].replace("-", " ")
    source = f" from {credentials.method}" if credentials is not None else ""
    return Verdict(
        status=Status.OK,
        message=f"account {masked_account(identity['Account'])}, {kind}{source}, region {access.region}",
    )


def look_at_discovery(access: AwsAccess) -> Verdict:
    """Which actions of `gpuyard capacity --live` are allowed."""
    if (blocked := _blocked(access)) is not None:
        return blocked
    named = {(action.service, action.operation): action.permission for action in actions_for("aws")}
    denied, unclear = [], []
    for (service, operation), request in PROBES.items():
        dry = {"DryRun": True} if service == "ec2" else {}
        region = "us-east-1" if service == "pricing" else access.region
        outcome = _outcome(access.clients(service, region), operation, {**request, **dry})
        if outcome is False:
            denied.append(named[service, operation])
        elif outcome is not True:
            unclear.append(f"{named[service, operation]} ({outcome})")
    return _summary(len(PROBES), denied, unclear, "docs/reference/discovery.md has the policy")


def look_at_deployment(access: AwsAccess) -> Verdict:
    """Which actions of a deployment are allowed."""
    if (blocked := _blocked(access)) is not None:
        return blocked
    ec2 = access.client("ec2")
    denied, unclear = [], []
    for operation, request in DRY_RUNS.items():
        outcome = _outcome(ec2, operation, {**request, "DryRun": True})
        if outcome is False:
            denied.append(f"ec2:{operation}")
        elif outcome is not True:
            unclear.append(f"ec2:{operation} ({outcome})")
    asked = {f"ec2:{operation}" for operation in DRY_RUNS}
    simulated = [action for action in SIMULATED if action not in asked]
    try:
        denied += _simulate(access, simulated)
    except Exception as error:  # noqa: BLE001 (explained, whatever it is)
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        unclear.append(f"{len(simulated)} actions of EKS, IAM and EC2 (iam:SimulatePrincipalPolicy: {code})")
    return _summary(len(SIMULATED), denied, unclear, "a role with AdministratorAccess can deploy")


def look_at_region(access: AwsAccess) -> Verdict:
    """Whether the region is enabled, and its zones."""
    if (blocked := _blocked(access)) is not None:
        return blocked
    region = AwsRegion(access.clients, access.region, masked_account(access.identity()["Account"]), ())
    try:
        zones = [zone.zone for zone in region.ask_zones() if zone.available]
    except Exception as error:  # noqa: BLE001 (explained, whatever it is)
        failure = explain(error, access.region, identity_known=True)
        status = Status.FAILED if failure.scope is not Scope.QUESTION else Status.WARNING
        return Verdict(status=status, message=failure.message, fix=failure.fix)
    return Verdict(status=Status.OK, message=f"{access.region} is enabled; zones: {', '.join(zones)}")


def _blocked(access: AwsAccess) -> Verdict | None:
    try:
        access.identity()
    except Exception:  # noqa: BLE001 (told by the check of the identity)
        return Verdict(status=Status.UNKNOWN, message="needs valid AWS credentials", fix="see aws.identity")
    return None


def _outcome(client: Any, operation: str, request: Mapping[str, Any]) -> bool | str:
    """True: allowed. False: denied. Else the code of what else went wrong."""
    from botocore import xform_name  # noqa: PLC0415 (see AwsAccess.client)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        getattr(client, xform_name(operation))(**request)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        return code == "DryRunOperation" or (False if code in DENIED else code)
    except BotoCoreError as error:
        return type(error).__name__
    return True


def _simulate(access: AwsAccess, actions: Sequence[str]) -> list[str]:
    """Actions that the identity's own policies do not allow."""
    iam = access.client("iam")
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=_principal(access.identity()["Arn"]), ActionNames=list(actions)
    )
    return [
        result["EvalActionName"]
        for page in pages
        for result in page["EvaluationResults"]
        if result["EvalDecision"] != "allowed"
    ]


def _principal(arn: str) -> str:
    """The user or role behind an identity: sessions have no policies of their own."""
    return re.sub(r":sts:(.*):assumed-role/([^/]+)/.*", r":iam:\1:role/\2", arn)


def _summary(total: int, denied: Sequence[str], unclear: Sequence[str], help_: str) -> Verdict:
    if denied:
        return Verdict(
            status=Status.FAILED,
            message=f"{len(denied)} of {total} actions are denied: {', '.join(denied)}",
            fix=f"allow {', '.join(denied)}; {help_}",
        )
    if unclear:
        return Verdict(
            status=Status.WARNING,
            message=f"nothing is known to be denied; not clear: {', '.join(unclear)}",
            fix=help_,
        )
    return Verdict(status=Status.OK, message=f"all {total} actions are allowed")


def _only_harmless(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    if params.get("DryRun") is not True and model.name != "SimulatePrincipalPolicy":
        raise RuntimeError(f"gpuyard doctor may not call {model.name}; please report this as a bug")
