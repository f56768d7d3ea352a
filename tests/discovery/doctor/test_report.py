"""Checks against one deadline, what they add up to, and the verb."""

import json
import time

import boto3
import pytest

from gpuyard.cli.main import run
from gpuyard.discovery.doctor import network
from gpuyard.discovery.doctor.check import Check, Finding, Purpose, Status, Verdict, run_checks
from gpuyard.discovery.doctor.report import blockers, document, render

FINE = Verdict(status=Status.OK, message="fine")
BROKEN = Verdict(status=Status.FAILED, message="broken", fix="mend it")


def check(name, look, purposes=(Purpose.UP,), cloud=""):
    return Check(id=name, purposes=frozenset(purposes), cloud=cloud, look=look)


def finding(name, verdict, purposes=(Purpose.UP,), cloud=""):
    return Finding(check=check(name, lambda: verdict, purposes, cloud), verdict=verdict, seconds=0)


def test_a_check_that_hangs_or_breaks_does_not_hold_the_others():
    def breaks():
        raise ValueError("of 123456789012")

    checks = [check("hangs", lambda: time.sleep(30)), check("breaks", breaks), check("fine", lambda: FINE)]
    began = time.monotonic()
    hangs, broken, fine = run_checks(checks, 0.5)
    assert time.monotonic() - began < 3
    assert (hangs.verdict.status, fine.verdict) == (Status.FAILED, FINE)
    assert hangs.verdict.message == "no answer within 0.5 s"
    assert broken.verdict.message == "ValueError: of ********9012"


def test_one_cloud_that_works_is_enough_unless_both_are_asked_for():
    findings = [
        finding("pulumi", FINE),
        finding("aws.identity", FINE, cloud="aws"),
        finding("gcp.identity", BROKEN, cloud="gcp"),
    ]
    assert blockers(findings, Purpose.UP, every_cloud=False) == []
    assert [one.check.id for one in blockers(findings, Purpose.UP, every_cloud=True)] == ["gcp.identity"]
    assert blockers(findings, Purpose.PLAN, every_cloud=True) == []
    findings[1] = finding("aws.identity", BROKEN, cloud="aws")
    assert len(blockers(findings, Purpose.UP, every_cloud=False)) == 2


def test_the_document_names_what_stands_in_the_way():
    findings = [finding("pulumi", BROKEN), finding("kubectl", BROKEN, purposes=())]
    data = document(findings, [Purpose.UP], every_cloud=False)
    assert data["schema"] == "gpuyard.doctor/v1"
    assert not data["ok"]
    assert data["ready"]["up"] == {"ok": False, "blockers": ["pulumi"]}
    assert data["ready"]["plan"] == {"ok": True, "blockers": []}
    assert data["checks"][0] == {
        "id": "pulumi",
        "cloud": "",
        "status": "failed",
        "message": "broken",
        "fix": "mend it",
        "needed_for": ["up"],
        "seconds": 0,
    }


def test_the_text_gives_each_failure_its_way_out():
    lines = list(render([finding("pulumi", BROKEN)], [Purpose.UP], every_cloud=False))
    assert lines[:2] == ["FAIL pulumi  broken", "             fix: mend it"]
    assert lines[-1] == "* up        not ready: pulumi"


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine without credentials, network or Pulumi."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setattr(network, "HOSTS", {"aws": (), "gcp": (), "up": ()})


def test_a_bare_machine_plans_but_does_not_deploy(offline, capsys):
    assert run(["doctor"]) == 0
    assert "* plan      ready" in capsys.readouterr().out
    assert run(["doctor", "--for", "up", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert set(data["ready"]["up"]["blockers"]) == {
        "pulumi",
        "aws.identity",
        "gcp.identity",
        "aws.login",
        "gcp.login",
    }
    assert data["ready"]["plan"]["ok"]


def test_a_cloud_that_must_work_is_the_only_one_looked_at(offline, capsys):
    assert run(["doctor", "--for", "capacity", "--cloud", "aws", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["ready"]["capacity"]["blockers"] == ["aws.identity"]
    assert {one["cloud"] for one in data["checks"]} == {"", "aws"}


def test_wrong_verbs_and_profiles_are_usage_errors(offline, capsys):
    assert run(["doctor", "--for", "capcity"]) == 2
    assert 'did you mean "capacity"' in capsys.readouterr().err
    assert run(["doctor", "--profile", "absent"]) == 2
    assert "absent" in capsys.readouterr().err
    assert run(["doctor", "--for", "fit", "--cloud", "gcp"]) == 0


def test_a_working_account_is_ready_for_capacity(offline, monkeypatch, capsys, aws):
    double = aws()
    monkeypatch.setattr(boto3, "Session", lambda profile_name: double.session)
    assert run(["doctor", "--for", "capacity", "--cloud", "aws"]) == 0
    out = capsys.readouterr().out
    assert "account ********9012" in out
    assert "123456789012" not in out
