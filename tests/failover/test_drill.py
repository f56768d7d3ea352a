"""Shipped scenarios end as they say, users' files are checked, the command prints what happened."""

import json
from pathlib import Path

import pytest
import yaml

from gpuyard.cli.main import run
from gpuyard.errors import SpecError
from gpuyard.failover.classify import classify
from gpuyard.failover.drill import misses, rehearse
from gpuyard.failover.events import Outcome
from gpuyard.failover.scenario import SHIPPED, Fault, load_scenario, parse_scenario, shipped_scenarios
from gpuyard.failover.world import World, cluster_usd_per_hour

from .conftest import make

SCENARIOS = shipped_scenarios()


@pytest.mark.parametrize("item", SCENARIOS, ids=lambda item: item.name)
def test_a_shipped_scenario_ends_as_it_says(item):
    result = rehearse(item.scenario)
    assert misses(item.scenario.expect, result) == []
    assert item.scenario.about
    if result.outcome is Outcome.SERVING:
        assert result.usd > 0
    else:
        assert result.usd_per_hour == 0, "nothing that was abandoned goes on costing"


def test_there_is_a_scenario_of_every_fault_that_the_loop_knows():
    played = {fault.what for item in SCENARIOS for fault in item.scenario.faults}
    assert len(SCENARIOS) >= 12
    assert set(Fault) - played <= {Fault.CONFIGURATION, Fault.ADDRESS_SPACE, Fault.SILENT}


def minimal(**changes):
    rung = {"cloud": "aws", "region": "us-east-1", "zones": ["use1-az4"], "machine_type": "p5.48xlarge"}
    return {"title": "mine", "ladders": {"chat": [rung]}, "expect": {"outcome": "serving"}} | changes


def test_without_faults_the_first_rung_serves_after_cluster_node_and_start():
    result = rehearse(parse_scenario(minimal(settings={"probes": False})))
    assert (result.tries, result.first_served_s) == (1, 60 * (15 + 5 + 8))
    cluster = cluster_usd_per_hour("aws", "us-east-1")
    nodes = 55.04  # p5.48xlarge in us-east-1, July 2026
    assert result.usd == pytest.approx(cluster * 28 / 60 + nodes * 13 / 60, rel=0.01)
    assert result.usd_per_hour == pytest.approx(cluster + nodes, rel=0.01)


def test_a_stockout_that_ends_in_time_is_served_by_the_node_group_that_kept_asking():
    fault = {"what": "stockout", "where": {"rung": 0}, "until_minutes": 20, "learn_minutes": 30}
    result = rehearse(parse_scenario(minimal(faults=[fault], settings={"probes": False})))
    assert (result.tries, result.first_served_s) == (1, 60 * (20 + 13))


def test_abandoned_clusters_that_are_kept_go_on_costing():
    rungs = [
        minimal()["ladders"]["chat"][0],
        {"cloud": "aws", "region": "us-west-2", "machine_type": "p5.48xlarge"},
    ]
    data = minimal(ladders={"chat": rungs}, faults=[{"what": "stockout", "where": {"cloud": "aws"}}])
    removed = rehearse(parse_scenario(data | {"expect": {"outcome": "exhausted"}}))
    kept = rehearse(parse_scenario(data | {"settings": {"abandoned": "keep"}}))
    assert removed.usd_per_hour == 0
    both = cluster_usd_per_hour("aws", "us-east-1") + cluster_usd_per_hour("aws", "us-west-2")
    assert kept.usd_per_hour == pytest.approx(both)


@pytest.mark.parametrize("fault", [kind for kind in Fault if kind not in (Fault.SLOW_BOOT, Fault.SILENT)])
@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_worlds_own_words_mean_what_the_fault_is(fault, cloud):
    """So every scenario without words of its own goes through the real classifier."""
    kinds = {
        "reservation_taken": "reservation_empty",
        "region_down": "transient",
        "reclaim": "stockout",
        "block_end": "reservation_unusable",
    }
    scenario = parse_scenario(minimal(faults=[{"what": str(fault), "where": {"cloud": cloud}}]))
    candidate = make(cloud=cloud, purchase="spot", reservation="cr-1" if "block" in fault else "")
    world = World(scenario, {"chat": (candidate,)})
    said = world.message(scenario.faults[0], candidate)
    assert classify(said, cloud).kind == kinds.get(str(fault), str(fault)), said
    assert "{" not in said


