"""A rehearsal as data: a ladder, what goes wrong when, and how it should end.

Shipped scenarios lie in `scenarios/`; a user's own file has the same shape
(`docs/reference/scenario.md`). Times are minutes from the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, field_validator, model_validator

from gpuyard.catalog.prices import on_demand, spot
from gpuyard.errors import Finding, SpecError, did_you_mean
from gpuyard.failover.candidate import Candidate, bucket_of
from gpuyard.failover.classify import classify
from gpuyard.failover.failure import FailureClass
from gpuyard.parsing import Spec, parse_spec

SHIPPED = Path(__file__).parent / "scenarios"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Fault(StrEnum):
    """What can go wrong in a rehearsal."""

    STOCKOUT = "stockout"
    QUOTA = "quota"
    NOT_SOLD = "not_sold"
    RESERVATION_TAKEN = "reservation_taken"
    PERMISSION = "permission"
    CONFIGURATION = "configuration"
    THROTTLE = "throttle"
    REGION_DOWN = "region_down"
    ADDRESS_SPACE = "address_space"
    SILENT = "silent"
    """Nothing comes and nobody says why."""
    UNKNOWN = "unknown"
    SLOW_BOOT = "slow_boot"
    """Machines come, but take `factor` times as long."""
    RECLAIM = "reclaim"
    """Machines that serve are taken back at `from_minutes`."""
    BLOCK_END = "block_end"
    """A capacity block ends at `from_minutes`."""


class ScenarioRung(Spec):
    """A rung of the scenario's own ladder."""

    cloud: str = Field(pattern="^(aws|gcp)$")
    region: str = Field(min_length=1)
    zones: tuple[str, ...] = ()
    machine_type: str = Field(min_length=1)
    purchase: str = "on_demand"
    nodes: int = Field(default=1, ge=1)
    usd_per_hour: float | None = Field(default=None, ge=0)
    """Of all its nodes. Default the catalog's price."""
    reservation: str = ""
    offering: str = ""
    usd_upfront: float | None = Field(default=None, ge=0)


class Where(Spec):
    """Which rungs a fault hits: those of a rung's scope, or those that agree with all that is set."""

    rung: int | None = Field(default=None, ge=0)
    scope: str = Field(
        default="offering", pattern="^(offering|place|bucket|region|cloud|purchase|reservation)$"
    )
    """How far it reaches around `rung`."""
    cloud: str = ""
    region: str = ""
    zone: str = ""
    machine_type: str = ""
    purchase: str = ""


