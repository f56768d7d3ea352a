"""Goldens as YAML files beside the tests, and programs recorded as a first preview, offline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from gpuyard.engine.answers import Registration
from gpuyard.engine.recorder import Recording, record
from gpuyard.engine.validate import validate
from gpuyard.resources import Resource


class YamlFile(SingleFileSnapshotExtension):
    """One ``.yaml`` file per golden, readable by kubectl."""

    _write_mode = WriteMode.TEXT
    file_extension = "yaml"

    def serialize(self, data: Any, **_: Any) -> str:
        return yaml.safe_dump_all(data, sort_keys=False, width=110)


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(YamlFile)


class FirstPreview:
    """Ids for providers alone; nothing else is known yet."""

    def register(self, resource: Resource, *, preview: bool) -> Registration:
        is_provider = resource.type.startswith("pulumi:providers:")
        return Registration(id=f"{resource.name}-id" if is_provider else "")

    def read(self, resource: Resource) -> Registration:
        raise AssertionError(f"{resource.type} was looked up")

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(f"{token} was called: a preview must need no cloud")


@dataclass
class Plan:
    """What a program asked for."""

    recording: Recording

    def one(self, name: str) -> Resource:
        found = [item for item in self.recording.resources if item.name == name]
        assert len(found) == 1, [item.name for item in self.recording.resources]
        return found[0]

    def children(self, parent: str) -> dict[str, str]:
        """Name to kind of the children of one resource."""
        urn = self.one(parent).urn
        return {
            item.name: item.type.rpartition(":")[2] for item in self.recording.resources if item.parent == urn
        }


@pytest.fixture
def preview() -> Callable[[Callable[[], object]], Plan]:
    """Records a program and checks that its inputs are ones that the provider SDKs know."""

    def run(program: Callable[[], object]) -> Plan:
        def call() -> None:
            program()

        recording = record(
            call, project="serving", stack="test", answers=FirstPreview(), root=Path(__file__).parent
        )
        assert validate(recording.resources) == []
        return Plan(recording)

    return run
