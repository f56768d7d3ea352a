"""Single steps of the loop: what follows from what."""

import pytest

from gpuyard.failover.classify import classify
from gpuyard.failover.events import (
    Clean,
    Cleaned,
    Done,
    Interrupted,
    Lost,
    Outcome,
    Probe,
    Probed,
    Refusal,
    Refused,
    Started,
    Stop,
    Succeeded,
    TimedOut,
    Try,
    Wait,
    Woke,
)
from gpuyard.failover.loop import make_state, step
from gpuyard.failover.memory import Memory, remember_all
from gpuyard.failover.settings import Settings

from .conftest import NOW, make

STOCKOUT = classify("InsufficientInstanceCapacity: none", "aws")
QUOTA = classify("VcpuLimitExceeded: your current vCPU limit of 0", "aws")
DENIED = classify("UnauthorizedOperation: You are not authorized to perform ec2:RunInstances", "aws")
THROTTLED = classify("RequestLimitExceeded: Request limit exceeded.", "aws")

LADDER = (
    make(rung=0),
    make(rung=1, zones=("use1-az6",)),
    make(rung=2, region="us-west-2", zones=("usw2-az2",)),
    make(rung=3, cloud="gcp", region="us-central1", zones=("us-central1-a",), machine_type="a3-highgpu-8g"),
)


def begin(ladder=LADDER, active=0, **options):
    settings = Settings(**{"probes": False} | options.pop("settings", {}))
    state = make_state({"chat": ladder}, {"chat": active}, settings=settings, **options)
    return step(state, Started(now=NOW))


def refuse(state, verdict, now, endpoint="chat", **more):
    return step(state, Refused(now=now, refusals=(Refusal(endpoint=endpoint, verdict=verdict),), **more))


def tried(action):
    assert isinstance(action, Try), action
    return {name: candidate.rung for name, candidate in action.selection.items()}


def test_the_rung_of_the_lock_is_tried_first():
    _, action = begin(active=2)
    assert tried(action) == {"chat": 2}


def test_a_stockout_moves_one_rung_at_a_time():
    state, action = begin()
    rungs = [tried(action)["chat"]]
    for minute in range(3):
        state, action = refuse(state, STOCKOUT, NOW + minute)
        rungs.append(tried(action)["chat"])
    assert rungs == [0, 1, 2, 3]
    state, action = refuse(state, STOCKOUT, NOW + 9)
    assert isinstance(action, Clean)
    _, action = step(state, Cleaned(now=NOW + 10))
    assert isinstance(action, Stop)
    assert action.outcome is Outcome.EXHAUSTED
    assert "may be tried at" in action.because


def test_a_quota_skips_the_other_zones_of_its_region():
    state, _ = begin()
    _, action = refuse(state, QUOTA, NOW)
    assert tried(action) == {"chat": 2}


def test_a_missing_permission_stops_at_once_and_says_what_to_do():
    state, _ = begin()
    state, action = refuse(state, DENIED, NOW)
    assert isinstance(action, Clean)
    state, action = step(state, Cleaned(now=NOW, left="cluster prod"))
    assert (action.outcome, action.verdict) == (Outcome.STOPPED, DENIED)
    assert "ec2:RunInstances" in action.because
    assert "Could not be removed: cluster prod" in action.because
    assert state.memory == Memory()


def test_throttling_repeats_the_same_rung_later_and_gives_up_after_its_retries():
    state, action = begin(settings={"retries": 2})
    now = NOW
    for _ in range(2):
        state, action = refuse(state, THROTTLED, now)
        assert isinstance(action, Wait)
        assert action.until > now
        now = action.until
        state, action = step(state, Woke(now=now))
        assert tried(action) == {"chat": 0}
    state, action = refuse(state, THROTTLED, now)
    assert tried(action)["chat"] != 0


def test_a_wait_that_is_over_early_waits_on():
    state, _ = begin()
    state, action = refuse(state, THROTTLED, NOW)
    state, again = step(state, Woke(now=action.until - 1))
    assert (again.until, type(again)) == (action.until, Wait)


