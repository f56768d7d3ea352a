"""A rehearsal: the loop that `gpuyard up` runs, against simulated clouds, along a simulated clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from gpuyard.failover.candidate import Candidate
from gpuyard.failover.classify import classify
from gpuyard.failover.events import (
    Action,
    Clean,
    Cleaned,
    Done,
    Event,
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
from gpuyard.failover.loop import SLOW, State, make_state, step
from gpuyard.failover.scenario import Expectation, Scenario, scenario_candidates
from gpuyard.failover.settings import Settings
from gpuyard.failover.world import World, cluster_usd_per_hour

START = 1_767_225_600.0
"""Midnight of 2026-01-01 UTC, so that times of day read as time since the start."""
_LOOK_UP_S = 5.0
_MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline."""

    at_s: float
    """Seconds from the start."""
    what: str
    """``try``, ``refused``, ``timed_out``, ``wait``, ``look_up``, ``serving``, ``lost``, ``bought``,
    ``clean`` or ``end``."""
    text: str
    classes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"at_s": round(self.at_s), "what": self.what, "text": self.text, "classes": list(self.classes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How a scenario went."""

    outcome: Outcome
    timeline: tuple[Moment, ...]
    rungs: Mapping[str, int]
    """The rung that serves at the end, by endpoint; empty where none does."""
    placed: Mapping[str, str]
    """The same in words."""
    tries: int
    classes: tuple[str, ...]
    """Of every refusal, in order."""
    ended_s: float
    """When the last search was over: serving again, or given up."""
    first_served_s: float | None
    """From the start to the first token; None: never."""
    down_s: float
    """Without service after the first time."""
    usd: float
    """Spent until `ended_s`: clusters, machines that came, abandoned ones."""
    usd_per_hour: float
    """Of what stands at the end."""
    has_unknown_price: bool
    state: State

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "outcome": str(self.outcome),
            "rungs": dict(self.rungs),
            "placed": dict(self.placed),
            "tries": self.tries,
            "classes": list(self.classes),
            "first_served_s": None if self.first_served_s is None else round(self.first_served_s),
            "ended_s": round(self.ended_s),
            "down_s": round(self.down_s),
            "usd": round(self.usd, 2),
            "usd_per_hour": round(self.usd_per_hour, 2),
            "has_unknown_price": self.has_unknown_price,
            "timeline": [moment.as_dict() for moment in self.timeline],
        }


def rehearse(
    scenario: Scenario,
    ladders: Mapping[str, tuple[Candidate, ...]] | None = None,
    active: Mapping[str, int] | None = None,
    settings: Settings | None = None,
) -> Rehearsal:
    """Play ``scenario``, on its own ladders or on those of a stack, with its settings or the stack's."""
    ladders = ladders or scenario_candidates(scenario)
    first = dict.fromkeys(ladders, 0) | dict(active if active is not None else scenario.active)
    return _Play(scenario, ladders, first, settings or loop_settings(scenario)).run()


def misses(scenario: Expectation, rehearsal: Rehearsal) -> list[str]:
    """What ended otherwise than expected, one sentence each; empty: nothing."""
    problems = []
    checks = [
        ("outcome", scenario.outcome, str(rehearsal.outcome)),
        ("tries", scenario.tries, rehearsal.tries),
        ("classes", list(map(str, scenario.classes)) or None, list(rehearsal.classes)),
    ]
    problems += [
        f"{name} is {found}, expected {wanted}"
        for name, wanted, found in checks
        if wanted is not None and wanted != found
    ]
    problems += [
        f"{name} ends on rung {rehearsal.rungs.get(name)}, expected {index}"
        for name, index in scenario.rungs.items()
        if rehearsal.rungs.get(name) != index
    ]
    minutes = rehearsal.ended_s / 60
    if scenario.minutes_min is not None and minutes < scenario.minutes_min:
        problems.append(f"it ends after {minutes:.1f} min, expected {scenario.minutes_min:g} at least")
    if scenario.minutes_max is not None and minutes > scenario.minutes_max:
        problems.append(f"it ends after {minutes:.1f} min, expected {scenario.minutes_max:g} at most")
    return problems


def loop_settings(scenario: Scenario) -> Settings:
    """The scenario's limits as the loop takes them."""
    given = scenario.settings
    return Settings(
        rung_s=60 * given.rung_minutes,
        queue_s=3600 * given.queue_hours,
        total_s=3600 * given.total_hours,
        wait_s=60 * given.wait_minutes,
        retries=given.retries,
        keeps_clusters=given.abandoned == "keep",
        probes=given.probes,
        acknowledged=given.acknowledge_purchase,
    )


class _Play:
    """One rehearsal while it runs."""

    def __init__(
        self,
        scenario: Scenario,
        ladders: Mapping[str, tuple[Candidate, ...]],
        active: Mapping[str, int],
        settings: Settings,
    ) -> None:
        self._scenario, self._world = scenario, World(scenario, ladders)
        self._state = make_state(ladders, active, settings=settings)
        self._timeline: list[Moment] = []
        self._classes: list[str] = []
        self._tries = 0
        self._bought: set[str] = set()
        self._now = 0.0
        self._first_served: float | None = None
        self._lost_at: float | None = None
        self._down = 0.0

    def run(self) -> Rehearsal:
        action = self._step(Started(now=START))
        for _ in range(_MOST_STEPS):
            match action:
                case Done():
                    lost = self._serve(action)
                    if lost is None:
                        return self._result(Outcome.SERVING)
                    action = self._step(lost)
                case Stop(outcome=outcome, because=because):
                    self._note("end", f"{outcome}: {because}")
                    return self._result(outcome)
                case _:
                    action = self._step(self._perform(action))
        raise AssertionError("a rehearsal that does not end is a bug of the loop; please report it")

    def _step(self, event: Event) -> Action:
        self._state, action = step(self._state, event)
        return action

    def _perform(self, action: Action) -> Event:
        match action:
            case Try():
                return self._try(action)
            case Probe(selection=selection):
                return self._probe(selection)
            case Wait(until=until, because=because):
                self._note("wait", because)
                self._now = until - START
                return Woke(now=until)
            case Clean(selection=selection, keeps_clusters=keeps):
                return self._clean(selection, keeps_clusters=keeps)
            case _:
                raise TypeError(f"no rehearsal for {type(action).__name__}; please report it")

    def _try(self, action: Try) -> Event:
        self._tries += 1
        limit = self._now + action.limit_s
        for candidate in action.selection.values():
            self._note("try", f"{candidate.endpoint}: {candidate.describe()}")
            rate = cluster_usd_per_hour(candidate.cloud, candidate.region)
            self._world.bill.start(candidate.place, self._now, rate)
        answers = {
            name: self._world.answer(candidate, self._now, action.limit_s)
            for name, candidate in action.selection.items()
        }
        late = tuple(name for name, answer in answers.items() if answer.at > limit)
        refused = {name: answer for name, answer in answers.items() if answer.message and name not in late}
        ready = frozenset(name for name in answers if name not in late and name not in refused)
        if late:
            ended = limit
        elif refused:
            ended = max(answer.at if name in refused else answer.node_at for name, answer in answers.items())
        else:
            ended = max(answer.at for answer in answers.values())
        for name, candidate in action.selection.items():
            if self._now + 60 * self._scenario.durations.cluster <= ended:
                self._world.clusters.add(candidate.place)
            if name in ready and candidate.is_purchase and name not in self._bought:
                self._world.bill.usd += candidate.usd_upfront or 0.0
                self._bought.add(name)
                self._note(
                    "bought", f"{candidate.offering} for {candidate.usd_upfront:,.2f} USD, not refundable"
                )
            if name in ready:
                self._world.bill.start(_machines(candidate), answers[name].node_at, candidate.usd_per_hour)
        self._now = ended
        if not late and not refused:
            self._remove_others(action.selection)
            return Succeeded(now=START + ended)
        refusals = tuple(
            Refusal(endpoint=name, verdict=classify(answer.message, action.selection[name].cloud))
            for name, answer in refused.items()
        )
        if late and not refused:
            self._refuse("timed_out", [(name, SLOW) for name in late])
            return TimedOut(now=START + ended, endpoints=late, ready=ready)
        refusals += tuple(Refusal(endpoint=name, verdict=SLOW) for name in late)
        self._refuse("refused", [(item.endpoint, item.verdict) for item in refusals])
        return Refused(now=START + ended, refusals=refusals, ready=ready)

    def _probe(self, selection: Mapping[str, Candidate]) -> Event:
        self._now += _LOOK_UP_S
        messages = {name: self._world.look_up(item, self._now) for name, item in selection.items()}
        refusals = tuple(
            Refusal(endpoint=name, verdict=classify(message, selection[name].cloud))
            for name, message in messages.items()
            if message
        )
        if refusals:
            self._refuse("look_up", [(item.endpoint, item.verdict) for item in refusals])
        return Probed(now=START + self._now, refusals=refusals)

    def _clean(self, selection: Mapping[str, Candidate], *, keeps_clusters: bool) -> Event:
        kept = ", its clusters kept" if keeps_clusters else ""
        self._note("clean", f"what abandoned rungs left is removed{kept}")
        self._now += 60 * self._scenario.durations.removal
        self._remove_others(selection, delay=0, keeps_clusters=keeps_clusters)
        return Cleaned(now=START + self._now)

    def _serve(self, action: Done) -> Lost | None:
        """Serve until something is taken back; None: nothing is, for as long as the rehearsal lasts."""
        names = ", ".join(f"{name} on {item.describe()}" for name, item in action.selection.items())
        self._note("serving", names)
        if self._first_served is None:
            self._first_served = self._now
        if self._lost_at is not None:
            self._down += self._now - self._lost_at
            self._lost_at = None
        losses = [
            (at, name, fault)
            for name, candidate in action.selection.items()
            for at, fault in self._world.losses(candidate, self._now)[:1]
        ]
        if not losses:
            return None
        at = min(at for at, _, _ in losses)
        if at > self._first_served + 3600 * self._scenario.hours:
            return None
        hit = [(name, fault) for when, name, fault in losses if when == at]
        self._now = self._lost_at = at
        verdicts = []
        for name, fault in hit:
            candidate = action.selection[name]
            self._world.bill.stop(_machines(candidate), at)
            verdicts.append((name, classify(self._world.message(fault, candidate), candidate.cloud)))
        self._refuse("lost", verdicts)
        refusals = tuple(Refusal(endpoint=name, verdict=verdict) for name, verdict in verdicts)
        return Lost(now=START + at, refusals=refusals)

    def _remove_others(
        self, selection: Mapping[str, Candidate], *, delay: float = inf, keeps_clusters: bool = False
    ) -> None:
        """Stop paying for everything but ``selection``; the last `up` removes it after the new stands."""
        kept = {_machines(item) for item in selection.values()} | {item.place for item in selection.values()}
        after = 60 * self._scenario.durations.removal if delay == inf else delay
        for name in [*self._world.bill.running]:
            if name not in kept and not (keeps_clusters and name in self._world.clusters):
                self._world.bill.stop(name, self._now + after)
                self._world.clusters.discard(name)

    def _refuse(self, what: str, verdicts: list[tuple[str, Any]]) -> None:
        self._classes += [str(verdict.kind) for _, verdict in verdicts]
        text = "; ".join(f"{name}: {verdict.kind}: {verdict.evidence}" for name, verdict in verdicts)
        self._note(what, text, tuple(str(verdict.kind) for _, verdict in verdicts))

    def _note(self, what: str, text: str, classes: tuple[str, ...] = ()) -> None:
        self._timeline.append(Moment(at_s=self._now, what=what, text=text, classes=classes))

    def _result(self, outcome: Outcome) -> Rehearsal:
        serving = self._state.in_service if outcome is Outcome.SERVING or self._state.serving else {}
        if self._lost_at is not None:
            self._down += self._now - self._lost_at
        return Rehearsal(
            outcome=outcome,
            timeline=tuple(self._timeline),
            rungs={name: item.rung for name, item in serving.items()},
            placed={name: item.describe() for name, item in serving.items()},
            tries=self._tries,
            classes=tuple(self._classes),
            ended_s=self._now,
            first_served_s=self._first_served,
            down_s=self._down,
            usd=self._world.bill.total(self._now),
            usd_per_hour=self._world.bill.rate(),
            has_unknown_price=self._world.bill.has_unknown,
            state=self._state,
        )


def _machines(candidate: Candidate) -> str:
    return f"{candidate.endpoint}: {candidate.describe()}"
