"""What doctor says of credentials and permissions, on doubles of the clouds. All data is synthetic."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.auth.credentials import AnonymousCredentials
from tests.discovery.conftest import Refusal

from gpuyard.catalog.evidence_items import Reason
from gpuyard.discovery.actions import gcp_permissions
from gpuyard.discovery.doctor import aws as doctor_aws
from gpuyard.discovery.doctor import gcp as doctor_gcp
from gpuyard.discovery.doctor import network
from gpuyard.discovery.doctor.aws import AwsAccess
from gpuyard.discovery.doctor.check import Status
from gpuyard.discovery.failure import Failure, KnownError
from gpuyard.discovery.gcp.client import GcpClients

DRY = Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def simulated(*denied):
    def answer(_, asked):
        results = [
            {"EvalActionName": name, "EvalDecision": "implicitDeny" if name in denied else "allowed"}
            for name in asked["ActionNames"]
        ]
        return {"EvaluationResults": results}

    return answer


@pytest.fixture
def access(aws):
    def make(**answers):
        dry = {operation: DRY for (service, operation) in doctor_aws.PROBES if service == "ec2"}
        dry |= dict.fromkeys(doctor_aws.DRY_RUNS, DRY)
        double = aws(**{**dry, "SimulatePrincipalPolicy": simulated(), **answers})
        return AwsAccess(double.session, "", time.monotonic() + 30), double

    return make


def test_an_identity_is_shown_without_its_number_and_name(access):
    verdict = doctor_aws.look_at_identity(access()[0])
    assert verdict.message == "account ********9012, user from explicit, region us-east-1"
    verdict = doctor_aws.look_at_identity(access(GetCallerIdentity=Refusal("ExpiredToken"))[0])
    assert verdict.status is Status.FAILED
    assert "aws sso login" in verdict.fix


def test_every_permission_check_is_a_dry_run_or_a_question(access):
    reach, double = access()
    assert doctor_aws.look_at_discovery(reach).status is Status.OK
    assert doctor_aws.look_at_deployment(reach).status is Status.OK
    questions = {"GetCallerIdentity", "SimulatePrincipalPolicy"}
    questions |= {operation for (service, operation) in doctor_aws.PROBES if service != "ec2"}
    for operation, _, request in double.calls:
        assert operation in questions or request["DryRun"] is True, operation


def test_denied_actions_are_named(access):
    reach, _ = access(
        DescribeSpotPriceHistory=Refusal("UnauthorizedOperation", status=403),
        ListServiceQuotas=Refusal("AccessDeniedException"),
        CreateVpc=Refusal("UnauthorizedOperation"),
        SimulatePrincipalPolicy=simulated("eks:CreateCluster"),
    )
    verdict = doctor_aws.look_at_discovery(reach)
    assert verdict.status is Status.FAILED
    assert "ec2:DescribeSpotPriceHistory, servicequotas:ListServiceQuotas" in verdict.message
    verdict = doctor_aws.look_at_deployment(reach)
    assert verdict.message == "2 of 20 actions are denied: ec2:CreateVpc, eks:CreateCluster"


def test_what_cannot_be_told_is_said_and_does_not_fail(access):
    reach, _ = access(SimulatePrincipalPolicy=Refusal("AccessDenied"), CreateVpc=Refusal("VpcLimitExceeded"))
    verdict = doctor_aws.look_at_deployment(reach)
    assert verdict.status is Status.WARNING
    assert "ec2:CreateVpc (VpcLimitExceeded)" in verdict.message
    assert "iam:SimulatePrincipalPolicy: AccessDenied" in verdict.message


def test_without_credentials_other_checks_wait(access):
    reach, double = access(GetCallerIdentity=Refusal("InvalidClientTokenId"))
    for look in (doctor_aws.look_at_discovery, doctor_aws.look_at_deployment, doctor_aws.look_at_region):
        assert look(reach).status is Status.UNKNOWN
    assert {operation for operation, _, _ in double.calls} == {"GetCallerIdentity"}


def test_the_region_is_asked_for_its_zones(access):
    zones = {"AvailabilityZones": [{"ZoneName": "us-east-1a", "ZoneId": "use1-az1", "State": "available"}]}
    assert doctor_aws.look_at_region(access(DescribeAvailabilityZones=zones)[0]).message == (
        "us-east-1 is enabled; zones: use1-az1"
    )
    verdict = doctor_aws.look_at_region(access(DescribeAvailabilityZones=Refusal("AuthFailure"))[0])
    assert verdict.status is Status.FAILED
    assert "enable-region" in verdict.fix


def test_a_call_that_is_no_dry_run_is_refused(access):
    reach, double = access()
    with pytest.raises(RuntimeError, match="may not call CreateVpc"):
        reach.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert double.called("CreateVpc") == []


def test_a_role_session_is_simulated_as_its_role():
    arn = "arn:aws:sts::123456789012:assumed-role/Deployer/session"
    assert doctor_aws._principal(arn) == "arn:aws:iam::123456789012:role/Deployer"
    user = "arn:aws:iam::123456789012:user/synthetic"
    assert doctor_aws._principal(user) == user


@pytest.fixture
def resource_manager():
    """A local double of testIamPermissions; `held` is what it grants."""
    held, asked = set(), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body["permissions"])
            self.send_response(403 if "refuse" in held else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            granted = [name for name in body["permissions"] if name in held]
            answer = {"permissions": granted} if granted else {}
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
        clients = GcpClients(AnonymousCredentials(), "synthetic", time.monotonic() + 10)
        url = f"http://127.0.0.1:{httpd.server_port}/v1/projects/{{project}}:testIamPermissions"
        yield doctor_gcp.GcpAccess(lambda: clients, url), held
        httpd.shutdown()


def test_google_says_itself_which_permissions_are_missing(resource_manager):
    reach, held = resource_manager
    held.update(doctor_gcp.DEPLOYMENT)
    held.discard("container.clusters.create")
    verdict = doctor_gcp.look_at_deployment(reach)
    assert verdict.status is Status.FAILED
    assert verdict.message.endswith("missing on synthetic: container.clusters.create")
    assert "roles/container.admin" in verdict.fix
    held.update(gcp_permissions())
    assert doctor_gcp.look_at_discovery(reach).status is Status.OK
    held.discard("compute.advice.calendarMode")
    assert doctor_gcp.look_at_discovery(reach).status is Status.WARNING
    held.add("refuse")
    assert doctor_gcp.look_at_discovery(reach).status is Status.WARNING
    assert doctor_gcp.look_at_identity(reach).message.startswith("project synthetic, ")


def test_missing_google_credentials_fail_once():
    failure = Failure(reason=Reason.CREDENTIALS, message="none", fix="log in")
    calls = []

    def opened():
        calls.append(1)
        raise KnownError(failure)

    reach = doctor_gcp.GcpAccess(opened)
    assert doctor_gcp.look_at_identity(reach).status is Status.FAILED
    assert doctor_gcp.look_at_deployment(reach).status is Status.UNKNOWN
    assert calls == [1]


def test_a_host_without_address_and_a_closed_port(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert "has no address" in network.look_at_host("https://doctor.invalid").message
    verdict = network.look_at_host("https://127.0.0.1:9")
    assert verdict.status is Status.FAILED
    assert "127.0.0.1 cannot be reached" in verdict.message
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert "through the proxy" in network.look_at_host("https://doctor.invalid").message
