"""`gpuyard capacity` as a user types it."""

import json
import shutil
from pathlib import Path

import pytest

from gpuyard.cli.main import run

ROOT = Path(__file__).parents[2]
H100 = ["capacity", "--gpu", "h100-80gb", "--count", "8"]


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]):
    def ask(*arguments: str) -> dict:
        code = run([*arguments, "--format", "json"])
        document = json.loads(capsys.readouterr().out)
        document["exit"] = code
        return document

    return ask


def test_eight_h100_anywhere(answer):
    found = answer(*H100)
    assert found["exit"] == 0
    assert found["schema"] == "gpuyard.capacity/v1"
    assert found["live"] is None
    assert "ec2:DescribeSpotPriceHistory" in found["would_ask"]
    assert len(found["rungs"]) > 36
    assert found["candidates"] >= len(found["rungs"])
    assert [rung["rung"] for rung in found["rungs"]] == list(range(1, len(found["rungs"]) + 1))
    first = found["rungs"][0]
    assert first["reason"]
    assert first["odds"]["probability_basis"].startswith("guess")
    assert first["quota"]["verdict"] == "unknown"
    assert first["quota"]["limits"][0]["limit"] is None
    assert all(item["reason"] and item["rules"] for item in found["excluded"])


def test_quota_requests_are_commands_and_api_bodies(answer):
    found = answer(*H100, "--region", "us-east-1", "--purchase", "on-demand")
    (ask,) = found["quota_requests"]
    assert ask["command"] == (
        "aws service-quotas request-service-quota-increase --service-code ec2"
        " --quota-code L-417A185B --desired-value 192 --region us-east-1"
    )
    assert ask["request"]["parameters"] == {
        "ServiceCode": "ec2",
        "QuotaCode": "L-417A185B",
        "DesiredValue": 192,
    }


def test_google_quota_is_asked_by_family(answer):
    found = answer(*H100, "--region", "us-central1", "--purchase", "on_demand")
    families = [ask for ask in found["quota_requests"] if ask["gpu_family"]]
    assert families[0]["request"]["parameters"]["dimensions"] == {
        "region": "us-central1",
        "gpu_family": "NVIDIA_H100",
    }
    assert {ask["quota_id"] for ask in found["quota_requests"]} == {
        "GPUS-PER-GPU-FAMILY-per-project-region",
        "GPUS-ALL-REGIONS-per-project",
    }


def test_an_impossible_demand_names_the_constraint_and_the_smallest_change(answer):
    found = answer(*H100, "--region", "us-east-1", "--max-usd-per-gpu-hour", "1")
    assert found["exit"] == 1
    (nothing,) = found["impossible"]
    assert {"rule": "usd_per_gpu_hour_max", "excludes": 24} in nothing["constraints"]
    assert nothing["relaxations"][0]["rules"] == ["usd_per_gpu_hour_max"]
    assert nothing["relaxations"][0]["change"].startswith("raise usd_per_gpu_hour_max to 2.")


def test_the_change_that_was_named_does_help(answer):
    found = answer(*H100, "--region", "us-east-1", "--max-usd-per-gpu-hour", "1")
    limit = found["impossible"][0]["relaxations"][0]["change"].rsplit(" ", 1)[1]
    assert answer(*H100, "--region", "us-east-1", "--max-usd-per-gpu-hour", limit)["exit"] == 0


def test_a_region_without_the_gpu_is_pointed_to_one_with_it(answer):
    found = answer("capacity", "--gpu", "b300", "--cloud", "gcp")
    assert found["exit"] == 1
    assert found["impossible"][0]["relaxations"][0]["change"] == "allow us-west-2 of aws"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("us-east-1", "more than the first"),
        ("use1-az6", "more than the first"),
        ("p5.4xlarge", "has 1 h100-sxm, one replica takes 8 on a node"),
        ("eu-central-1", "sells no machine type with h100-sxm"),
        ("capacity_block", "blocks are found with"),
        ("g6.xlarge", "has l4, not h100-sxm"),
        ("b200", "is not among the accelerators"),
    ],
)
def test_why_not(words, says, answer):
    found = answer(*H100, "--why-not", words)
    assert any(says in one["reason"] for one in found["why_not"][0]["answers"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--gpu", "h1000"], "did you mean"),
        (["--gpu", "h100", "--region", "us-east1-b"], "is no region"),
        (["--gpu", "h100", "--why-not", "us-eest-1"], "did you mean"),
        (["--gpu", "h100", "--purchase", "sport"], 'did you mean "spot"'),
        (["--gpu", "h100", "--residency", "atlantis"], "is no place"),
        (["--gpu", "h100", "--evidence", "missing.json"], "is not there"),
        (["--gpu", "h100", "-s", "dev"], "not both"),
    ],
)
def test_bad_input_is_named_with_a_way_out(arguments, says, capsys):
    assert run(["capacity", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_text_for_people(capsys):
    assert run([*H100, "--region", "us-east-1", "--purchase", "on_demand"]) == 0
    text = capsys.readouterr().out
    assert "8 x h100-sxm per replica" in text
    assert "from the catalog, no cloud asked" in text
    assert "--live would ask" in text
    table = [line for line in text.splitlines() if "p5.48xlarge" in line and "on_demand" in line]
    assert max(len(line) for line in table) < 120


def test_a_stack_with_its_lock_and_its_failures(tmp_path, answer):
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    memory = tmp_path / "stacks" / "capacity.staging.failures.yaml"
    memory.write_text(
        "version: 1\nstack: staging\nfailures:\n"
        "- class: quota\n  scope: {cloud: aws, region: us-east-1, machine_type: g6e.12xlarge}\n"
        "  since: 2026-11-26T15:00:00Z\n  until: changed\n  evidence: VcpuLimitExceeded\n",
        encoding="utf-8",
    )
    found = answer("capacity", "-s", "staging", "--directory", str(tmp_path))
    assert found["exit"] == 0
    assert found["findings"] == []
    assert sum(rung["active"] for rung in found["rungs"]) == 1
    assert found["failures"][0]["class"] == "quota"
    blocked = [rung for rung in found["rungs"] if rung["blocked"]]
    assert {(rung["region"], rung["machine_type"]) for rung in blocked} == {("us-east-1", "g6e.12xlarge")}
    free = [rung["rung"] for rung in found["rungs"] if not rung["blocked"]]
    assert found["next"] == [{"endpoint": "chat", "rung": free[0]}]
    assert free[0] > 1


def test_an_existing_cluster_has_no_ladder(capsys):
    assert run(["capacity", "-s", "local", "--directory", str(ROOT)]) == 0
    assert "there is no ladder" in capsys.readouterr().out
