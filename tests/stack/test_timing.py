"""Lead times of the example stacks follow from their plans."""

from dataclasses import replace
from datetime import date

import pytest

from gpuyard.leadtime.measured import Measurement
from gpuyard.stack.demand_load import endpoint_image_bytes
from gpuyard.stack.timing import lead_time_of, serving_path


@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "local"])
def test_every_example_has_five_journeys_and_no_p90_below_its_p50(plan_of, stack):
    plan = plan_of(stack)
    for placed in plan.endpoints:
        found = lead_time_of(plan, placed)
        assert len(found.journeys) == 5
        assert all(journey.p90_s >= journey.p50_s for journey in found.journeys)


def test_the_path_of_prod_says_what_its_plan_says(plan_of):
    plan = plan_of("prod")
    (placed,) = plan.endpoints
    path = serving_path(plan, placed)
    rung = plan.pool(placed.pool).rung
    assert (path.machine_type, path.region) == (rung.machine_type, rung.region)
    assert path.replicas == 2
    assert path.image_bytes == 12_000_000_000
    assert path.surges == (placed.spare_gpus >= placed.gpus_per_replica)


def test_a_bought_spare_node_costs_what_the_lock_says(plan_of):
    plan = plan_of("prod")
    (placed,) = plan.endpoints
    spare = next(found for found in lead_time_of(plan, placed).shortcuts if found.name == "a spare node")
    assert spare.usd_per_month == pytest.approx(plan.pool(placed.pool).rung.rate.usd * 730)


def test_measured_durations_of_the_endpoint_are_used(plan_of):
    plan = plan_of("prod")
    (placed,) = plan.endpoints
    seen = Measurement(phase="weights", seconds=33, date=date(2026, 11, 20), what="a load", endpoint="chat")
    assert lead_time_of(plan, placed, [seen]).measured == ("weights",)
    other = seen.model_copy(update={"endpoint": "other"})
    assert lead_time_of(plan, placed, [other]).measured == ()


def test_an_image_has_the_size_that_is_declared_or_published(plan_of):
    endpoint = plan_of("prod").endpoints[0].endpoint
    assert endpoint_image_bytes(endpoint.model_copy(update={"image_gb": 7.5})) == 7_500_000_000
    assert endpoint_image_bytes(endpoint.model_copy(update={"image": "example.org/mine:1"})) is None
    assert endpoint_image_bytes(endpoint.model_copy(update={"runtime_version": "0.9.1"})) is None
    assert (
        endpoint_image_bytes(endpoint.model_copy(update={"runtime": "sglang", "runtime_version": ""})) is None
    )


def test_an_exposed_endpoint_waits_for_its_load_balancer(plan_of):
    plan = plan_of("prod")
    (placed,) = plan.endpoints
    exposed = replace(placed, endpoint=placed.endpoint.model_copy(update={"service_type": "LoadBalancer"}))
    names = [phase.name for phase in lead_time_of(plan, exposed).empty_account.phases]
    assert "load balancer" in names
