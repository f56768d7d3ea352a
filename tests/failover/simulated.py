"""The engine of the loop on simulated clouds, in-process: the very program, its lock, simulated time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi

from gpuyard.capacity.lock import lock_file_name
from gpuyard.capacity.lock_file import read_lock, render_lock
from gpuyard.capacity.lock_making import make_lock
from gpuyard.failover.candidate import candidates_of
from gpuyard.failover.loop import make_state
from gpuyard.failover.memory_file import memory_file_name, read_memory
from gpuyard.failover.naming import leftovers, names_of, serving_rungs, standing_places
from gpuyard.failover.runner import Attempt, Clock, Runner
from gpuyard.failover.settings import settings_of
from gpuyard.simulate.clouds import Clouds
from gpuyard.simulate.deployment import SimulatedStack
from gpuyard.simulate.scenario import parse_scenario
from gpuyard.stack.demands import make_ladders
from gpuyard.stack.inference_stack import InferenceStack
from gpuyard.stack.spec import parse_deployment

STACK = "prod"
START = 1_795_000_000.0


class Deployment:
    """One project in a temporary folder, its lock, and simulated clouds that follow ``rules``."""

    def __init__(self, folder: Path, deployment: dict[str, Any], *rules: dict[str, Any]) -> None:
        self.folder, self.data = folder, deployment
        self.spec = parse_deployment(deployment)
        self.lock_path = folder / lock_file_name(STACK)
        self.memory_path = folder / memory_file_name(STACK)
        lock = make_lock(STACK, make_ladders(self.spec, folder), "2026-11-26")
        self.lock_path.write_text(render_lock(lock), encoding="utf-8")
        self.seconds = 0.0
        self.lines: list[str] = []
        self.fails: tuple[tuple[str, str], ...] = ()
        """URNs and messages of what fails besides, on every try."""
        self.looks: dict[int, str] = {}
        """What is looked up against a rung."""
        self.clouds = Clouds(scenario=parse_scenario({"rules": list(rules)}))
        self.simulated = SimulatedStack(
            self.program, project="gpuyard", stack=STACK, root=folder, clouds=self.clouds
        )

    def program(self) -> None:
        lock = read_lock(self.lock_path).model_dump(mode="json")
        made = InferenceStack(STACK, {"deployment": self.data, "lock": lock, "directory": str(self.folder)})
        pulumi.export("endpoints", made.endpoints)

    def run(self, *, stop_after: int = 0, **changes: Any):
        """One run of the loop, as `gpuyard up` makes it."""
        from dataclasses import replace

        lock = read_lock(self.lock_path)
        names = names_of(STACK, lock)
        ladders = candidates_of(lock, START + self.seconds)
        active = {name: item.active for name, item in lock.endpoints.items()}
        resources = self.resources()
        state = make_state(
            ladders,
            active,
            settings=replace(settings_of(self.spec), probes=bool(self.looks), **changes),
            memory=read_memory(self.memory_path).memory,
            serving=serving_rungs(names, active, resources),
            places=standing_places(names, ladders, resources),
        )
        runner = Runner(
            stack=STACK,
            lock=lock,
            lock_path=self.lock_path,
            memory_path=self.memory_path,
            names=names,
            engine=SimulatedEngine(self, names, stop_after),
            clock=Clock(now=lambda: START + self.seconds, wait=self.wait),
            report=self.lines.append,
        )
        return runner.run(state)

    def wait(self, seconds: float) -> bool:
        self.seconds += seconds
        return False

    def resources(self) -> list[dict[str, Any]]:
        """The state as Pulumi exports it."""
        return [
            {
                "urn": urn,
                "type": item.resource.type,
                "id": item.id,
                "parent": item.resource.parent,
            }
            for urn, item in self.simulated.deployed.items()
        ]

    def pools(self) -> list[str]:
        """Node groups and pools of GPUs that stand, by name."""
        kinds = ("aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool")
        return sorted(
            item["urn"].rpartition("::")[2]
            for item in self.resources()
            if item["type"] in kinds and "system" not in item["urn"].rpartition("::")[2]
        )

    def active(self) -> dict[str, int]:
        return {name: item.active for name, item in read_lock(self.lock_path).endpoints.items()}


class SimulatedEngine:
    """Tries on the simulated stack; every try moves the simulated clock."""

    def __init__(self, deployment: Deployment, names: Any, stop_after: int = 0) -> None:
        self.deployment, self.names, self.stop_after = deployment, names, stop_after
        self.tries = 0

    def up(self, limit_s: float) -> Attempt:
        self.tries += 1
        outcome = self.deployment.simulated.up(at=self.deployment.seconds)
        late = outcome.seconds > limit_s
        end = outcome.begin + limit_s
        self.deployment.seconds += min(outcome.seconds, limit_s)
        errors = tuple((step.urn, str(step.error)) for step in outcome.failures if step.end <= end)
        pending = [step.urn for step in outcome.steps if step.end > end]
        active = self.deployment.active()
        found = serving_rungs(self.names, active, self.deployment.resources(), pending)
        return Attempt(
            errors=errors + self.deployment.fails,
            is_timed_out=late,
            is_interrupted=self.tries == self.stop_after,
            ready=frozenset(name for name, index in found.items() if active[name] == index),
        )

    def remove(self, kept, *, keeps_clusters: bool) -> str:
        simulated = self.deployment.simulated
        urns = leftovers(self.names, kept, self.deployment.resources(), keeps_clusters=keeps_clusters)
        simulated._delete({urn: simulated.deployed[urn] for urn in urns}, self.deployment.seconds)
        self.deployment.seconds += 600
        return ""

    def probe(self, selection) -> dict[str, str]:
        looks = self.deployment.looks
        return {name: looks[item.rung] for name, item in selection.items() if item.rung in looks}


Make = Callable[..., Deployment]
