"""Walking a ladder: after every refusal the best rung that nothing keeps out, by scope."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuyard.capacity.ladder import rank_offerings
from gpuyard.capacity.walk import Place, Walk, places_of
from gpuyard.failover.candidate import Candidate
from gpuyard.failover.scope import Scope

from .conftest import make_demand

ZONES = ("a", "b", "c")
some_places = st.builds(
    Place,
    cloud=st.sampled_from(["aws", "gcp"]),
    region=st.sampled_from(["east", "west"]),
    zones=st.lists(st.sampled_from(ZONES), unique=True, max_size=3).map(tuple),
    machine_type=st.sampled_from(["p5", "a3"]),
    purchase=st.sampled_from(["spot", "on_demand"]),
    bucket=st.sampled_from(["L-1", "L-2"]),
    reservation=st.sampled_from(["", "cr-1"]),
)
some_scopes = st.builds(
    Scope,
    cloud=st.sampled_from(["aws", "gcp"]),
    region=st.sampled_from(["", "east", "north"]),
    zones=st.lists(st.sampled_from((*ZONES, "d")), unique=True, max_size=2).map(tuple),
    machine_type=st.sampled_from(["", "p5"]),
    purchase=st.sampled_from(["", "spot"]),
    bucket=st.sampled_from(["", "L-1"]),
    reservation=st.sampled_from(["", "cr-1"]),
)


def candidate(place: Place) -> Candidate:
    return Candidate(endpoint="chat", rung=0, nodes=1, usd_per_hour=None, **place._asdict())


@settings(max_examples=150, deadline=None)
@given(st.lists(some_places, max_size=12), st.lists(some_scopes, max_size=4))
def test_it_takes_out_exactly_what_the_failure_memory_would(places, scopes):
    walk = Walk(places)
    for scope in scopes:
        walk.refuse(scope)
    left = [
        index
        for index, place in enumerate(places)
        if not any(scope.covers(candidate(place)) for scope in scopes)
    ]
    assert walk.next() == (left[0] if left else None)


def test_a_walk_meets_every_rung_once_and_ends():
    places = places_of(rank_offerings(make_demand()).rungs)
    walk, seen = Walk(places), []
    while (index := walk.next()) is not None:
        seen.append(index)
        walk.refuse(places[index])
    assert seen == sorted(set(seen))
    distinct = {(p.cloud, p.region, p.zones, p.machine_type, p.purchase) for p in places}
    assert len(seen) == len(distinct)


def test_a_refused_quota_takes_out_every_type_of_its_bucket_and_region():
    rungs = rank_offerings(make_demand()).rungs
    walk = Walk(places_of(rungs, lambda rung: f"{rung.cloud}-{rung.purchase}"))
    scope = Scope(cloud="gcp", region="us-central1", bucket="gcp-spot")
    gone = walk.covered(scope)
    names = {(rungs[i].region, rungs[i].purchase) for i in range(len(rungs)) if gone >> i & 1}
    assert names == {("us-central1", "spot")}


def test_an_empty_ladder_has_no_next_rung():
    assert Walk(()).next() is None
