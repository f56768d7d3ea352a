"""Other ways to serve an endpoint, and why the stack does not."""

from dataclasses import replace

import pytest

from gpuyard.stack.alternatives import candidates_of, locked_hour, serving_gpus


def limited(plan, **changes):
    capacity = plan.deployment.capacity.model_copy(update=changes)
    return replace(plan, deployment=plan.deployment.model_copy(update={"capacity": capacity}))


def test_every_other_rung_with_a_price_is_a_candidate_with_its_reason(plan_of):
    plan = plan_of("prod")
    (placed,) = plan.endpoints
    found = list(candidates_of(plan, placed))
    priced = [rung for rung in plan.ladders["chat"] if rung.rate.usd is not None]
    assert len(found) >= len(priced) - 1
    assert all(one.not_chosen for one in found)
    reasons = {one.purchase: one.not_chosen for one in found if one.setting.gpu == "h100-sxm"}
    assert reasons["spot"] == "`purchases` has on_demand as choice 1 and spot as choice 2"


def test_a_gpu_that_is_not_allowed_is_named_where_it_was_timed(plan_of):
    plan = limited(plan_of("prod"), accelerators=("h100-sxm",))
    (placed,) = plan.endpoints
    found = [one for one in candidates_of(plan, placed) if "does not allow" in one.not_chosen]
    assert {one.setting.gpu for one in found} == {"h200"}
    assert all("`accelerators` does not allow h200" in one.not_chosen for one in found)
    assert all(one.gpu_hour.usd > 0 for one in found)


def test_a_region_that_is_not_allowed_is_named_where_it_is_cheaper(plan_of):
    plan = plan_of("prod")
    places = tuple(
        place.model_copy(update={"regions": ("eu-central-1",)}) for place in plan.deployment.places[:1]
    )
    moved = replace(plan, deployment=plan.deployment.model_copy(update={"places": places}))
    reasons = [one.not_chosen for one in candidates_of(moved, moved.endpoints[0])]
    assert any("`places` does not allow us-" in reason for reason in reasons)


def test_an_existing_cluster_has_no_other_way(plan_of):
    plan = plan_of("local")
    assert list(candidates_of(plan, plan.endpoints[0])) == []


@pytest.mark.parametrize(
    ("node", "replica", "nodes", "serving"), [(8, 4, 1, 8), (8, 3, 1, 6), (8, 8, 1, 8), (8, 16, 2, 8)]
)
def test_a_serving_gpu_hour_pays_for_those_that_stay_idle(plan_of, node, replica, nodes, serving):
    rung = (
        plan_of("prod")
        .pools[0]
        .rung.model_copy(
            update={"gpus_per_node": node, "gpus_per_replica": replica, "nodes_per_replica": nodes}
        )
    )
    assert serving_gpus(rung) == serving
    hour = locked_hour(rung)
    assert hour is not None
    assert hour.usd == pytest.approx(rung.rate.usd / serving)


def test_an_unknown_rate_gives_no_hour(plan_of):
    rung = plan_of("prod").pools[0].rung
    unpriced = rung.model_copy(update={"rate": rung.rate.model_copy(update={"usd": None})})
    assert locked_hour(unpriced) is None
