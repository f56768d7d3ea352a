"""Purchases that cannot be given back: refused unless id and amount were agreed to."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.capacity.lock import LockedQuota, LockedRung
from gpuyard.capacity.purchase import Agreed, Purchase, check_purchase
from gpuyard.errors import Severity
from gpuyard.stack.purchase_check import check_purchases
from gpuyard.stack.quota_check import check_quotas
from gpuyard.stack.spec import parse_deployment

BLOCK = Purchase(offering="cb-1", what="a block", usd=100.0)


@given(st.sampled_from(["cb-1", "cb-2"]), st.floats(0.01, 1e7))
def test_nothing_but_the_very_offering_and_amount_is_agreed(offering, amount):
    finding = check_purchase(BLOCK, [Agreed(offering=offering, amount_usd=amount)], "pools[0]")
    agreed = offering == "cb-1" and abs(amount - 100) < 0.005
    assert (finding.severity is not Severity.ERROR) == agreed
    assert finding.code == ("PURCHASE_NOT_REFUNDED" if agreed else "PURCHASE_NOT_ACKNOWLEDGED")


def test_an_unknown_amount_cannot_be_agreed_to():
    unknown = Purchase(offering="cb-1", what="a block", usd=None)
    agreed = [Agreed(offering="cb-1", amount_usd=1)]
    assert check_purchase(unknown, agreed, "").severity is Severity.ERROR


def test_the_fix_says_what_to_write():
    finding = check_purchase(BLOCK, [], "")
    assert "acknowledge_purchase: {offering: cb-1, amount_usd: 100.00}" in finding.fix


def deployment(**capacity):
    return parse_deployment(
        {
            "places": [{"cloud": "aws", "regions": ["us-east-1"]}],
            "capacity": {"accelerators": ["h100"], "purchases": ["capacity_block"], **capacity},
            "endpoints": [{"name": "chat", "model": "Qwen/Qwen3-4B"}],
        }
    )


def rung(**changes):
    return LockedRung(
        **{
            "cloud": "aws",
            "region": "us-east-1",
            "zones": ["use1-az6"],
            "machine_type": "p5.48xlarge",
            "accelerator": "h100-sxm",
            "gpus_per_node": 8,
            "gpus_per_replica": 8,
            "purchase": "capacity_block",
            "nodes_min": 1,
            "nodes_max": 2,
            "offering": "cb-1",
            "is_commitment": True,
            "usd_committed": 100.0,
            **changes,
        }
    )


def plan_of(active, **capacity) -> Any:
    pool = SimpleNamespace(rung=active, cluster="main", endpoint="chat")
    return SimpleNamespace(
        deployment=deployment(**capacity),
        pools=(pool,),
        ladders={"chat": (active,)},
        cluster=lambda name: SimpleNamespace(project=""),
    )


def codes(findings):
    return [(finding.severity, finding.code) for finding in findings]


def test_an_active_purchase_stops_the_stack_until_it_is_agreed_to():
    assert codes(check_purchases(plan_of(rung()))) == [(Severity.ERROR, "PURCHASE_NOT_ACKNOWLEDGED")]


@pytest.mark.parametrize("form", [dict, lambda one: [one]])
def test_agreed_but_not_held_names_the_component_that_buys(form):
    agreed = form({"offering": "cb-1", "amount_usd": 100})
    found = list(check_purchases(plan_of(rung(), acknowledge_purchase=agreed)))
    assert codes(found) == [
        (Severity.WARNING, "PURCHASE_NOT_REFUNDED"),
        (Severity.ERROR, "PURCHASE_NOT_HELD"),
    ]
    assert "Ec2CapacityBlock" in found[1].fix


def test_held_capacity_is_no_purchase():
    held = rung(is_commitment=False, reservation="cr-0123456789abcdef0")
    assert codes(check_purchases(plan_of(held))) == []


def test_an_agreement_to_nothing_is_said():
    agreed = {"offering": "cb-typo", "amount_usd": 100}
    held = rung(is_commitment=False, reservation="cr-0123456789abcdef0")
    assert codes(check_purchases(plan_of(held, acknowledge_purchase=agreed))) == [
        (Severity.WARNING, "ACKNOWLEDGEMENT_UNUSED")
    ]


def quota(**changes):
    return LockedQuota(
        **{
            "code": "L-417A185B",
            "region": "us-east-1",
            "unit": "vCPU",
            "needed": 192,
            "needed_peak": 384,
            "verdict": "enough",
            **changes,
        }
    )


def test_an_unread_quota_is_a_note_with_the_request():
    (finding,) = check_quotas(plan_of(rung(quotas=[quota(verdict="unknown")])))
    assert (finding.severity, finding.code) == (Severity.NOTE, "QUOTA_UNKNOWN")
    assert "--quota-code L-417A185B --desired-value 384" in finding.fix


def test_a_peak_above_the_limit_is_a_warning():
    (finding,) = check_quotas(plan_of(rung(quotas=[quota(limit=400, used=100, as_of="2026-11-26")])))
    assert (finding.severity, finding.code) == (Severity.WARNING, "QUOTA_PEAK")
    assert "300 of 400 are left" in finding.message
    assert "--desired-value 484" in finding.fix


def test_pools_that_draw_on_one_limit_are_counted_together():
    plan = plan_of(rung(quotas=[quota(limit=500, used=0, as_of="2026-11-26")]))
    assert list(check_quotas(plan)) == []
    (pool,) = plan.pools
    other = SimpleNamespace(**{**vars(pool), "endpoint": "other"})
    both: Any = SimpleNamespace(**{**vars(plan), "pools": (pool, other)})
    (finding,) = check_quotas(both)
    assert (finding.code, finding.path) == ("QUOTA_PEAK", "pools[0].quota, pools[1].quota")
    assert "768 vCPU at peak, of chat and other together, 500 of 500 are left" in finding.message
    assert "--desired-value 768" in finding.fix


@pytest.mark.parametrize("changes", [{"limit": 500, "used": 100}, {"limit": -1}])
def test_enough_quota_says_nothing(changes):
    assert list(check_quotas(plan_of(rung(quotas=[quota(**changes)])))) == []
