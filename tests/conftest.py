"""What all tests share: how Hypothesis is used, and programs run as a first preview would, offline."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from gpuyard.engine.answers import Registration
from gpuyard.engine.recorder import Recording, record
from gpuyard.engine.validate import validate
from gpuyard.resources import Resource

# a busy machine is no failure, and CI tries the same examples each time
settings.register_profile(
    "gpuyard",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("gpuyard")


@dataclass
class FirstPreview:
    """Ids for providers alone; for a type that a test wants known, ids and these outputs."""

    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def register(self, resource: Resource, *, preview: bool) -> Registration:
        known = resource.type.startswith("pulumi:providers:") or resource.type in self.outputs
        return Registration(
            id=f"{resource.name}-id" if known else "", outputs=self.outputs.get(resource.type, {})
        )

    def read(self, resource: Resource) -> Registration:
        raise AssertionError(f"{resource.type} was looked up")

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(f"{token} was called: a preview must need no cloud")


@dataclass
class Plan:
    """What a program asked for."""

    recording: Recording

    def of(self, kind: str) -> list[Resource]:
        """Resources whose type ends with ``kind``, by URN."""
        return [item for item in self.recording.resources if item.type.endswith(f":{kind}")]

    def one(self, kind: str, name: str | None = None) -> Resource:
        found = [item for item in self.of(kind) if name in (None, item.name)]
        assert len(found) == 1, [item.name for item in found]
        return found[0]

    def named(self, name: str) -> Resource:
        found = [item for item in self.recording.resources if item.name == name]
        assert len(found) == 1, [item.name for item in self.recording.resources]
        return found[0]

    def children(self, parent: str) -> dict[str, str]:
        """Name to kind of the children of one resource."""
        urn = self.named(parent).urn
        return {
            item.name: item.type.rpartition(":")[2] for item in self.recording.resources if item.parent == urn
        }

    def tree(self) -> list[str]:
        """``parent > type name`` of every resource."""
        names = {item.urn: item.name for item in self.recording.resources}
        return sorted(
            f"{names.get(item.parent or '', '')} > {item.type.rpartition(':')[2]} {item.name}"
            for item in self.recording.resources
        )


@pytest.fixture
def preview() -> Callable[..., Plan]:
    """Records a program and checks that its inputs are ones that the provider SDKs know."""

    def run(program: Callable[[], object], outputs: Mapping[str, Mapping[str, Any]] | None = None) -> Plan:
        def call() -> None:
            program()

        answers = FirstPreview(outputs or {})
        root = Path(__file__).parent
        recording = record(call, project="clouds", stack="test", answers=answers, root=root)
        assert validate(recording.resources) == []
        return Plan(recording)

    return run
