"""`gpuyard demo` without an engine: what it prints, writes and refuses."""

import json
import shutil
from pathlib import Path

import pytest

from gpuyard.cli import demo_engines
from gpuyard.cli.main import run
from gpuyard.engine.project import find_project
from gpuyard.simulate.pulumi_cli import PLACEHOLDER, copy_project

REPOSITORY = Path(__file__).parents[2]
DEMO = ("demo", "--engine", "in-process", "-s", "dev")


def test_a_stack_goes_up_and_down_and_is_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(REPOSITORY / "tests" / "simulate")
    folder = tmp_path / "new" / "report"
    assert run([*DEMO, "--output", str(folder)]) == 0
    told = capsys.readouterr().out
    stages = [line.split("  ")[0].split()[0] for line in told.splitlines()[2:6]]
    assert stages == ["preview", "up", "refresh", "destroy"]
    assert "refresh   no changes" in told
    assert "of simulated time" in told
    assert "MONEY" in told
    assert f"report.json, report.md, report.html written to {folder}" in told
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["stack"] == "dev"
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!")


def test_the_answer_as_json_has_the_progress_beside_it(tmp_path, capsys):
    assert run([*DEMO, "--directory", str(REPOSITORY), "--output", str(tmp_path), "--format", "json"]) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["schema"] == "gpuyard.demo/v1"
    assert document["engine"] == "in-process"
    counts = {stage["operation"]: stage["counts"] for stage in document["stages"]}
    assert counts["up"] == counts["preview"]
    assert set(counts["refresh"]) == {"same"}
    assert counts["destroy"]["delete"] == counts["up"]["create"]
    assert all(stage["failures"] == [] for stage in document["stages"])
    assert "as asked: the in-process engine" in told.err


def test_outside_any_project_the_example_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(list(DEMO)) == 0
    assert "project gpuyard" in capsys.readouterr().out
    assert (tmp_path / "gpuyard-demo" / "report.md").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-s", "pord"], 'did you mean "prod"'),
        (["--output", "/dev/null/x"], "cannot be written"),
        (["--engine", "terraform"], "is not one of"),
        (["--directory", "/nowhere-at-all", "-s", "absent"], 'there is no stack "absent"'),
    ],
)
def test_bad_input_is_told_before_anything_runs(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    output = [] if "--output" in arguments else ["--output", str(tmp_path / "out")]
    assert run(["demo", *output, *arguments]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert "to create" not in told.out
    assert not (tmp_path / "out").exists()


def test_the_real_engine_cannot_be_asked_for_where_there_is_none(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["demo", "--engine", "pulumi", "--output", str(tmp_path / "out")]) == 3
    assert "pulumi is not on PATH" in capsys.readouterr().err


def test_a_stack_with_errors_is_not_deployed(tmp_path, capsys):
    shutil.copytree(REPOSITORY / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Pulumi.yaml", tmp_path)
    lock = tmp_path / "stacks" / "capacity.dev.lock.yaml"
    lock.unlink()
    assert run([*DEMO, "--directory", str(tmp_path), "--output", str(tmp_path / "out")]) in (1, 2)
    told = capsys.readouterr()
    assert "lock" in told.err
    assert "created" not in told.out
    assert not (tmp_path / "out").exists()


def test_an_interrupt_leaves_nothing_behind(tmp_path, capsys, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_engines, "_in_process", interrupted)
    assert run([*DEMO, "--directory", str(REPOSITORY), "--output", str(tmp_path / "out")]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_of_the_stack_is_played_and_a_refusal_exits_3(tmp_path, capsys):
    shutil.copytree(REPOSITORY / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Pulumi.yaml", tmp_path)
    rule = (
        "rules: [{when: {type: 'gcp:container/nodePool:*', name: '*chat*'}, fail: insufficient_capacity}]\n"
    )
    (tmp_path / "stacks" / "clouds.dev.yaml").write_text(rule, encoding="utf-8")
    assert run([*DEMO, "--directory", str(tmp_path), "--output", str(tmp_path / "out")]) == 3
    told = capsys.readouterr().out
    assert "[GCE_STOCKOUT]" in told
    assert "refresh" not in told.split("MONEY")[0]
    assert "destroy" in told


def test_a_plan_takes_the_answers_of_the_stack(tmp_path, capsys):
    (tmp_path / "Pulumi.yaml").write_text("{name: shop, runtime: python}\n", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {aws:region: eu-west-1}\n", encoding="utf-8")
    program = "import pulumi_aws as aws\naws.ec2.Subnet('s', vpc_id=aws.ec2.get_vpc(id='vpc-1').id)\n"
    (tmp_path / "__main__.py").write_text(program, encoding="utf-8")
    assert run(["plan", "-s", "dev", "--directory", str(tmp_path)]) == 3
    assert "give its answer in clouds.<stack>.yaml" in capsys.readouterr().err
    answer = "answers: [{function: 'aws:ec2/getVpc:getVpc', args: {id: vpc-1}, result: {id: vpc-1}}]\n"
    (tmp_path / "clouds.dev.yaml").write_text(answer, encoding="utf-8")
    assert run(["plan", "-s", "dev", "--directory", str(tmp_path), "--format", "json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["resources"][0]["inputs"]["vpcId"] == "vpc-1"


def test_encrypted_config_does_not_stop_a_rehearsal(tmp_path, capsys):
    shutil.copytree(REPOSITORY / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Pulumi.yaml", tmp_path)
    file = tmp_path / "stacks" / "Pulumi.prod.yaml"
    secret = "encryptionsalt: v1:a:b\nconfig:\n  gpuyard:huggingFaceToken: {secure: v1:a:b}\n"
    file.write_text(file.read_text(encoding="utf-8").replace("config:\n", secret, 1), encoding="utf-8")
    arguments = ["demo", "--engine", "in-process", "--directory", str(tmp_path), "--output", str(tmp_path)]
    assert run([*arguments, "--format", "json"]) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert set(stages[1]["counts"]) == {"create"}

    copied = copy_project(find_project(tmp_path), tmp_path / "copy")
    text = (copied / "stacks" / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    assert "secure" not in text
    assert "encryptionsalt" not in text
    assert f"huggingFaceToken: {PLACEHOLDER}" in text
    assert "secure" in file.read_text(encoding="utf-8")
