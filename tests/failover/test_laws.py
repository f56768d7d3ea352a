"""Laws of the loop over random worlds: ladders, memories, faults and settings nobody chose.

A driver here plays the engine: it answers every action at random, and checks after each step what must
never happen.
"""

from math import isfinite

from hypothesis import event, given, settings
from hypothesis import strategies as st

from gpuyard.failover.classify import classify
from gpuyard.failover.drill import rehearse
from gpuyard.failover.events import (
    Clean,
    Cleaned,
    Done,
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
from gpuyard.failover.failure import Reaction
from gpuyard.failover.loop import make_state, step
from gpuyard.failover.memory import Memory, remember_all
from gpuyard.failover.scenario import Fault, Scenario
from gpuyard.failover.settings import Settings

from .conftest import NOW, make

MESSAGES = (
    "InsufficientInstanceCapacity: none",
    "VcpuLimitExceeded: your current vCPU limit of 0",
    "VpcLimitExceeded: The maximum number of VPCs has been reached.",
    "Unsupported: not supported in your requested Availability Zone",
    "ReservationCapacityExceeded: no place",
    "RequestLimitExceeded: Request limit exceeded.",
    "ServiceUnavailableException: try again",
    "InsufficientFreeAddresses: no address",
    "a refusal that nobody has seen",
    "UnauthorizedOperation: You are not authorized",
    "GPUS_ALL_REGIONS exceeded. Limit: 0.0 globally.",
)
VERDICTS = {text: classify(text) for text in MESSAGES}

PLACES = (
    ("aws", "us-east-1", ("use1-az4",), "p5.48xlarge"),
    ("aws", "us-east-1", ("use1-az6",), "p5.48xlarge"),
    ("aws", "us-east-1", ("use1-az4", "use1-az6"), "g6.12xlarge"),
    ("aws", "us-west-2", ("usw2-az2",), "p5en.48xlarge"),
    ("gcp", "us-central1", ("us-central1-a",), "a3-highgpu-8g"),
    ("gcp", "us-central1", (), "g2-standard-48"),
    ("gcp", "europe-west4", ("europe-west4-b",), "a3-highgpu-8g"),
)
WAYS = (
    {"purchase": "on_demand"},
    {"purchase": "spot"},
    {"purchase": "flex_start"},
    {"purchase": "reservation", "reservation": "cr-1"},
    {"purchase": "capacity_block", "offering": "cb-1", "usd_upfront": 2000.0},
    {"purchase": "calendar", "offering": "cb-2"},
)


@st.composite
def ladders(draw):
    names = draw(st.sampled_from([("chat",), ("chat", "embed")]))
    made = {}
    for name in names:
        rungs = draw(
            st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(WAYS)), min_size=1, max_size=7)
        )
        made[name] = tuple(
            make(cloud, region, zones, machine, rung=index, endpoint=name, **way)
            for index, ((cloud, region, zones, machine), way) in enumerate(rungs)
        )
    return made


@st.composite
def worlds(draw):
    made = draw(ladders())
    memory = Memory()
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(sorted(made)))
        candidate = draw(st.sampled_from(made[name]))
        verdict = VERDICTS[draw(st.sampled_from(MESSAGES))]
        memory = remember_all(memory, [verdict], candidate, NOW - draw(st.integers(0, 2000)))
    options = Settings(
        wait_s=draw(st.sampled_from([0, 600, 7200])),
        total_s=draw(st.sampled_from([600, 3 * 3600, 12 * 3600])),
        retries=draw(st.integers(0, 3)),
        probes=draw(st.booleans()),
        keeps_clusters=draw(st.booleans()),
        acknowledged=draw(st.sampled_from([{}, {"cb-1": 2000.0}, {"cb-1": 1.0}, {"cb-2": 9e9}])),
    )
    active = {name: draw(st.integers(0, len(rungs) - 1)) for name, rungs in made.items()}
    serving = {name: index for name, index in active.items() if draw(st.booleans())}
    return make_state(made, active, settings=options, memory=memory, serving=serving)


class Engine:
    """Answers at random, and keeps what a cloud would keep: which pools stand."""

    def __init__(self, state, draw):
        self.draw, self.state, self.now = draw, state, NOW
        self.pools = {(name, index) for name, index in state.serving.items()}
        self.bought = set()
        self.steps = 0
        self.given_up = NOW

    def run(self):
        action = self.step(Started(now=self.now))
        while not isinstance(action, Stop | Done):
            action = self.step(self.answer(action))
        return action

    def step(self, happened):
        self.steps += 1
        assert self.steps < 5000, "the loop does not end"
        before = self.state
        self.state, action = step(self.state, happened)
        if isinstance(action, Clean) or (isinstance(action, Stop) and not before.ending):
            self.given_up = self.now
        self.check(before, action)
        return action

    def answer(self, action):
        if isinstance(action, Wait):
            self.now = action.until
            return Woke(now=self.now)
        self.now += self.draw(st.sampled_from([0, 5, 120, 2400]))
        if isinstance(action, Clean):
            kept = {(name, item.rung) for name, item in action.selection.items()}
            self.pools &= kept
            return Cleaned(now=self.now, left=self.draw(st.sampled_from(["", "a network"])))
        names = sorted(action.selection)
        refused = [name for name in names if self.draw(st.integers(0, 3)) > 0]
        if isinstance(action, Probe):
            refusals = self.refusals(refused if self.draw(st.booleans()) else [])
            return Probed(now=self.now, refusals=refusals)
        for name, candidate in action.selection.items():
            if candidate.is_purchase and (name, candidate.rung) not in self.pools:
                self.bought.add(candidate.offering)
            self.pools.add((name, candidate.rung))
        if not refused:
            self.pools = {(name, item.rung) for name, item in action.selection.items()}
            return Succeeded(now=self.now)
        ready = frozenset(names) - frozenset(refused)
        if self.draw(st.booleans()):
            self.now += action.limit_s
            return TimedOut(now=self.now, endpoints=tuple(refused), ready=ready)
        return Refused(now=self.now, refusals=self.refusals(refused), ready=ready)

    def refusals(self, names):
        return tuple(
            Refusal(endpoint=name, verdict=VERDICTS[self.draw(st.sampled_from(MESSAGES))]) for name in names
        )

    def check(self, before, action):
        state, now = self.state, self.now
        if isinstance(action, Try | Probe):
            for name, candidate in action.selection.items():
                serves = (
                    before.serving.get(name) == candidate.rung or state.serving.get(name) == candidate.rung
                )
                blocking = state.memory.blocking(candidate, now)
                assert serves or blocking is None, f"{candidate.describe()} is out: {blocking}"
                assert state.settings.may_take(candidate) or serves
        if isinstance(action, Wait):
            assert now < action.until < state.started + state.settings.total_s
            assert isfinite(action.until)
        if isinstance(action, Try):
            assert 0 < action.limit_s <= state.settings.total_s
        for name, times in state.free.items():
            for candidate, time in zip(state.ladders[name], times, strict=True):
                if state.settings.may_take(candidate):
                    assert (time <= now) == (state.memory.blocking(candidate, now) is None)


