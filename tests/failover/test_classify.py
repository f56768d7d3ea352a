"""Messages that clouds really sent, and the table of codes, against the classifier."""

import textwrap
from pathlib import Path

import pytest
import yaml

from gpuyard.catalog.failure_codes import failure_kinds, failure_rules
from gpuyard.failover.classify import all_classes, classify
from gpuyard.failover.failure import FailureClass, Reaction
from gpuyard.failover.reference import render_classes

MESSAGES = yaml.safe_load((Path(__file__).parent / "messages.yaml").read_text(encoding="utf-8"))


def _id(message):
    return f"{message['class']}-{message['source'].removeprefix('https://github.com/')}"


@pytest.mark.parametrize("message", MESSAGES, ids=_id)
def test_a_real_message_gets_its_class_with_and_without_its_cloud(message):
    assert classify(message["text"]).kind == message["class"]
    assert classify(message["text"], message["cloud"]).kind == message["class"]


@pytest.mark.parametrize("message", MESSAGES, ids=_id)
def test_a_coloured_and_wrapped_diagnostic_of_the_engine_gets_the_same_class(message):
    wrapped = "\n".join(textwrap.wrap(message["text"], 72, break_long_words=False, break_on_hyphens=False))
    text = (
        "\x1b[38;5;13m\x1b[1mDiagnostics:\x1b[0m\n  \x1b[1maws:eks:NodeGroup (prod-chat-nodes):\x1b[0m\n"
        "    \x1b[38;5;9merror:\x1b[0m   sdk-v2/provider2.go:572: 1 error occurred:\n    \t* \x1b[31m"
        + wrapped.replace("\n", "\n        ").replace(" ", " \x1b[0m", 3)
        + "\x1b[0m\n\n"
    )
    assert classify(text, message["cloud"]).kind == message["class"]
    escaped = text.replace("\x1b", "\\u001b").replace("\n", "\\n")  # as a JSON log has it
    assert classify(escaped, message["cloud"]).kind == message["class"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Instance terminated by host error: compute.instances.hostError", "transient"),
        ("The VM was restarted after a host_error", "transient"),
        ("The future reservation booking has expired", "reservation_unusable"),
        ("reservation 'train-1' has ended", "reservation_unusable"),
    ],
)
def test_words_of_google_for_a_lost_host_and_a_booking_that_is_over(text, kind):
    assert classify(text).kind == classify(text, "gcp").kind == kind


@pytest.mark.parametrize("message", [m for m in MESSAGES if "zone" in m or "machine_type" in m], ids=_id)
def test_what_a_message_names_is_found(message):
    verdict = classify(message["text"])
    assert message.get("zone", "") in ("", *verdict.zones)
    assert message.get("machine_type", "") in ("", verdict.machine_type)


def test_there_are_enough_messages_of_every_kind():
    by_class = {kind: sum(m["class"] == kind for m in MESSAGES) for kind in failure_kinds()}
    assert len(MESSAGES) >= 110
    assert all(by_class[kind] >= 1 for kind in by_class if kind != "unknown"), by_class
    assert all(m["source"].startswith("https://") for m in MESSAGES)


CODES = {
    "stockout": "InsufficientInstanceCapacity UnfulfillableCapacity InsufficientCapacityOnHost "
    "capacity-not-available "
    "AsgInstanceLaunchFailures NodeCreationFailure ZONE_RESOURCE_POOL_EXHAUSTED "
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS insufficientCapacity GCE_STOCKOUT out_of_resources",
    "reservation_empty": "ReservationCapacityExceeded RESERVATION_CAPACITY_EXCEEDED",
    "quota": "VcpuLimitExceeded MaxSpotInstanceCountExceeded MaxFleetCountExceeded InstanceLimitExceeded "
    "LimitExceeded QUOTA_EXCEEDED quotaExceeded GCE_QUOTA_EXCEEDED GPUS_ALL_REGIONS",
    "not_sold": "Unsupported UNSUPPORTED_OPERATION",
    "address_space": "InsufficientFreeAddressesInSubnet InsufficientFreeAddresses IP_SPACE_EXHAUSTED",
    "permission": "UnauthorizedOperation AccessDenied AuthFailure "
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted IAM_PERMISSION_DENIED "
    "NODE_SERVICE_ACCOUNT_MISSING_PERMISSIONS",
    "configuration": "InvalidParameterValue InvalidParameterCombination InvalidAMIID.NotFound "
    "InvalidLaunchTemplateName.NotFoundException InvalidUserData.Malformed Ec2InstanceTypeDoesNotExist "
    "Ec2SubnetInvalidConfiguration INVALID_ARGUMENT VPC_NOT_FOUND SUBNET_NOT_FOUND_FOR_VPC",
    "throttle": "RequestLimitExceeded RESOURCE_OPERATION_RATE_EXCEEDED Throttling rateLimitExceeded",
    "account": "PendingVerification OptInRequired SERVICE_DISABLED",
    "unknown": "SomethingNobodyHasSeen ERROR_OF_A_NEW_KIND",
}


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes.split()]
)
def test_a_code_alone_is_enough(kind, code):
    assert classify(code).kind == kind
    assert classify(f"operation failed: {code}: see the documentation").kind == kind
    assert classify(f"An error occurred ({code}) when calling the operation").kind == kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "googleapi: Error 429: Reservation does not have enough resources for the request",
            "reservation_empty",
        ),
        ("googleapi: Error 429: Too many requests, rateLimitExceeded", "throttle"),
        (
            "InvalidParameterException: The following supplied instance types do not exist: [p5.4xlarge]",
            "not_sold",
        ),
        ("PREEMPTIBLE_NVIDIA_A100_GPUS exceeded. Limit: 0.0 in region europe-west4", "quota"),
        ("CapacityReservation cr-0123 is not in active state", "reservation_unusable"),
        ("Pod didn't trigger scale-up: 1 max node group size reached", "configuration"),
        ("googleapi: Error 403: Insufficient regional quota to satisfy request, forbidden", "quota"),
        ("googleapi: Error 403: The caller does not have permission, forbidden", "permission"),
        ("Network profile only allows resource creation in location us-east4-b", "configuration"),
        ("UNSUPPORTED_OPERATION: the instance was preempted while it was being created", "stockout"),
    ],
)
def test_a_status_that_says_little_gives_way_to_the_words(message, kind):
    assert classify(message, "gcp").kind == kind


