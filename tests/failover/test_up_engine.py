"""`gpuyard up` under the real Pulumi engine, with provider plugins that fail as scripted."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuyard.capacity.lock import lock_file_name, make_lock, read_lock, render_lock
from gpuyard.engine.project import find_project
from gpuyard.failover.memory_file import memory_file_name, read_memory
from gpuyard.simulate.pulumi_cli import PulumiCli, copy_project
from gpuyard.stack.demands import make_ladders
from gpuyard.stack.spec import parse_deployment

from .deployments import DEPLOYMENT, refuse

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="no pulumi on PATH"),
]
REPOSITORY = Path(__file__).parents[2]
POOLS = ("aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool")


class Project:
    """One stack in a folder of its own, with a backend and simulated clouds."""

    def __init__(self, folder: Path, deployment: dict[str, Any] = DEPLOYMENT) -> None:
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
        """What the clouds refuse from now on."""
        self.scenario.write_text(yaml.safe_dump({"rules": list(rules)}), encoding="utf-8")

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

    def pools(self) -> list[str]:
        resources = self.pulumi.export(self.root, "prod")["deployment"]["resources"]
        return [item["urn"] for item in resources if item["type"] in POOLS and "system" not in item["urn"]]

    def first(self):
        return read_lock(self.lock_path).endpoints["chat"].rungs[0]


def test_a_stockout_moves_the_stack_to_the_next_rung(tmp_path):
    project = Project(tmp_path)
    first = project.first()
    project.script(refuse(first.machine_type, first.region))
    code, result, lines = project.up()
    assert code == 0, lines
    assert result["outcome"] == "serving"
    assert [[r["class"] for r in t["refusals"]] for t in result["tries"]] == [["stockout"], []]
    assert len(project.pools()) == 1
    assert read_lock(project.lock_path).endpoints["chat"].active == result["rungs"]["chat"] != 0
    (failure,) = read_memory(project.stacks / memory_file_name("prod")).memory.failures
    assert failure.scope.region == first.region