class ScenarioFault(Spec):
    """One thing that goes wrong."""

    what: Fault
    where: Where
    from_minutes: float = Field(default=0, ge=0)
    until_minutes: float | None = Field(default=None, ge=0)
    """None: for the whole rehearsal."""
    learn_minutes: float | None = Field(default=None, ge=0)
    """From asking to the refusal. Default what the cloud is known for: 2 at EKS, 35 at GKE, at once for
    quotas, permissions and throttling."""
    factor: float = Field(default=3, gt=1)
    """How much longer a slow boot takes."""
    says: str = ""
    """The cloud's words. Default a real message of that kind."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "ScenarioFault":
        if self.until_minutes is not None and self.until_minutes <= self.from_minutes:
            raise ValueError(
                f"until_minutes {self.until_minutes:g} is not after from_minutes {self.from_minutes:g}\n"
                "give a later end, or none"
            )
        return self


class ScenarioSettings(Spec):
    """Limits of the loop; defaults as in `failover` of a deployment."""

    rung_minutes: float = Field(default=30, gt=0)
    queue_hours: float = Field(default=4, gt=0)
    total_hours: float = Field(default=12, gt=0)
    wait_minutes: float = Field(default=0, ge=0)
    retries: int = Field(default=5, ge=0, le=50)
    probes: bool = True
    abandoned: str = Field(default="remove", pattern="^(remove|keep)$")
    acknowledge_purchase: Mapping[str, float] = Field(default_factory=dict)


class Durations(Spec):
    """How long things take when nothing is wrong, minutes."""

    cluster: float = Field(default=15, gt=0)
    node: float = Field(default=5, gt=0)
    serving: float = Field(default=8, gt=0)
    """From a Ready node to tokens: image, weights, engine."""
    removal: float = Field(default=10, gt=0)
    queue: float = Field(default=45, ge=0)
    """In the queue of flex-start and queued capacity."""


class Expectation(Spec):
    """How it should end. What is left out is not checked."""

    outcome: str = Field(pattern="^(serving|exhausted|stopped|out_of_time)$")
    rungs: Mapping[str, int] = Field(default_factory=dict)
    """The rung that serves at the end, by endpoint."""
    tries: int | None = Field(default=None, ge=0)
    classes: tuple[FailureClass, ...] = ()
    """Classes of the refusals, in their order."""
    minutes_min: float | None = Field(default=None, ge=0)
    minutes_max: float | None = Field(default=None, ge=0)
    """Bounds of the time until the end."""


class Scenario(Spec):
    """One rehearsal."""

    title: str = Field(min_length=3)
    about: str = ""
    ladders: Mapping[str, tuple[ScenarioRung, ...]] = Field(min_length=1)
    """Rungs by endpoint, best first."""
    active: Mapping[str, int] = Field(default_factory=dict)
    """Rung of the lock, by endpoint. Default the first."""
    faults: tuple[ScenarioFault, ...] = ()
    settings: ScenarioSettings = ScenarioSettings()
    durations: Durations = Durations()
    hours: float = Field(default=24, gt=0, le=24 * 31)
    """How long the rehearsal goes on after the endpoints serve, for what is taken back later."""
    expect: Expectation

    @field_validator("ladders")
    @classmethod
    def _has_rungs(
        cls, value: Mapping[str, tuple[ScenarioRung, ...]]
    ) -> Mapping[str, tuple[ScenarioRung, ...]]:
        empty = [name for name, rungs in value.items() if not rungs]
        if empty:
            raise ValueError(f"{', '.join(empty)} has no rungs\ngive each endpoint at least one")
        return value

    @model_validator(mode="after")
    def _refers_to_rungs(self) -> "Scenario":
        problems = [
            f"active.{name}: there is no rung {index} of {name}"
            for name, index in self.active.items()
            if not 0 <= index < len(self.ladders.get(name, ()))
        ]
        problems += [
            f"expect.rungs.{name}: there is no rung {index} of {name}"
            for name, index in self.expect.rungs.items()
            if not 0 <= index < len(self.ladders.get(name, ()))
        ]
        longest = max(len(rungs) for rungs in self.ladders.values())
        problems += [
            f"faults[{number}].where.rung: there is no rung {fault.where.rung}"
            for number, fault in enumerate(self.faults)
            if fault.where.rung is not None and fault.where.rung >= longest
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedScenario:
    """A scenario with the name that it is called by."""

    name: str
    scenario: Scenario


def shipped_scenarios() -> tuple[NamedScenario, ...]:
    """Every scenario of the package, by name."""
    return tuple(load_scenario(path) for path in sorted(SHIPPED.glob("*.yaml")))


def find_scenario(name: str) -> NamedScenario:
    """A shipped scenario by name, or the one in the file ``name``.

    Raises:
        SpecError: there is none, or the file is malformed: every problem in it.
    """
    shipped = SHIPPED / f"{name}.yaml"
    if "/" not in name and shipped.is_file():
        return load_scenario(shipped)
    path = Path(name)
    if path.is_file():
        return load_scenario(path)
    names = [item.stem for item in sorted(SHIPPED.glob("*.yaml"))]
    hint = did_you_mean(name, names)
    fix = (f"{hint}  " if hint else "") + "scenarios: " + ", ".join(names) + "; or give a YAML file"
    raise SpecError([Finding.error("UNKNOWN_SCENARIO", "scenario", f'there is no scenario "{name}"', fix)])


def load_scenario(path: Path) -> NamedScenario:
    """The scenario in the file at ``path``.

    Raises:
        SpecError: unreadable or malformed; every problem with its place.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 (a safe loader)
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read: {error.__class__.__name__}"
        raise SpecError([Finding.error("SCENARIO_INVALID", path.name, problem, "give a YAML file")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}:{mark.line + 1}:{mark.column + 1}" if mark else path.name
        problem = f"is not YAML: {getattr(error, 'problem', None) or 'cannot be parsed'}"
        raise SpecError([Finding.error("SCENARIO_INVALID", place, problem, "mend the line")]) from None
    return NamedScenario(name=path.stem, scenario=parse_scenario(data, path.name))


def parse_scenario(data: Any, place: str = "scenario") -> Scenario:
    """The scenario from its data.

    Raises:
        SpecError: every problem, each with its place.
    """
    scenario = parse_spec(Scenario, data if data is not None else {}, place)
    problems = []
    for number, fault in enumerate(scenario.faults):
        if fault.says and fault.what not in (Fault.SLOW_BOOT, Fault.UNKNOWN):
            kind = classify(fault.says).kind
            if kind not in _MEANS[fault.what]:
                message = f'"{fault.says[:60]}" means {kind}, not {fault.what}'
                problems.append(
                    Finding.error(
                        "SCENARIO_INVALID",
                        f"{place}.faults[{number}].says",
                        message,
                        "use a message of that kind",
                    )
                )
    if problems:
        raise SpecError(problems)
    return scenario


def scenario_candidates(scenario: Scenario) -> Mapping[str, tuple[Candidate, ...]]:
    """The scenario's own ladders."""
    return {
        name: tuple(_candidate(name, index, rung) for index, rung in enumerate(rungs))
        for name, rungs in scenario.ladders.items()
    }


_MEANS: Mapping[Fault, tuple[FailureClass, ...]] = {
    Fault.STOCKOUT: (FailureClass.STOCKOUT,),
    Fault.QUOTA: (FailureClass.QUOTA,),
    Fault.NOT_SOLD: (FailureClass.NOT_SOLD,),
    Fault.RESERVATION_TAKEN: (FailureClass.RESERVATION_EMPTY, FailureClass.RESERVATION_UNUSABLE),
    Fault.PERMISSION: (FailureClass.PERMISSION, FailureClass.ACCOUNT),
    Fault.CONFIGURATION: (FailureClass.CONFIGURATION,),
    Fault.THROTTLE: (FailureClass.THROTTLE,),
    Fault.REGION_DOWN: (FailureClass.TRANSIENT,),
    Fault.ADDRESS_SPACE: (FailureClass.ADDRESS_SPACE,),
    Fault.SILENT: (FailureClass.TIMEOUT,),
    Fault.RECLAIM: (FailureClass.STOCKOUT,),
    Fault.BLOCK_END: (FailureClass.RESERVATION_UNUSABLE,),
}


def _candidate(endpoint: str, index: int, rung: ScenarioRung) -> Candidate:
    return Candidate(
        endpoint=endpoint,
        rung=index,
        cloud=rung.cloud,
        region=rung.region,
        zones=rung.zones,
        machine_type=rung.machine_type,
        purchase=rung.purchase,
        nodes=rung.nodes,
        usd_per_hour=_usd_per_hour(rung),
        bucket=bucket_of(rung.cloud, rung.machine_type, rung.purchase),
        reservation=rung.reservation,
        offering=rung.offering,
        usd_upfront=rung.usd_upfront,
    )


def _usd_per_hour(rung: ScenarioRung) -> float | None:
    """As given, else from the catalog; what is bought up front costs nothing by the hour."""
    if rung.usd_per_hour is not None:
        return rung.usd_per_hour
    if rung.usd_upfront is not None or rung.reservation:
        return 0.0
    if rung.purchase == "spot":
        quote = spot(rung.cloud, rung.machine_type, rung.region)
        return None if quote is None else quote.p50 * rung.nodes
    listed = on_demand(rung.cloud, rung.machine_type, rung.region)
    return None if listed is None else listed.usd * rung.nodes
