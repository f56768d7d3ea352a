"""The loop as a pure state machine: state and event in, state and action out.

It holds no clock, starts nothing and knows no engine: `automation` drives it with Pulumi, `drill` with
simulated clouds, tests with anything. What it keeps to:

- a rung whose scope is out is not tried before its time, and every refusal puts its rung out;
- while a rung is left that may be tried now, the run goes on, unless a refusal asks for a person;
- nothing is bought that was not acknowledged;
- it ends: every try costs its rung a hold, and the whole run has a limit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isinf

from gpuyard.failover.candidate import Candidate
from gpuyard.failover.classify import classify
from gpuyard.failover.events import (
    Action,
    Clean,
    Cleaned,
    Done,
    Event,
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
from gpuyard.failover.failure import Failure, Reaction, Verdict, make_failure
from gpuyard.failover.memory import Memory, lasts
from gpuyard.failover.settings import Settings
from gpuyard.failover.words import clock, describe_failure

MAX_TRIES = 1000
"""More than any ladder needs: holds alone bound a run of twelve hours well below."""
SLOW = classify("timed out waiting for capacity: nothing came within the time limit, and nobody said why")
_UNKNOWN = classify("")
_LONGEST_REPEAT_S = 600
"""The longest hold of throttling and of faults of the cloud (`failure_codes.yaml`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that a run knows. Made by `make_state`."""

    ladders: Mapping[str, tuple[Candidate, ...]]
    """Rungs by endpoint, best first."""
    active: Mapping[str, int]
    """The rung in the lock, by endpoint: tried first."""
    settings: Settings
    memory: Memory
    free: Mapping[str, tuple[float, ...]]
    """When each rung may be tried, by endpoint; infinite: not without a person. Follows from `memory`."""
    serving: Mapping[str, int] = field(default_factory=dict)
    """Rungs that have their machines. Those may be kept whatever the memory says."""
    places: frozenset[str] = frozenset()
    """Clusters that stand, in part at least."""
    started: float = 0.0
    tries: int = 0
    repeats: Mapping[str, int] = field(default_factory=dict)
    """Waits for the same rung in a row, by endpoint."""
    held: frozenset[str] = frozenset()
    """Endpoints whose rung is tried again, whatever is free elsewhere."""
    probed: frozenset[tuple[str, int]] = frozenset()
    tried: frozenset[tuple[str, int]] = frozenset()
    """Rungs that were refused in this run; those that were not come first."""
    ending: Stop | None = None
    """What follows once the cleaning is done."""

    @property
    def selection(self) -> dict[str, Candidate]:
        """The active rung of each endpoint."""
        return {name: self.ladders[name][index] for name, index in self.active.items()}

    @property
    def in_service(self) -> dict[str, Candidate]:
        """What has its machines now, by endpoint."""
        return {name: self.ladders[name][index] for name, index in self.serving.items()}

    def open_rungs(self, endpoint: str, now: float) -> list[int]:
        """Rungs of ``endpoint`` that may be tried at ``now``, best first."""
        return [index for index, time in enumerate(self.free[endpoint]) if time <= now]


def make_state(
    ladders: Mapping[str, tuple[Candidate, ...]],
    active: Mapping[str, int],
    *,
    settings: Settings,
    memory: Memory | None = None,
    serving: Mapping[str, int] | None = None,
    places: Iterable[str] = (),
) -> State:
    """The state before `Started`. ``serving`` and ``places`` say what stands already."""
    memory = memory or Memory()
    free = {
        name: tuple(_free_at(candidate, settings, memory) for candidate in ladder)
        for name, ladder in ladders.items()
    }
    return State(
        ladders=ladders,
        active=dict(active),
        settings=settings,
        memory=memory,
        free=free,
        serving=dict(serving or {}),
        places=frozenset(places),
    )


def step(state: State, event: Event) -> tuple[State, Action]:
    """What follows from ``event``."""
    now = event.now
    match event:
        case Started():
            return _choose(replace(state, started=now), now, "the rung of the lock comes first")
        case Interrupted():
            because = "interrupted; run again to go on from here"
            return state, Stop(outcome=Outcome.INTERRUPTED, because=because)
        case Probed(refusals=refusals):
            seen = {(name, state.active[name]) for name in state.active}
            return _refused(replace(state, probed=state.probed | seen), refusals, now)
        case Refused(refusals=refusals, ready=ready):
            return _refused(_ready(state, ready), refusals, now)
        case Lost(refusals=refusals):
            fresh = make_state(state.ladders, state.active, settings=state.settings, memory=state.memory)
            kept = {
                name: at for name, at in state.serving.items() if name not in {r.endpoint for r in refusals}
            }
            fresh = replace(fresh, serving=kept, places=state.places, started=now)
            return _refused(fresh, refusals, now)
        case TimedOut(endpoints=endpoints, ready=ready):
            slow = tuple(Refusal(endpoint=name, verdict=SLOW) for name in endpoints)
            return _refused(_ready(state, ready), slow, now)
        case Woke():
            return _choose(state, now, "the wait is over")
        case Succeeded():
            return _succeeded(state)
        case Cleaned(left=left):
            ending = state.ending or Stop(outcome=Outcome.STOPPED, because="cleaned")
            if left:
                ending = replace(ending, because=f"{ending.because} Could not be removed: {left}.")
            return replace(state, places=_places(state.in_service.values())), ending
        case _:
            raise TypeError(f"the loop knows no event {type(event).__name__}; please report it")


def _succeeded(state: State) -> tuple[State, Action]:
    memory = state.memory
    for candidate in state.selection.values():
        memory = memory.succeeded(candidate)
    done = replace(
        make_state(state.ladders, state.active, settings=state.settings, memory=memory),
        serving=dict(state.active),
        places=_places(state.selection.values()),
        started=state.started,
        tries=state.tries,
    )
    return done, Done(selection=done.selection, because="every endpoint serves")


def _ready(state: State, names: frozenset[str]) -> State:
    return replace(state, serving={**state.serving, **{name: state.active[name] for name in names}})


def _refused(state: State, refusals: Iterable[Refusal], now: float) -> tuple[State, Action]:
    refusals = tuple(refusals)
    stop = next((item.verdict for item in refusals if item.verdict.reaction is Reaction.STOP), None)
    if stop is not None:
        because = f"{stop.kind}: {stop.evidence}. Remedy: {stop.remedy}."
        return _end(state, Stop(outcome=Outcome.STOPPED, verdict=stop, because=because))
    repeats, held, tried = dict(state.repeats), set(state.held), set(state.tried)
    for item in refusals:
        name, candidate = item.endpoint, state.ladders[item.endpoint][state.active[item.endpoint]]
        waits = item.verdict.reaction is Reaction.WAIT
        repeats[name] = repeats.get(name, 0) + 1 if waits else 0
        gives_up = repeats[name] > state.settings.retries
        if waits and not gives_up:
            held.add(name)
            state = _remember(state, make_failure(item.verdict, candidate, now))
        else:
            held.discard(name)
            tried.add((name, state.active[name]))
            repeats[name] = 0
            state = _put_out(state, item.verdict, candidate, now, is_rung_only=gives_up)
    refused = {item.endpoint for item in refusals}
    serving = {
        name: index
        for name, index in state.serving.items()
        if name not in refused or index != state.active[name]
    }
    state = replace(state, repeats=repeats, held=frozenset(held), tried=frozenset(tried), serving=serving)
    return _choose(state, now, _because(refusals) or "nothing speaks against it")


def _choose(state: State, now: float, because: str) -> tuple[State, Action]:
    """The next rung of each endpoint, and what to do with it."""
    deadline = state.started + state.settings.total_s
    if now >= deadline or state.tries >= MAX_TRIES:
        text = f"the time for the whole run is over; {because}"
        return _end(state, Stop(outcome=Outcome.OUT_OF_TIME, because=text))
    active, waits = dict(state.active), {}
    state = replace(state, held=_still_held(state, now, deadline))
    for name, index in state.active.items():
        free = state.free[name]
        if state.serving.get(name) == index or (name in state.held and free[index] <= now):
            continue
        best = None if name in state.held else _best(state, name, now)
        if best is not None:
            active[name] = best
        else:
            waits[name] = free[index] if name in state.held else min(free)
    if waits:
        return _wait(state, waits, now, because)
    state = replace(state, active=active, held=frozenset())
    selection = state.selection
    unseen = {
        name: candidate
        for name, candidate in selection.items()
        if (name, active[name]) not in state.probed and state.serving.get(name) != active[name]
    }
    if state.settings.probes and unseen:
        return state, Probe(selection=unseen, because=because)
    limits = (
        state.settings.limit_s(item, has_cluster=item.place in state.places) for item in selection.values()
    )
    limit = min(max(limits), deadline - now)
    state = replace(state, tries=state.tries + 1, places=state.places | _places(selection.values()))
    return state, Try(selection=selection, limit_s=limit, because=because)


def _still_held(state: State, now: float, deadline: float) -> frozenset[str]:
    """Endpoints worth waiting for: what else came up meanwhile may have put their rung out for longer."""
    return frozenset(
        name
        for name in state.held
        if (until := state.free[name][state.active[name]]) < deadline and until - now <= _LONGEST_REPEAT_S
    )


def _best(state: State, name: str, now: float) -> int | None:
    """The rung to try: the active one, then the others in order; those refused in this run last."""
    index, free = state.active[name], state.free[name]
    order = [index, *range(len(free))]
    untried = (i for i in order if free[i] <= now and (name, i) not in state.tried)
    again = (i for i in range(len(free)) if free[i] <= now) if state.settings.wait_s > 0 else ()
    return next(untried, next(iter(again), None))


def _wait(state: State, waits: Mapping[str, float], now: float, because: str) -> tuple[State, Action]:
    """Until every endpoint has a rung again, if that is soon enough; else the end."""
    until = max(waits.values())
    is_repeat = set(waits) <= state.held
    deadline = state.started + state.settings.total_s
    is_soon = state.settings.wait_s > 0 and until - now <= state.settings.wait_s
    if now < until < deadline and (is_repeat or is_soon):
        what = "the same again" if is_repeat else "nothing is free"
        return state, Wait(until=until, because=f"{because}; {what} before {clock(until)}")
    later = ""
    if not isinf(until):
        later = f"; the next may be tried at {clock(until)} UTC" if until > now else "; run again later"
    reasons = dict.fromkeys(line for name in waits for line in _why_not(state, name, now))
    text = f"no rung is left for {', '.join(waits)}{later}. {'; '.join(reasons)}."
    return _end(state, Stop(outcome=Outcome.EXHAUSTED, because=text))


def _end(state: State, ending: Stop) -> tuple[State, Action]:
    """Stop, after what abandoned rungs left is removed; what served goes on serving."""
    kept = state.in_service
    has_partial = bool(state.places - _places(kept.values())) or dict(state.active) != dict(state.serving)
    state = replace(state, active={**state.active, **state.serving})
    if not state.tries or not has_partial:
        return state, ending
    return replace(state, ending=ending), Clean(
        selection=kept,
        keeps_clusters=state.settings.keeps_clusters,
        because="what abandoned rungs left behind goes",
    )


def _put_out(
    state: State, verdict: Verdict, candidate: Candidate, now: float, *, is_rung_only: bool
) -> State:
    """Remember the verdict; where its scope leaves the candidate free, the rung itself is out as well."""
    if not is_rung_only:
        state = _remember(state, make_failure(verdict, candidate, now))
    index = state.ladders[candidate.endpoint].index(candidate)
    if state.free[candidate.endpoint][index] > now:
        return state
    rung = replace(_UNKNOWN, evidence=verdict.evidence, rule=verdict.rule, remedy=verdict.remedy)
    return _remember(state, make_failure(rung, candidate, now))


def _remember(state: State, failure: Failure) -> State:
    memory = state.memory.remember(failure)
    until, scope = lasts(memory.recall(failure)), failure.scope
    free = {
        name: tuple(
            until if time < until and scope.covers(candidate) else time
            for time, candidate in zip(times, state.ladders[name], strict=True)
        )
        for name, times in state.free.items()
    }
    return replace(state, memory=memory, free=free)


def _free_at(candidate: Candidate, settings: Settings, memory: Memory) -> float:
    if not settings.may_take(candidate):
        return inf
    holds = [lasts(item) for item in memory.failures if item.scope.covers(candidate)]
    return max(candidate.starts, *holds, 0.0)


def _places(candidates: Iterable[Candidate]) -> frozenset[str]:
    return frozenset(candidate.place for candidate in candidates)


def _because(refusals: Iterable[Refusal]) -> str:
    return "; ".join(f"{item.endpoint}: {item.verdict.kind} ({item.verdict.evidence})" for item in refusals)


def _price(candidate: Candidate) -> str:
    return "" if candidate.usd_upfront is None else f" {candidate.usd_upfront:.2f}"


def _why_not(state: State, name: str, now: float) -> list[str]:
    lines = []
    for candidate in state.ladders[name]:
        if candidate.obstacle:
            lines.append(f"{candidate.describe()}: {candidate.obstacle}")
        elif not state.settings.may_take(candidate):
            offer = candidate.offering or "an offering that `gpuyard lock` must find first"
            lines.append(
                f"{candidate.describe()} must be bought: acknowledge_purchase {offer}{_price(candidate)}"
            )
        else:
            failure = state.memory.blocking(candidate, now)
            if failure is not None:
                lines.append(describe_failure(failure, now))
    return lines
