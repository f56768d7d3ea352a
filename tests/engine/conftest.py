"""Clouds that hold nothing yet, and programs recorded against them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gpuyard.engine.answers import Registration
from gpuyard.engine.recorder import Recording, record
from gpuyard.errors import EngineError
from gpuyard.resources import Resource


@dataclass
class Clouds:
    """Ids for providers alone, outputs by type, results by function; any other function is unknown."""

    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def register(self, resource: Resource, *, preview: bool) -> Registration:
        known = not preview or resource.type.startswith("pulumi:providers:") or resource.type in self.outputs
        return Registration(
            id=f"{resource.name}-id" if known else "",
            outputs=self.outputs.get(resource.type, {}),
            failed=resource.name in self.failing,
        )

    def read(self, resource: Resource) -> Registration:
        return Registration(id=resource.id or "", outputs=self.outputs.get(resource.type, {}))

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((token, args))
        if token not in self.functions:
            raise EngineError(f"no answer is known for the function {token}")
        return self.functions[token]


@pytest.fixture
def recorded() -> Callable[..., Recording]:
    """Records a program of this folder as a first preview."""

    def run(program: Callable[[], object] | Path, **options: Any) -> Recording:
        clouds = options.pop("answers", None) or Clouds()
        root = options.pop("root", Path(__file__).parent)
        settings = {"project": "demo", "stack": "test", **options}
        return record(program, answers=clouds, root=root, **settings)

    return run


def one(recording: Recording, name: str) -> Resource:
    """The resource of that name."""
    found = [item for item in recording.resources if item.name == name]
    assert len(found) == 1, [item.name for item in recording.resources]
    return found[0]
