"""Differences of inputs: paths, and which of them replace."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.engine.sdk import resource_class, wire_names
from gpuyard.resources import UNKNOWN
from gpuyard.simulate import changes
from gpuyard.simulate.changes import ChangeKind, compare, replacing_paths

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.[", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)
INPUTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(INPUTS)
def test_nothing_differs_from_itself(inputs):
    assert compare(inputs, inputs) == ()


@given(INPUTS, INPUTS)
def test_what_is_added_one_way_is_deleted_the_other_way(old, new):
    there = {(item.path, item.kind) for item in compare(old, new)}
    back = {(item.path, item.kind) for item in compare(new, old)}
    turned = {ChangeKind.ADD: ChangeKind.DELETE, ChangeKind.DELETE: ChangeKind.ADD}
    assert there == {(path, turned.get(kind, kind)) for path, kind in back}


@given(INPUTS, INPUTS)
def test_ignoring_everything_leaves_nothing(old, new):
    assert compare(old, new, ignored=["*"]) == ()


def test_an_unknown_value_counts_as_changed():
    assert [item.path for item in compare({"id": "x"}, {"id": UNKNOWN})] == ["id"]


def test_a_key_with_dots_is_quoted_as_the_engine_quotes_it():
    old, new = {"labels": {"gpuyard.dev/pool": "a"}}, {"labels": {"gpuyard.dev/pool": "b"}}
    assert compare(old, new)[0].path == 'labels["gpuyard.dev/pool"]'


def test_a_path_in_the_table_covers_list_positions_and_what_is_below():
    old = {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-l4", "count": 1}]}}
    new = {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-l4", "count": 2}]}}
    paths = replacing_paths("gcp:container/nodePool:NodePool", new)
    assert [(item.path, item.replaces) for item in compare(old, new, paths)] == [
        ("nodeConfig.guestAccelerators[0].count", True)
    ]


def test_config_maps_are_replaced_and_custom_resources_are_not():
    assert "data" in replacing_paths("kubernetes:core/v1:ConfigMap", {})
    rules = replacing_paths("kubernetes:monitoring.coreos.com/v1:PrometheusRule", {})
    assert rules == ("metadata.name", "metadata.namespace")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDKs warn of their own classes
def test_every_listed_path_begins_with_an_input_that_the_sdk_has():
    table = yaml.safe_load(changes._DATA.read_text(encoding="utf-8"))
    wrong = []
    for types in (table["aws"], table["gcp"]):
        for type_, paths in types.items():
            found = resource_class(type_)
            if found is None:
                wrong.append(type_)
                continue
            module = __import__(found.__module__, fromlist=["x"])
            known = set(wire_names(getattr(module, f"{found.__name__}Args")).values())
            wrong += [f"{type_} {path}" for path in paths if path.split(".")[0] not in known]
    assert wrong == []