def test_the_cause_inside_a_node_group_issue_outweighs_its_wrapper():
    wrapped = (
        "waiting for EKS Node Group (prod:chat) create: unexpected state 'CREATE_FAILED', wanted "
        "target 'ACTIVE'. "
        "last error: eks-chat-1: AsgInstanceLaunchFailures: Could not launch On-Demand Instances. "
        "VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 0 "
        "allows for the "
        "instance bucket that the specified instance type belongs to. Launching EC2 instance failed."
    )
    verdict = classify(wrapped, "aws")
    assert verdict.kind is FailureClass.QUOTA
    assert verdict.limit == 0
    assert all_classes(wrapped) == (FailureClass.QUOTA, FailureClass.STOCKOUT)


def test_machines_that_came_and_did_not_join_are_not_a_stockout():
    text = "NodeCreationFailure: Instances failed to join the kubernetes cluster"
    came, never = f"{text}. Resource IDs: [i-0b06c566c8c8f87d7]", f"DUMMY_085e351a-269f-4d54: {text}"
    assert classify(came, "aws").kind is FailureClass.CONFIGURATION
    assert classify(never, "aws").kind is FailureClass.STOCKOUT


def test_a_missing_service_linked_role_stops_spot_only():
    verdict = classify(
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted: The provided credentials ...", "aws"
    )
    assert (verdict.kind, verdict.reaction, verdict.scope) == (FailureClass.PERMISSION, Reaction.NEXT, "spot")
    assert "create-service-linked-role" in verdict.remedy


def test_zones_that_the_cloud_offers_are_not_taken_for_refused_ones():
    verdict = classify(
        "InsufficientInstanceCapacity: We currently do not have sufficient p5.48xlarge capacity in "
        "the Availability "
        "Zone you requested (us-east-1d). You can currently get p5.48xlarge capacity by not specifying an "
        "Availability Zone in your request or choosing us-east-1a, us-east-1b."
    )
    assert verdict.zones == ("us-east-1d",)
    assert verdict.zones_open == ("us-east-1a", "us-east-1b")
    assert verdict.machine_type == "p5.48xlarge"


def test_quotas_are_named_with_their_limit():
    regional = classify("Quota 'NVIDIA_L4_GPUS' exceeded.  Limit: 1.0 in region us-central1.")
    assert (regional.quota, regional.limit, regional.scope) == ("NVIDIA_L4_GPUS", 1.0, "bucket")
    everywhere = classify("Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: 0.0 globally.")
    assert (everywhere.kind, everywhere.scope) == (FailureClass.QUOTA, "cloud")


def test_evidence_carries_no_account_no_key_and_no_encoded_message():
    verdict = classify(
        "UnauthorizedOperation: You are not authorized to perform this operation. User: "
        "arn:aws:sts::123456789012:assumed-role/deploy/jane.doe@example.com is not authorized to perform: "
        "ec2:RunInstances with AKIAABCDEFGHIJKLMNOP. Encoded authorization failure message: " + "x" * 400
    )
    assert verdict.kind is FailureClass.PERMISSION
    for secret in ("123456789012", "jane.doe", "AKIAABC", "xxxx"):
        assert secret not in verdict.evidence


def test_an_unknown_message_is_kept_for_people_to_read():
    verdict = classify("The flux capacitor of pool 7 is misaligned")
    assert (verdict.kind, verdict.reaction) == (FailureClass.UNKNOWN, Reaction.NEXT)
    assert "flux capacitor" in verdict.evidence


def test_any_text_is_classified_without_an_exception():
    for text in ("", " ", "\x00\n", "(" * 5000, "Error 403" * 200, "名前が見つかりません"):
        assert classify(text).kind in FailureClass


def test_every_rule_has_a_source_and_a_known_class():
    kinds = failure_kinds()
    assert set(FailureClass) == set(kinds)
    for rule in failure_rules():
        assert rule.kind in kinds
        assert rule.source
        assert rule.cloud in ("aws", "gcp", "kubernetes", "pulumi", "any")
        assert rule.reaction in ("", *Reaction)


def test_every_issue_code_of_the_eks_model_is_known():
    """The enum of the installed SDK: a new code shows here."""
    from botocore.session import Session

    codes = Session().get_service_model("eks").shape_for("NodegroupIssueCode").enum
    vague = {"Unknown", "NodeTerminationFailure", "PodEvictionFailure"}
    unknown = {code for code in codes if classify(f"{code}: something", "aws").kind is FailureClass.UNKNOWN}
    assert unknown <= vague


def test_the_reference_page_is_the_table():
    page = Path(__file__).parents[2] / "docs/reference/failure-classes.md"
    assert page.read_text(encoding="utf-8") == render_classes()
