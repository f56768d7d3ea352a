"""Resources by hand, as a recording would hold them. Synthetic: no account, no project of anyone."""

from typing import Any

import pytest

from gpuyard.resources import Resource

PREFIX = "urn:pulumi:test::test::"


def make_resource(kind: str, name: str = "it", /, region: str = "", **inputs: Any) -> Resource:
    if region:
        inputs["region"] = region
    return Resource(urn=f"{PREFIX}{kind}::{name}", type=kind, name=name, inputs=inputs)


@pytest.fixture
def make():
    return make_resource
