"""The example stacks under the real Pulumi engine, on the simulated providers: from nothing to nothing."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuyard.cli.main import run
from gpuyard.engine.project import find_project
from gpuyard.planner import plan_program
from gpuyard.simulate.pulumi_cli import EngineRun, PulumiCli, copy_project, find_pulumi
from gpuyard.simulate.store import state_file
from gpuyard.stack.reporting import summarize

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(find_pulumi() is None, reason="the pulumi CLI is not on PATH"),
]
REPOSITORY = Path(__file__).parents[2]
SOLD_OUT = """\
description: the first GPU pool that is asked for finds no machine
rules:
- when: {type: ["aws:eks/nodeGroup:*", "gcp:container/nodePool:*"], name: "*chat*", operation: create}
  fail: insufficient_capacity
  takes: 2s
  times: 1
"""
MOVED = {
    "dev": ("gcp:container/nodePool:NodePool", 'props["nodeConfig"]["spot"] = False'),
    "prod": ("aws:eks/nodeGroup:NodeGroup", 'props["amiType"] = "BOTTLEROCKET_x86_64_NVIDIA"'),
}
"""By stack: the type of its GPU pool, and a change that the provider answers with a replacement."""
PROGRAM = """\
import pulumi
from inference import build

def change(args):
    props = args.props
    if args.type_ == "{type}" and "chat" in args.name:
        {change}
    return pulumi.ResourceTransformResult(props, args.opts)

pulumi.runtime.register_resource_transform(change)
build()
"""


class Lane:
    """One stack with an engine and clouds of its own."""

    def __init__(self, folder: Path, stack: str) -> None:
        self.stack = stack
        scenario = folder / "sold-out.yaml"
        scenario.write_text(SOLD_OUT, encoding="utf-8")
        self.cli = PulumiCli(folder, scenario=scenario)
        self.root = copy_project(find_project(REPOSITORY), folder)
        self.cli.make_stack(self.root, stack)
        self.state = state_file(self.cli.state, "gpuyard", stack)

    def run(self, operation: str, *flags: str) -> EngineRun:
        return self.cli.run(self.root, self.stack, operation, *flags)

    def pools(self) -> list[str]:
        """Ids of the GPU pools that the clouds hold."""
        records = json.loads(self.state.read_text(encoding="utf-8"))["resources"].values()
        return sorted(
            item["id"] for item in records if item["type"] == MOVED[self.stack][0] and "chat" in item["name"]
        )


@pytest.fixture(params=["dev", "prod"])
def lane(request, tmp_path: Path) -> Iterator[Lane]:
    made = Lane(tmp_path, request.param)
    yield made
    shutil.rmtree(tmp_path, ignore_errors=True)


def reported(lane):
    """What the deployed program says of itself, in its stack output."""
    states = lane.cli.export(lane.root, lane.stack)["deployment"]["resources"]
    (stack,) = [item for item in states if item["type"] == "pulumi:pulumi:Stack"]
    return stack["outputs"]["report"]


def test_a_stack_is_previewed_made_resumed_refreshed_replaced_and_destroyed(lane):
    preview = lane.run("preview")
    assert preview.failures == ()
    number = preview.counts["create"]
    assert number > 30
    assert not lane.state.exists()

    first = lane.run("up")
    words = "\n".join(first.failures)
    assert "InsufficientInstanceCapacity" in words or "GCE_STOCKOUT" in words
    assert lane.pools() == []
    made = first.counts["create"]

    resumed = lane.run("up")
    assert resumed.failures == ()
    assert resumed.counts["create"] == number - made
    (pool,) = lane.pools()
    assert reported(lane) == summarize(plan_program(REPOSITORY, lane.stack).report)

    refreshed = lane.run("refresh", "--expect-no-changes")
    assert refreshed.failures == ()
    assert not refreshed.changed

    state = json.loads(lane.state.read_text(encoding="utf-8"))
    namespace = next(item for item in state["resources"].values() if item["type"].endswith(":Namespace"))
    namespace["properties"]["metadata"]["labels"] = {"somebody": "else"}
    lane.state.write_text(json.dumps(state), encoding="utf-8")
    assert lane.run("refresh").changed

    type_, change = MOVED[lane.stack]
    program = lane.root / "stacks" / "__main__.py"
    program.write_text(PROGRAM.format(type=type_, change=change), encoding="utf-8")
    moved = lane.run("up")
    assert moved.failures == ()
    assert moved.counts["replace"] == 1
    (successor,) = lane.pools()
    assert successor != pool
    assert not lane.run("refresh", "--expect-no-changes").changed

    gone = lane.run("destroy")
    assert gone.failures == ()
    assert json.loads(lane.state.read_text(encoding="utf-8"))["resources"] == {}
    assert lane.cli.export(lane.root, lane.stack)["deployment"].get("resources", []) == []


def test_the_demo_runs_on_the_real_engine(tmp_path, capsys):
    arguments = ["demo", "-s", "dev", "--directory", str(REPOSITORY), "--output", str(tmp_path / "out")]
    assert run([*arguments, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["engine"] == "pulumi"
    assert [stage["operation"] for stage in document["stages"]] == ["preview", "up", "refresh", "destroy"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]
    files = (REPOSITORY / "stacks" / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert "encryptionsalt" not in files


def test_the_engine_tells_what_is_wrong_without_a_traceback(tmp_path):
    lane = Lane(tmp_path, "dev")
    file = lane.root / "stacks" / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("purchases: [spot]", "purchases: [spot]\n      end: 2099-01-01"), encoding="utf-8"
    )
    words = "\n".join(lane.run("preview").failures)
    assert "LOCK_STALE" in words  # the day was understood: it is another demand
    assert "Traceback" not in words
