"""Locks that do not answer what the stack asks now."""

import pytest
import yaml

from gpuyard.capacity.lock import lock_file_name
from gpuyard.capacity.lock_file import parse_lock, read_lock, render_lock
from gpuyard.cli.capacity_input import load_deployment
from gpuyard.errors import SpecError
from gpuyard.stack.demands import make_demands
from gpuyard.stack.lock_check import check_lock

from .test_cli_lock import ROOT

V1 = """
version: 1
stack: dev
as_of: '2026-11-24'
endpoints:
  chat:
    demand: sha256:0123456789abcdef
    active: 0
    rungs:
    - cloud: gcp
      region: us-central1
      zones: [us-central1-a]
      machine_type: g2-standard-4
      accelerator: l4
      gpus_per_node: 1
      gpus_per_replica: 1
      purchase: spot
      nodes_min: 1
      nodes_max: 1
      rate: {usd: 0.3, source: test, as_of: '2026-07-30'}
      quota: in words
      reason: '#1: first'
"""


@pytest.fixture(scope="module")
def prod():
    name, deployment, folder = load_deployment(ROOT, "prod")
    return make_demands(deployment, folder), read_lock(folder / lock_file_name(name)).model_dump(mode="json")


def findings(prod, change):
    demands, data = prod
    data = yaml.safe_load(yaml.safe_dump(data))  # a copy
    change(data["endpoints"]["chat"])
    return [
        (item.code, item.path.rpartition("chat.")[2])
        for item in check_lock("prod", demands, parse_lock(data))
    ]


def test_a_lock_of_version_1_is_read():
    lock = parse_lock(yaml.safe_load(V1))
    rung = lock.endpoints["chat"].rungs[0]
    assert (rung.reservation, rung.quotas, rung.odds) == ("", (), None)
    assert parse_lock(yaml.safe_load(render_lock(lock))) == lock


def test_the_committed_lock_has_no_findings(prod):
    assert findings(prod, lambda chat: None) == []


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("machine_type", "p9.huge", "rungs[0].machine_type"),
        ("machine_type", "g6.xlarge", "rungs[0].machine_type"),
        ("nodes_min", 0, "rungs[0].nodes_min"),
        ("region", "eu-west-3", "rungs[0].region"),
        ("purchase", "spott", "rungs[0].purchase"),
        ("purchase", "flex_start", "rungs[0].purchase"),
        ("gpus_per_node", 16, "rungs[0].gpus_per_node"),
        ("gpus_per_replica", 3, "rungs[0].gpus_per_replica"),
        ("zones", ["us-west-2a"], "rungs[0].zones"),
        ("accelerator", "b200", "rungs[0].accelerator"),
    ],
)
def test_a_rung_that_was_broken_by_hand_is_named(prod, key, value, where):
    found = findings(prod, lambda chat: chat["rungs"][0].update({key: value}))
    assert ("LOCK_INVALID", where) in found


def test_rungs_that_are_not_in_use_are_checked_as_well(prod):
    found = findings(prod, lambda chat: chat["rungs"][5].update(region="eu-west-3"))
    assert ("LOCK_INVALID", "rungs[5].region") in found


def test_another_demand_is_stale(prod):
    assert findings(prod, lambda chat: chat.update(demand="sha256:0123456789abcdef")) == [
        ("LOCK_STALE", "demand")
    ]


def test_an_endpoint_that_is_gone_is_said(prod):
    demands, data = prod
    lock = parse_lock({**data, "endpoints": {**data["endpoints"], "old": data["endpoints"]["chat"]}})
    found = check_lock("prod", demands, lock)
    assert [(item.code, item.severity.value) for item in found] == [("LOCK_STALE", "warning")]


def test_another_stacks_lock_is_foreign(prod):
    demands, data = prod
    assert "LOCK_FOREIGN" in [item.code for item in check_lock("staging", demands, parse_lock(data))]


def test_no_lock_says_how_to_make_one(prod):
    (finding,) = check_lock("prod", prod[0], None)
    assert finding.code == "LOCK_MISSING"
    assert "gpuyard lock -s prod" in finding.fix


@pytest.mark.parametrize("value", ["eight", -1, None, [8]])
def test_values_of_another_kind_are_refused_where_they_stand(prod, value):
    with pytest.raises(SpecError, match=r"rungs\[0\].nodes_max"):
        findings(prod, lambda chat: chat["rungs"][0].update(nodes_max=value))
