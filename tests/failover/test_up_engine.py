"""`gpuyard up` under the real Pulumi engine, with provider plugins that fail as scripted."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuyard.capacity.lock import lock_file_name
from gpuyard.capacity.lock_file import read_lock, render_lock
from gpuyard.capacity.lock_making import make_lock
from gpuyard.engine.project import find_project
from gpuyard.failover.automation import PulumiEngine
from gpuyard.failover.memory_file import memory_file_name, read_memory
from gpuyard.failover.naming import names_of
from gpuyard.leadtime.measured import measured_file_name, read_measured
from gpuyard.simulate.pulumi_cli import PulumiCli, copy_project
from gpuyard.stack.demands import make_ladders
from gpuyard.stack.spec import parse_deployment

from .deployments import DEPLOYMENT, refuse

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="no pulumi on PATH"),
]
REPOSITORY = Path(__file__).parents[2]
LIMIT_S = 40
CLUSTERS = ("gpuyard:index:EksGpuCluster", "gpuyard:index:GkeGpuCluster")
POOLS = ("aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool")


class Project:
    """One stack in a folder of its own, with a backend and simulated clouds."""

    def __init__(self, folder: Path) -> None:
        deployment = {**DEPLOYMENT, "failover": {"probe": False}}
        self.root = copy_project(find_project(REPOSITORY), folder)
        self.stacks = self.root / "stacks"
        for file in self.stacks.glob("*.yaml"):
            file.unlink()
        settings = {"config": {"gpuyard:deployment": deployment}}
        (self.stacks / "Pulumi.prod.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.lock_path = self.stacks / lock_file_name("prod")
        ladders = make_ladders(parse_deployment(deployment), self.stacks)
        self.lock_path.write_text(render_lock(make_lock("prod", ladders, "2026-11-26")), encoding="utf-8")
        self.scenario = folder / "scenario.yaml"
        self.script()
        self.pulumi = PulumiCli(folder, scenario=self.scenario)

    def script(self, *rules: dict[str, Any]) -> None:
        """What the clouds refuse from now on; an hour of theirs passes in half a second."""
        text = yaml.safe_dump({"rules": list(rules), "speed": 7200})
        self.scenario.write_text(text, encoding="utf-8")

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [
            str(Path(sys.executable).parent / "gpuyard"),
            "up",
            "-s",
            "prod",
            "--yes",
            "--format",
            "json",
            *options,
        ]
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.pulumi.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def up(self, *options: str) -> tuple[int, dict[str, Any], str]:
        process = self.start(*options)
        out, err = process.communicate(timeout=300)
        return process.returncode, json.loads(out) if out.strip() else {}, err

    def standing(self, *types: str) -> list[str]:
        """Names of resources of these types in the state, without system pools."""
        resources = self.pulumi.export(self.root, "prod")["deployment"]["resources"]
        names = [item["urn"].rpartition("::")[2] for item in resources if item["type"] in types]
        return sorted(name for name in names if "system" not in name)

    @property
    def memory(self):
        return read_memory(self.stacks / memory_file_name("prod")).memory

    def first(self):
        return read_lock(self.lock_path).endpoints["chat"].rungs[0]


def slow(machine: str, region: str) -> dict[str, Any]:
    """A rule: machines take a month, six minutes here."""
    return {"when": {"machine_type": machine, "region": region, "operation": "create"}, "takes": "30d"}


def test_a_stockout_moves_the_stack_to_the_next_rung(tmp_path):
    project = Project(tmp_path)
    first = project.first()
    project.script(refuse(first.machine_type, first.region))
    code, result, lines = project.up()
    assert code == 0, lines
    assert result["outcome"] == "serving"
    assert [[r["class"] for r in t["refusals"]] for t in result["tries"]] == [["stockout"], []]
    assert len(project.standing(*POOLS)) == 1
    assert read_lock(project.lock_path).endpoints["chat"].active == result["rungs"]["chat"] != 0
    (failure,) = project.memory.failures
    assert failure.scope.region == first.region
    measured = read_measured(project.stacks / measured_file_name("prod"))
    assert measured, "durations were recorded"


def test_refused_everywhere_nothing_stays_and_the_next_run_asks_nobody(tmp_path):
    project = Project(tmp_path)
    project.script(refuse(region="*", fail="quota_exceeded"))
    code, result, lines = project.up()
    assert code == 3, lines
    assert result["outcome"] == "exhausted"
    assert [[r["class"] for r in t["refusals"]] for t in result["tries"]] == [["quota"], ["quota"]]
    assert project.standing(*POOLS, *CLUSTERS) == []
    code, result, lines = project.up()
    assert (code, result["tries"]) == (3, []), lines


def test_interrupted_it_finishes_what_is_in_flight_and_goes_on_later(tmp_path):
    project = Project(tmp_path)
    first = project.first()
    project.script(slow(first.machine_type, first.region))
    process = project.start()
    lines = []
    for line in process.stderr or ():
        lines.append(line)
        if "create aws:eks/nodeGroup:NodeGroup" in line and "-chat-" in line:
            break
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=120)
    assert process.returncode == 130, "".join(lines) + rest
    assert json.loads(out)["outcome"] == "interrupted"
    assert len(project.standing(*CLUSTERS)) == 1, "the state has what was made"
    assert read_lock(project.lock_path).endpoints["chat"].active == 0
    project.script()
    code, result, err = project.up()
    assert (code, result["rungs"]) == (0, {"chat": 0}), err
    assert len(project.standing(*POOLS)) == 1


def test_a_try_is_cut_at_its_limit_and_its_cluster_kept_or_removed_as_asked(tmp_path, monkeypatch):
    project = Project(tmp_path)
    first = project.first()
    project.script(slow(first.machine_type, first.region))
    for key, value in project.pulumi.environment.items():
        monkeypatch.setenv(key, value)
    lock = read_lock(project.lock_path)
    engine = PulumiEngine(
        directory=str(project.root),
        stack="prod",
        names=names_of("prod", lock),
        active=lambda: {"chat": 0},
        report=lambda line: None,
        keeps_clusters=True,
    )
    began = time.monotonic()
    attempt = engine.up(LIMIT_S)
    assert time.monotonic() - began < LIMIT_S + 30
    assert attempt.is_timed_out
    assert attempt.errors == (), "the cancellation itself is nobody's refusal"
    assert len(project.standing(*CLUSTERS)) == 1
    # the next rung lies in another region; the first cluster stays, without machines
    index = next(i for i, rung in enumerate(lock.endpoints["chat"].rungs) if rung.region != first.region)
    endpoints = {"chat": lock.endpoints["chat"].model_copy(update={"active": index})}
    text = render_lock(lock.model_copy(update={"endpoints": endpoints}))
    project.lock_path.write_text(text, encoding="utf-8")
    engine._active = lambda: {"chat": index}
    attempt = engine.up(300)
    assert attempt.errors == ()
    assert attempt.ready == {"chat"}
    assert len(project.standing(*CLUSTERS)) == 2
    assert len(project.standing(*POOLS)) == 1
    assert engine.remove({"chat": index}, keeps_clusters=False) == ""
    assert len(project.standing(*CLUSTERS)) == 1
    assert len(project.standing(*POOLS)) == 1


def test_a_refusal_that_is_heard_while_the_group_hangs_cuts_the_try(tmp_path, monkeypatch):
    project = Project(tmp_path)
    first = project.first()
    project.script(slow(first.machine_type, first.region))
    for key, value in project.pulumi.environment.items():
        monkeypatch.setenv(key, value)
    asked = []

    def hear(machines):
        asked.append(machines)
        return ["You have requested more vCPU capacity than your current vCPU limit of 0 allows"]

    engine = PulumiEngine(
        directory=str(project.root),
        stack="prod",
        names=names_of("prod", read_lock(project.lock_path)),
        active=lambda: {"chat": 0},
        report=lambda line: None,
        watching=hear,
        watch_every_s=0.5,
    )
    began = time.monotonic()
    attempt = engine.up(300)
    assert time.monotonic() - began < 120, "long before its limit"
    ((urn, text),) = attempt.errors
    assert (attempt.is_timed_out, attempt.is_interrupted) == (False, False)
    assert "vCPU limit of 0" in text
    assert urn == asked[0].urn
    assert (asked[0].cloud, bool(asked[0].name), bool(asked[0].cluster)) == ("aws", True, True)
    assert asked[0].name.startswith("prod-aws-us-east-1-chat")