def test_everything_wrong_with_a_scenario_is_said_at_once(tmp_path):
    file = tmp_path / "mine.yaml"
    data = minimal(
        faults=[
            {"what": "stockuot", "where": {"rung": 0}},
            {"what": "quota", "where": {"scope": "galaxy"}, "from_minutes": 9, "until_minutes": 3},
        ],
        settings={"abandoned": "burn", "rung_minutes": 0, "speed": 3},
        expect={"outcome": "victory"},
    )
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_scenario(file)
    paths = {finding.path for finding in caught.value.findings}
    assert paths >= {
        "mine.yaml.faults[0].what",
        "mine.yaml.faults[1].where.scope",
        "mine.yaml.settings.abandoned",
        "mine.yaml.settings.rung_minutes",
        "mine.yaml.settings.speed",
        "mine.yaml.expect.outcome",
    }
    assert all(finding.fix for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"faults": [{"what": "quota", "where": {"rung": 7}}]}, "no rung 7"),
        ({"active": {"chat": 1}}, "no rung 1"),
        ({"active": {"other": 0}}, "no rung 0 of other"),
        ({"expect": {"outcome": "serving", "rungs": {"chat": 5}}}, "no rung 5"),
        ({"ladders": {"chat": []}}, "no rungs"),
        ({"faults": [{"what": "quota", "where": {}, "says": "InsufficientInstanceCapacity"}]}, "not quota"),
        ({"faults": [{"what": "quota", "where": {}, "from_minutes": 5, "until_minutes": 5}]}, "not after"),
    ],
)
def test_a_scenario_that_contradicts_itself_is_refused(change, word):
    with pytest.raises(SpecError, match=word):
        parse_scenario(minimal(**change))


@pytest.mark.parametrize("text", ["", "- a\n", "title: [", "\t"])
def test_a_file_that_is_no_scenario_is_refused_with_its_name(tmp_path, text):
    file = tmp_path / "odd.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"odd\.yaml"):
        load_scenario(file)


def test_the_command_plays_one_with_its_timeline(capsys):
    assert run(["drill", "stockout_here_until_then"]) == 0
    out = capsys.readouterr().out
    assert "refused" in out
    assert "serving after 2 tries" in out
    assert "/h from then on" in out
    assert out.rstrip().endswith("as expected")


def test_the_command_plays_all_and_lists_them(capsys):
    assert run(["drill"]) == 0
    assert f"{len(SCENARIOS)} of {len(SCENARIOS)} as expected" in capsys.readouterr().out
    assert run(["drill", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(SCENARIOS) == len(list(SHIPPED.glob("*.yaml")))


def test_on_a_stacks_own_ladder_nothing_counts_as_expected(capsys):
    assert run(["drill", "-s", "dev", "--directory", str(Path(__file__).parents[2])]) == 0
    out = capsys.readouterr().out
    assert "as expected" not in out
    assert "nothing is expected of them" in out


def test_json_is_versioned_and_complete(capsys):
    assert run(["drill", "quota_refusal", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "gpuyard.drill/v1"
    (result,) = answer["results"]
    assert result["misses"] == []
    assert result["classes"] == ["quota"]
    assert [moment["what"] for moment in result["timeline"]] == ["look_up", "try", "serving"]


def test_an_unmet_expectation_exits_1_and_says_which(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(minimal(expect={"outcome": "exhausted", "tries": 3})), encoding="utf-8")
    assert run(["drill", str(file)]) == 1
    out = capsys.readouterr().out
    assert "outcome is serving, expected exhausted" in out
    assert "tries is 1, expected 3" in out


def test_an_unknown_scenario_exits_2_with_a_hint(capsys):
    assert run(["drill", "quota_refused"]) == 2
    assert 'did you mean "quota_refusal"?' in capsys.readouterr().err


@pytest.mark.parametrize("stack", ["prod", "staging", "dev"])
def test_a_scenario_plays_on_the_ladder_of_a_stack(stack, capsys):
    assert run(["drill", "stockout_here_until_then", "-s", stack, "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["misses"] is None
    assert result["tries"] == 2
    assert result["classes"] == ["stockout"]


def test_a_stack_on_an_existing_cluster_has_no_ladder(capsys):
    assert run(["drill", "-s", "local"]) == 2
    assert "no ladder" in capsys.readouterr().err
