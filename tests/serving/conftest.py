"""Goldens as YAML files beside the tests."""

from typing import Any

import pytest
import yaml
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class YamlFile(SingleFileSnapshotExtension):
    """One ``.yaml`` file per golden, readable by kubectl."""

    _write_mode = WriteMode.TEXT
    file_extension = "yaml"

    def serialize(self, data: Any, **_: Any) -> str:
        return yaml.safe_dump_all(data, sort_keys=False, width=110)


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(YamlFile)