@given(worlds(), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_the_clouds_say_the_loop_keeps_its_laws(state, data):
    engine = Engine(state, data.draw)
    action = engine.run()
    final = engine.state
    event(type(action).__name__ + (f" {action.outcome}" if isinstance(action, Stop) else ""))
    # never buys without acknowledgement
    assert engine.bought <= set(final.settings.acknowledged)
    # never ends with two active copies
    for name in final.ladders:
        standing = [index for endpoint, index in engine.pools if endpoint == name]
        assert len(standing) <= 1, f"{name} stands on rungs {standing}"
    if isinstance(action, Done):
        assert engine.pools == {(name, item.rung) for name, item in action.selection.items()}
    # never stops while an untried feasible rung is left
    if isinstance(action, Stop) and action.outcome is Outcome.EXHAUSTED:
        lacking = [
            name
            for name in final.ladders
            if name not in final.serving
            and not any((name, index) not in final.tried for index in final.open_rungs(name, engine.given_up))
        ]
        assert lacking, "it gave up although every endpoint had a rung left"
    if isinstance(action, Stop) and action.outcome is Outcome.STOPPED:
        assert action.verdict.reaction is Reaction.STOP


@given(worlds(), st.data())
@settings(max_examples=40, deadline=None)
def test_capacity_that_is_lost_again_and_again_ends_like_any_run(state, data):
    engine = Engine(state, data.draw)
    action = engine.run()
    for _ in range(3):
        if not isinstance(action, Done):
            break
        name = data.draw(st.sampled_from(sorted(engine.state.ladders)))
        engine.pools -= {(name, engine.state.active[name])}
        refusal = Refusal(endpoint=name, verdict=VERDICTS[MESSAGES[0]])
        action = engine.step(Lost(now=engine.now, refusals=(refusal,)))
        while not isinstance(action, Stop | Done):
            action = engine.step(engine.answer(action))
    assert isinstance(action, Stop | Done)


FAULTS = [kind for kind in Fault if kind not in (Fault.RECLAIM, Fault.BLOCK_END)]


@st.composite
def scenarios(draw):
    rungs = [
        {
            "cloud": cloud,
            "region": region,
            "zones": list(zones),
            "machine_type": machine,
            "usd_per_hour": 50.0,
        }
        | draw(st.sampled_from(WAYS[:4]))
        for cloud, region, zones, machine in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=5))
    ]
    faults = [
        {
            "what": str(draw(st.sampled_from(FAULTS))),
            "where": {
                "rung": draw(st.integers(0, len(rungs) - 1)),
                "scope": draw(st.sampled_from(["offering", "place", "bucket", "region", "cloud"])),
            },
            "from_minutes": (start := draw(st.integers(0, 60))),
            "until_minutes": draw(st.none() | st.integers(start + 1, 600)),
        }
        for _ in range(draw(st.integers(0, 5)))
    ]
    faults += [
        {"what": "reclaim", "where": {"rung": draw(st.integers(0, len(rungs) - 1))}, "from_minutes": 200}
        for _ in range(draw(st.integers(0, 1)))
    ]
    return Scenario.model_validate(
        {
            "title": "random",
            "ladders": {"chat": rungs},
            "faults": faults,
            "settings": {"wait_minutes": draw(st.sampled_from([0, 60])), "probes": draw(st.booleans())},
            "expect": {"outcome": "serving"},
        }
    )


@given(scenarios())
@settings(max_examples=80, deadline=None)
def test_random_rehearsals_end_and_add_up(scenario):
    result = rehearse(scenario)
    event(str(result.outcome))
    times = [moment.at_s for moment in result.timeline]
    assert times == sorted(times)
    assert result.usd >= 0
    assert result.usd_per_hour >= 0
    assert len(result.rungs) <= 1
    if result.outcome is Outcome.SERVING:
        assert set(result.rungs) == {"chat"}
        assert result.first_served_s is not None
    if not scenario.faults:
        assert (result.outcome, result.tries, result.rungs) == (Outcome.SERVING, 1, {"chat": 0})


@given(scenarios())
@settings(max_examples=20, deadline=None)
def test_equal_rehearsals_are_equal_to_the_last_digit(scenario):
    assert rehearse(scenario).as_dict() == rehearse(scenario).as_dict()
