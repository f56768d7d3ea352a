"""A diff: empty against itself, its parts add up, a way back undoes it; every reason has its name."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.conftest import make_report, make_tokens
from tests.report.strategies import REPORTS

from gpuyard.costs.pricing import price_resources
from gpuyard.errors import Finding, Severity
from gpuyard.report.comment import MAX_CHARACTERS
from gpuyard.report.diff import diff_sources
from gpuyard.report.diff_rendering import FORMATS, render_diff
from gpuyard.report.model import PoolRow, RungRow, build_report
from gpuyard.report.money_diff import AMOUNTS, Amounts, resource_key
from gpuyard.report.sources import Source
from gpuyard.resources import UNKNOWN, Resource

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
GROUP = {
    "region": "us-east-1",
    "instanceTypes": ["p5.48xlarge"],
    "capacityType": "ON_DEMAND",
    "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4},
}


def source(report, **more) -> Source:
    return Source(**{"name": "x", "kind": "report", "report": report, **more})


def diff(base, head):
    return diff_sources(source(base), source(head))


def node_group(name="pool", stack="dev", kind=NODE_GROUP, **inputs) -> Resource:
    return Resource(
        urn=f"urn:pulumi:{stack}::app::{kind}::{name}", type=kind, name=name, inputs={**GROUP, **inputs}
    )


def planned(*resources, **more) -> Source:
    report = build_report(stack="dev", costs=price_resources(resources))
    return source(report, kind="plan", resources=tuple(resources), **more)


def summed(changes):
    total = Amounts()
    for change in changes:
        total = total + change.delta
    return total


@given(report=REPORTS)
@SLOW
def test_a_report_against_itself_is_empty(report):
    found = diff(report, report)
    assert found.is_empty
    assert not found.delta
    for form in ("text", "markdown", "gitlab", "azure"):
        assert "no change" in render_diff(found, form).lower()


@given(base=REPORTS, head=REPORTS)
@SLOW
def test_a_way_back_undoes_every_change_of_money(base, head):
    there, back = diff(base, head), diff(head, base)
    assert there.is_empty == back.is_empty
    for name in AMOUNTS:
        assert getattr(there.delta, name) == -getattr(back.delta, name)
        one, other = (getattr(summed(found.changes), name) for found in (there, back))
        assert float(one) == pytest.approx(-float(other), rel=1e-9, abs=1e-9)


@given(base=REPORTS, head=REPORTS)
@SLOW
def test_the_effects_add_up_to_the_change_of_the_totals(base, head):
    found = diff(base, head)
    for name in AMOUNTS:
        total = float(getattr(found.delta, name))
        assert float(getattr(summed(found.changes), name)) == pytest.approx(total, rel=1e-9, abs=1e-6)


@given(base=REPORTS, head=REPORTS, form=st.sampled_from(FORMATS))
@SLOW
def test_every_format_holds_every_diff_within_the_limit(base, head, form):
    text = render_diff(diff(base, head), form)
    assert text.endswith("\n")
    if form in ("markdown", "gitlab", "azure"):
        assert len(text) <= MAX_CHARACTERS
        assert text.startswith("<!-- gpuyard-diff:s -->\n")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"scalingConfig": {"minSize": 1, "desiredSize": 3, "maxSize": 4}}, "quantity changed"),
        ({"instanceTypes": ["p4d.24xlarge"]}, "replaced"),
        ({"capacityType": "SPOT"}, "replaced"),
    ],
)
def test_a_changed_pool_says_why(inputs, reason):
    found = diff_sources(planned(node_group()), planned(node_group(**inputs)))
    (change,) = found.changes
    assert change.kind == ("replaced" if reason == "replaced" else "changed")
    assert change.is_gpu_pool
    assert reason in {str(effect.reason) for effect in change.effects}


def test_another_region_of_the_same_machine_is_a_change_of_region():
    found = diff_sources(planned(node_group()), planned(node_group(region="us-west-2")))
    assert {str(effect.reason) for change in found.changes for effect in change.effects} == {"region changed"}


def test_price_and_quantity_are_told_apart_and_add_up(report):
    items = [item for item in report.costs.items if "p5" in item.component]
    assert items
    dearer = replace(
        report.costs,
        items=tuple(
            replace(item, unit_price=item.unit_price * 2, quantity=item.quantity * 3)
            if item in items
            else item
            for item in report.costs.items
        ),
    )
    found = diff(report, replace(report, costs=dearer))
    effects = {str(effect.reason): effect.delta for change in found.changes for effect in change.effects}
    assert set(effects) == {"price changed", "quantity changed"}
    before = items[0].effective.expected
    # 2 p x 3 q - p q = 5 p q; price: p x (q + 3 q) / 2 = 2 p q; quantity: 2 q x (p + 2 p) / 2 = 3 p q
    assert effects["price changed"].expected == 2 * before
    assert effects["quantity changed"].expected == 3 * before


def test_a_declared_amount_is_a_reason_of_its_own(report):
    items = tuple(
        replace(item, quantity=report.costs.items[1].quantity) if item.quantity is None else item
        for item in report.costs.items
    )
    found = diff(report, replace(report, costs=replace(report.costs, items=items)))
    assert [str(effect.reason) for change in found.changes for effect in change.effects] == ["use declared"]


def test_a_price_that_nobody_knows_any_more_is_named():
    known, unknown = planned(node_group()), planned(node_group(instanceTypes=["p99.metal"]))
    found = diff_sources(known, unknown)
    reasons = {str(effect.reason) for change in found.changes for effect in change.effects}
    assert reasons & {"price no longer known", "removed"}
    assert "unknown" in render_diff(found, "text")


def test_replaced_gpu_pools_come_first_and_say_what_forces_it():
    cluster = Resource(
        urn="urn:pulumi:dev::app::aws:eks/cluster:Cluster::a-cluster",
        type="aws:eks/cluster:Cluster",
        name="a-cluster",
        inputs={"region": "us-east-1", "name": "one"},
    )
    renamed = replace(cluster, inputs={**cluster.inputs, "name": "two"})
    found = diff_sources(
        planned(cluster, node_group()), planned(renamed, node_group(instanceTypes=["p4d.24xlarge"]))
    )
    assert [(item.name, item.is_gpu_pool, item.why) for item in found.replacements] == [
        ("pool", True, ("instanceTypes",)),
        ("a-cluster", False, ("name",)),
    ]
    assert {item.basis for item in found.replacements} == {"inferred"}
    text = render_diff(found, "markdown")
    assert text.index("replaced") < text.index("| USD per month")


def test_values_that_are_known_only_later_force_nothing():
    base = node_group(subnetIds=["subnet-1"], nodeRoleArn=UNKNOWN)
    head = node_group(subnetIds=[UNKNOWN], nodeRoleArn="arn:role")
    assert diff_sources(planned(base), planned(head)).replacements == ()


def test_a_change_in_place_is_no_replacement():
    head = node_group(scalingConfig={"minSize": 0, "desiredSize": 0, "maxSize": 1}, labels={"a": "b"})
    assert diff_sources(planned(node_group()), planned(head)).replacements == ()


def test_a_preview_says_itself_what_it_replaces():
    pool = node_group()
    head = planned(pool, replaced={pool.urn: ("instanceTypes",)})
    found = diff_sources(planned(pool), replace(head, kind="preview"))
    assert [(item.basis, item.why) for item in found.replacements] == [("preview", ("instanceTypes",))]
    assert not found.is_empty


def test_a_change_of_money_says_when_its_resource_is_replaced():
    head = node_group(instanceTypes=["g6.xlarge"])
    replacing = planned(head, replaced={head.urn: ("instanceTypes",)})
    (change,) = diff_sources(planned(node_group()), replace(replacing, kind="preview")).changes
    assert change.kind == "replaced"


def test_a_pool_that_moves_is_one_change_and_a_replacement():
    base = planned(node_group("chat-p5-nodes"))
    head = planned(
        Resource(
            urn="urn:pulumi:dev::app::gcp:container/nodePool:NodePool::chat-a3-nodes",
            type="gcp:container/nodePool:NodePool",
            name="chat-a3-nodes",
            inputs={
                "location": "us-central1",
                "nodeConfig": {"machineType": "a3-highgpu-8g"},
                "nodeCount": 1,
            },
        )
    )
    pool = PoolRow(
        name="p", place="aws us-east-1", machine="p5", purchase="spot", nodes="1", serves="chat: m"
    )
    moved = replace(pool, name="q", place="gcp us-central1", machine="a3")
    base = replace(base, report=replace(base.report, pools=(pool,)))
    head = replace(head, report=replace(head.report, pools=(moved,)))
    found = diff_sources(base, head)
    (change,) = found.changes
    assert change.kind == "replaced"
    (replacement,) = found.replacements
    assert replacement.type == "pool"
    assert "aws us-east-1" in replacement.why[0]
    assert "gcp us-central1" in replacement.why[0]


def test_times_and_gates_change_by_endpoint(report):
    lead_time = report.lead_times["chat"]
    slower = replace(lead_time.zero_to_one, p50_s=lead_time.zero_to_one.p50_s + 60)
    cleared = tuple(replace(gate, is_open=True) for gate in lead_time.gates)
    changed = replace(lead_time, zero_to_one=slower, gates=cleared)
    found = diff(report, make_report(lead_times={"chat": changed, "new": lead_time}))
    chat, new = found.times
    (journey,) = chat.journeys
    assert journey.name == "zero_to_one"
    assert journey.delta is not None
    assert journey.delta[0] == pytest.approx(60)
    assert {gate.change for gate in chat.gates} == {"cleared"}
    assert {gate.change for gate in new.gates} == {"new"}
    assert all(journey.before is None for journey in new.journeys)
    assert "+1 min" in render_diff(found, "text")


def test_the_price_of_a_token_changes_by_endpoint(report):
    busier = make_report(tokens={"chat": make_tokens(utilisation=0.8), "odd": report.tokens["odd"]})
    found = diff(report, busier)
    (change,) = found.tokens
    assert change.endpoint == "chat"
    assert change.delta == pytest.approx(-report.tokens["chat"].at_planned.blended / 2)
    assert "(-50.0%)" in render_diff(found, "text", width=120)
    assert "chat:" in render_diff(found, "markdown")
    (gone,) = diff(report, make_report(tokens={"odd": report.tokens["odd"]})).tokens
    assert gone.after is None
    assert gone.delta is None


def test_findings_come_go_and_change(report):
    error = Finding(severity=Severity.ERROR, code="NEW", path="p", message="is new")
    louder = replace(report.findings[0], severity=Severity.ERROR)
    found = diff(report, make_report(findings=[louder, error])).risk
    assert found.new == (error,)
    assert found.gone == ()
    assert found.changed == ((report.findings[0], louder),)
    assert found.new_errors == 2


def test_the_order_of_findings_changes_nothing(report):
    more = [*report.findings, Finding(severity=Severity.NOTE, code="A", path="", message="x")]
    assert diff(make_report(findings=more), make_report(findings=more[::-1])).is_empty


def test_the_active_rung_comes_first(report):
    first = RungRow(endpoint="chat", number=1, place="a", machine="m", purchase="spot", price="$1/h")
    second = replace(first, number=2, place="b")
    before = make_report(rungs=[replace(first, is_active=True), second])
    after = make_report(rungs=[replace(first, price="$2/h"), replace(second, is_active=True)])
    changes = [(change.change, change.rung.place) for change in diff(before, after).capacity.rungs]
    assert changes == [("now active", "b"), ("no longer active", "a"), ("repriced", "a")]


def test_a_resized_pool_is_no_replacement(report):
    wider = replace(report.pools[0], nodes="1 to 8")
    found = diff(report, make_report(pools=[wider]))
    assert [change.change for change in found.capacity.pools] == ["resized"]
    assert found.replacements == ()


@pytest.mark.parametrize(
    ("urn", "key"),
    [
        ("urn:pulumi:prod::app::a:b:C$d:e:F::prod-net", "a:b:C$d:e:F::net"),
        ("urn:pulumi:dev::other::a:b:C$d:e:F::dev-net", "a:b:C$d:e:F::net"),
        ("urn:pulumi:dev::app::d:e:F::net", "d:e:F::net"),
        ("whatever", "whatever"),
    ],
)
def test_stack_and_project_are_not_part_of_what_a_resource_is(urn, key):
    assert resource_key(urn) == key


def test_two_stacks_of_one_program_compare_resource_by_resource():
    base, head = planned(node_group("dev-pool")), planned(node_group("prod-pool", stack="prod"))
    assert diff_sources(base, head).changes == ()


def test_settings_that_differ_are_noted_and_no_change(report):
    other = replace(report, stack="staging", costs=replace(report.costs, hours_per_month=720))
    found = diff(report, other)
    assert found.is_empty
    assert len(found.notes) == 2


def test_text_of_others_cannot_become_markdown(report):
    pool = node_group("@team|<b>[x](http://y)")
    text = render_diff(diff_sources(planned(), planned(pool)), "markdown")
    assert "@&#8203;team\\|&lt;b&gt;\\[x\\](" in text
    assert "<b>" not in text


def test_totals_come_first_and_details_are_folded(report):
    found = diff(report, make_report(findings=[], rungs=[], costs=price_resources([node_group()])))
    for form in ("markdown", "gitlab"):
        text = render_diff(found, form)
        assert text.index("a month expected") < text.index("<details>")
        assert text.count("<details>") == text.count("</details>") > 2
    azure = render_diff(found, "azure")
    assert "<details>" not in azure
    assert "### Money by resource and reason" in azure


def test_a_large_diff_stays_below_the_limit():
    base = planned(*(node_group(f"pool-{number}-{'x' * 60}") for number in range(800)))
    found = diff_sources(base, planned())
    assert len(found.changes) == 800
    text = render_diff(found, "markdown")
    assert len(text) <= MAX_CHARACTERS
    assert "more parts" in text


def test_the_percentage_is_of_what_was():
    found = diff_sources(planned(node_group()), planned(node_group(), node_group("second")))
    assert found.delta.expected == found.before.expected
    assert "+100.0 %" in render_diff(found, "text")


def test_what_did_not_change_has_no_percentage():
    wider = node_group(scalingConfig={"minSize": 1, "desiredSize": 2, "maxSize": 9})
    text = render_diff(diff_sources(planned(node_group()), planned(wider)), "text")
    assert "0.0 %" not in text
    assert text.count(" %") == 1  # of the peak


def test_nothing_before_has_no_percentage():
    text = render_diff(diff_sources(planned(), planned(node_group())), "text")
    assert "%" not in text
    assert Decimal(0) == diff_sources(planned(), planned()).delta.expected