def test_a_time_limit_counts_as_a_refusal_of_the_rung():
    state, action = begin(settings={"rung_s": 60, "cluster_s": 30})
    assert action.limit_s == 90
    state, action = step(state, TimedOut(now=NOW + 90, endpoints=("chat",)))
    assert tried(action) == {"chat": 1}
    assert action.limit_s == 60, "the cluster stands by now"
    assert {item.kind for item in state.memory.failures} == {"timeout"}


def test_a_look_up_that_refuses_saves_the_try():
    state, action = begin(settings={"probes": True})
    assert isinstance(action, Probe)
    refusal = Refusal(endpoint="chat", verdict=QUOTA)
    state, action = step(state, Probed(now=NOW + 5, refusals=(refusal,)))
    assert isinstance(action, Probe)
    assert action.selection["chat"].rung == 2
    state, action = step(state, Probed(now=NOW + 10))
    assert tried(action) == {"chat": 2}
    assert state.tries == 1


def test_what_serves_is_kept_whatever_the_memory_says():
    memory = remember_all(Memory(), [STOCKOUT], LADDER[1], NOW)
    state, action = begin(active=1, memory=memory, serving={"chat": 1}, places=["aws us-east-1"])
    assert tried(action) == {"chat": 1}
    state, action = step(state, Succeeded(now=NOW + 60))
    assert isinstance(action, Done)
    assert state.memory == Memory(), "success disproves the stockout"


def test_a_failed_move_goes_back_to_what_served():
    """The lock moved from rung 3 to rung 0, which is refused like every other."""
    state, action = begin(active=0, serving={"chat": 3}, places=["gcp us-central1"])
    for _ in range(2):
        state, action = refuse(state, STOCKOUT, NOW)
    state, action = refuse(state, STOCKOUT, NOW)
    assert tried(action) == {"chat": 3}
    state, action = step(state, Succeeded(now=NOW + 5))
    assert action.selection["chat"].rung == 3
    assert state.places == {"gcp us-central1"}


def test_a_stop_cleans_but_leaves_what_served():
    state, _ = begin(active=0, serving={"chat": 3}, places=["gcp us-central1"])
    state, action = refuse(state, DENIED, NOW)
    assert isinstance(action, Clean)
    assert action.selection["chat"].rung == 3
    assert state.active == {"chat": 3}


def test_a_stop_before_anything_was_tried_cleans_nothing():
    memory = Memory()
    for candidate in LADDER:
        memory = remember_all(memory, [QUOTA], candidate, NOW)
    _, action = begin(memory=memory)
    assert isinstance(action, Stop)
    assert "until it is changed" in action.because


def test_an_interruption_stops_without_cleaning_so_that_a_second_run_resumes():
    state, _ = begin(active=1)
    state, action = step(state, Interrupted(now=NOW))
    assert (type(action), action.outcome) == (Stop, Outcome.INTERRUPTED)
    assert state.active == {"chat": 1}


def test_the_loop_waits_for_the_first_rung_to_come_free_when_it_may():
    state, action = begin(settings={"wait_s": 1200})
    for second in range(4):
        state, action = refuse(state, STOCKOUT, NOW + second)
    assert isinstance(action, Wait)
    assert action.until == NOW + 600
    _, action = step(state, Woke(now=action.until))
    assert tried(action) == {"chat": 0}


def test_the_run_ends_with_its_time():
    state, _ = begin(settings={"total_s": 100})
    state, action = refuse(state, STOCKOUT, NOW + 100)
    assert isinstance(action, Clean)
    _, action = step(state, Cleaned(now=NOW + 101))
    assert action.outcome is Outcome.OUT_OF_TIME


def test_a_try_never_gets_more_time_than_the_run_has():
    _, action = begin(settings={"total_s": 100})
    assert action.limit_s == 100


BLOCK = make(rung=1, purchase="capacity_block", offering="cb-1", usd_upfront=2360.0)


@pytest.mark.parametrize(
    ("acknowledged", "may"),
    [({}, False), ({"cb-1": 2360.0}, True), ({"cb-1": 2300.0}, False), ({"cb-2": 2360.0}, False)],
)
def test_a_purchase_needs_its_id_and_its_price(acknowledged, may):
    state, _ = begin((LADDER[0], BLOCK), settings={"acknowledged": acknowledged})
    _, action = refuse(state, STOCKOUT, NOW)
    assert isinstance(action, Try) is may


