"""What is out, for how long, and what that leaves free."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from gpuyard.failover.classify import classify
from gpuyard.failover.failure import make_failure
from gpuyard.failover.memory import Memory, remember_all

from .conftest import NOW, make

STOCKOUT = classify("InsufficientInstanceCapacity: We currently do not have sufficient capacity", "aws")
QUOTA = classify("VcpuLimitExceeded: your current vCPU limit of 0", "aws")
EMPTY = classify("ReservationCapacityExceeded: The requested reservation does not have sufficient", "aws")


def after(verdict, candidate, now=NOW, memory=None):
    return remember_all(memory or Memory(), [verdict], candidate, now)


def test_a_stockout_blocks_type_zone_and_market_for_minutes_and_nothing_else(candidate):
    memory = after(STOCKOUT, candidate)
    assert memory.blocking(candidate, NOW + 599)
    assert not memory.blocking(candidate, NOW + 601)
    for other in (
        make(zones=("use1-az6",)),
        make(purchase="spot"),
        make(machine_type="p5en.48xlarge"),
        make(region="us-west-2", zones=("usw2-az2",)),
        make(cloud="gcp", region="us-central1", zones=("us-central1-a",), machine_type="a3-highgpu-8g"),
    ):
        assert not memory.blocking(other, NOW), other.describe()


def test_every_repeat_doubles_the_hold_up_to_four_hours(candidate):
    memory, now, holds = Memory(), NOW, []
    for _ in range(7):
        memory = after(STOCKOUT, candidate, now, memory)
        free = memory.free_at(candidate, now)
        holds.append((free - now) / 60)
        now = free
    assert holds == [10, 20, 40, 80, 160, 240, 240]


def test_a_quota_blocks_its_bucket_in_its_region_until_it_is_changed(candidate):
    memory = after(QUOTA, candidate)
    year = 365 * 86400
    assert memory.blocking(make(machine_type="p4d.24xlarge", zones=("use1-az6",)), NOW + year)
    assert memory.free_at(candidate, NOW) == inf
    assert not memory.blocking(make(machine_type="g6.12xlarge"), NOW)
    assert not memory.blocking(make(purchase="spot"), NOW)
    assert not memory.blocking(make(region="us-west-2"), NOW)
    assert not memory.forget(["quota"]).blocking(candidate, NOW)


def test_a_quota_of_other_things_blocks_the_region(candidate):
    memory = after(
        classify("VpcLimitExceeded: The maximum number of VPCs has been reached.", "aws"), candidate
    )
    assert memory.blocking(make(machine_type="g6.12xlarge", purchase="spot"), NOW)
    assert not memory.blocking(make(region="us-west-2"), NOW)


def test_a_global_gpu_quota_blocks_the_cloud():
    here = make(cloud="gcp", region="us-central1", zones=("us-central1-a",), machine_type="g2-standard-4")
    memory = after(classify("Quota 'GPUS_ALL_REGIONS' exceeded. Limit: 0.0 globally.", "gcp"), here)
    there = make(cloud="gcp", region="europe-west4", zones=("europe-west4-a",), machine_type="a3-highgpu-8g")
    assert memory.blocking(there, NOW)
    assert not memory.blocking(make(), NOW)


def test_an_empty_reservation_blocks_itself_and_not_the_zone():
    reserved = make(purchase="reservation", reservation="cr-1")
    memory = after(EMPTY, reserved)
    assert memory.blocking(reserved, NOW)
    assert not memory.blocking(make(), NOW)
    assert not memory.blocking(make(purchase="reservation", reservation="cr-2"), NOW)


def test_what_is_not_sold_is_out_for_good_however_it_is_bought(candidate):
    verdict = classify(
        "Unsupported: Your requested instance type is not supported in your Availability Zone", "aws"
    )
    memory = after(verdict, candidate)
    assert memory.blocking(make(purchase="spot"), NOW + 10 * 365 * 86400)
    assert memory.prune(NOW + 365 * 86400).failures
    assert not memory.blocking(make(zones=("use1-az6",)), NOW)


def test_a_google_stockout_blocks_only_the_zone_that_it_names():
    wide = make(
        cloud="gcp",
        region="us-central1",
        zones=("us-central1-a", "us-central1-b"),
        machine_type="a3-highgpu-8g",
    )
    text = "The zone 'projects/p/zones/us-central1-b' does not have enough resources available"
    memory = after(classify(text, "gcp"), wide)
    assert memory.blocking(wide, NOW)
    assert not memory.blocking(make(**_like(wide, zones=("us-central1-a",))), NOW)
    assert memory.blocking(make(**_like(wide, zones=("us-central1-b",))), NOW)


def _like(candidate, **changes):
    keys = ("cloud", "region", "zones", "machine_type", "purchase")
    return {key: getattr(candidate, key) for key in keys} | changes


def test_a_stop_puts_nothing_out(candidate):
    assert after(classify("UnauthorizedOperation: You are not authorized"), candidate) == Memory()


def test_a_missing_spot_role_puts_spot_out_and_leaves_the_rest(candidate):
    verdict = classify("AuthFailure.ServiceLinkedRoleCreationNotPermitted: ...", "aws")
    memory = after(verdict, make(purchase="spot"))
    assert memory.blocking(make(purchase="spot", region="us-west-2"), NOW)
    assert not memory.blocking(candidate, NOW)


def test_success_disproves_what_covered_it(candidate):
    memory = after(STOCKOUT, candidate)
    assert memory.succeeded(candidate) == Memory()
    assert memory.succeeded(make(zones=("use1-az6",))) == memory


failures = st.builds(
    make_failure,
    st.sampled_from([STOCKOUT, QUOTA, EMPTY]),
    st.sampled_from([make(), make(zones=("use1-az6",)), make(purchase="spot"), make(region="us-west-2")]),
    st.integers(0, 10**6).map(lambda offset: NOW + offset),
)


def _remembered(items):
    memory = Memory()
    for item in items:
        memory = memory.remember(item)
    return memory


memories = st.lists(failures, max_size=6).map(_remembered)


@given(memories, memories)
def test_merging_is_the_same_both_ways_and_repeats_nothing(one, two):
    assert set(one.merge(two).failures) == set(two.merge(one).failures)
    assert set(one.merge(two).merge(two).failures) == set(one.merge(two).failures)


@given(memories, failures)
def test_remembering_never_shortens_a_hold(memory, failure):
    before = {(item.kind, item.scope): item for item in memory.failures}
    old = before.get((failure.kind, failure.scope))
    if old is None or failure.since < old.since or failure.until is None:
        return
    key = (failure.kind, failure.scope)
    new = next(item for item in memory.remember(failure).failures if (item.kind, item.scope) == key)
    assert new.until >= failure.until