def test_an_offering_without_a_price_is_never_bought():
    state, _ = begin(
        (LADDER[0], make(rung=1, purchase="calendar", offering="cb-1")),
        settings={"acknowledged": {"cb-1": 1e9}},
    )
    state, action = refuse(state, STOCKOUT, NOW)
    _, action = step(state, Cleaned(now=NOW))
    assert isinstance(action, Stop)
    assert "acknowledge_purchase cb-1" in action.because


def test_an_endpoint_that_has_its_machines_keeps_them_while_another_moves():
    chat = (make(rung=0), make(rung=1, region="us-west-2", zones=("usw2-az2",)))
    embed = tuple(
        make(endpoint="embed", rung=index, machine_type="g6.12xlarge", zones=(zone,))
        for index, zone in enumerate(("use1-az4", "use1-az6"))
    )
    state = make_state(
        {"chat": chat, "embed": embed}, {"chat": 0, "embed": 0}, settings=Settings(probes=False)
    )
    state, _ = step(state, Started(now=NOW))
    state, action = refuse(state, STOCKOUT, NOW, ready=frozenset({"embed"}))
    assert tried(action) == {"chat": 1, "embed": 0}
    state, action = refuse(state, STOCKOUT, NOW)
    assert isinstance(action, Clean)
    assert set(action.selection) == {"embed"}


def test_lost_capacity_starts_a_new_search_elsewhere():
    state, _ = begin()
    state, _ = step(state, Succeeded(now=NOW + 600))
    state, action = step(state, Lost(now=NOW + 9000, refusals=(Refusal(endpoint="chat", verdict=STOCKOUT),)))
    assert tried(action) == {"chat": 1}
    assert state.serving == {}


def test_a_rung_that_this_run_was_refused_is_not_tried_again_without_a_wait():
    state, action = begin()
    rungs = []
    now = NOW
    while isinstance(action, Try):
        rungs.append(tried(action)["chat"])
        now += 3600
        state, action = refuse(state, STOCKOUT, now)
    assert rungs == [0, 1, 2, 3]


def test_walking_a_long_ladder_to_its_end_is_quick():
    """Every failure re-planned; SkyPilot 0.14.1 takes a minute for 36 candidates."""
    import time

    ladder = tuple(
        make(
            rung=i,
            region=f"r{i % 30}",
            zones=(f"z{i}",),
            purchase=("on_demand", "spot")[i % 2],
            bucket=f"b{i % 9}",
        )
        for i in range(200)
    )
    state, action = begin(ladder)
    begun, count = time.perf_counter(), 0
    while isinstance(action, Try):
        count += 1
        state, action = refuse(state, STOCKOUT, NOW + count / 100)
    assert count == 200
    assert time.perf_counter() - begun < 1.0


def test_an_endpoint_that_waits_moves_on_when_something_worse_comes_up():
    """chat is throttled; the quota that embed meets is the one that chat draws on."""
    chat = (make(rung=0), make(rung=1, region="us-west-2", zones=("usw2-az2",)))
    embed = tuple(make(endpoint="embed", rung=item.rung, **_place(item)) for item in chat)
    state = make_state(
        {"chat": chat, "embed": embed}, {"chat": 0, "embed": 0}, settings=Settings(probes=False)
    )
    state, _ = step(state, Started(now=NOW))
    both = (Refusal(endpoint="chat", verdict=THROTTLED), Refusal(endpoint="embed", verdict=QUOTA))
    _, action = step(state, Refused(now=NOW, refusals=both))
    assert tried(action) == {"chat": 1, "embed": 1}


def _place(candidate):
    return {"region": candidate.region, "zones": candidate.zones}


def test_what_the_lock_knows_to_be_short_or_over_is_not_tried():
    short = make(rung=0, obstacle="quota L-417A185B is short: needs 192 vCPU, limit 0, as of 2026-11-20")
    later = make(rung=1, starts=NOW + 86400)
    _, action = begin((short, later, make(rung=2, region="us-west-2", zones=("usw2-az2",))))
    assert tried(action) == {"chat": 2}
    _, action = begin((short, later))
    assert "limit 0" in action.because
