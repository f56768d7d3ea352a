"""A scenario at work: which rule meets an operation, how long it lasts, and what the cloud says."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gpuyard.catalog.hardware import find_machine_type
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.quotas import quotas_of
from gpuyard.errors import EngineError
from gpuyard.simulate.demand import MachineDemand
from gpuyard.simulate.gcp_names import last_part
from gpuyard.simulate.place import Place
from gpuyard.simulate.scenario import OF_MACHINES, Operation, Refusing, Rule, Scenario
from gpuyard.simulate.zones import aws_zones
from gpuyard.units import format_seconds

_DATA = Path(__file__).parent / "data" / "refusals.yaml"
_PREEMPTIBLE = ("spot", "flex_start", "queued")
"""Ways of buying that draw on Google's preemptible quota, or on AWS's spot quota."""
_MARKETS = {"spot": "Spot", "capacity_block": "Capacity Block"}


class Refusal(EngineError):  # noqa: N818 (what a cloud does, not what went wrong here)
    """A simulated cloud said no; the text is the cloud's own."""

    def __init__(self, message: str, *, kind: Refusing, rule: str, after: float) -> None:
        super().__init__(message)
        self.kind, self.rule, self.after = kind, rule, after


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One operation that a scenario may meddle with."""

    operation: Operation
    type: str
    name: str = ""
    place: Place
    inputs: Mapping[str, Any]
    demand: MachineDemand


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a scenario says of an operation."""

    takes: float
    """Simulated seconds."""
    refusal: Refusal | None
    struck: tuple[str, ...]
    """Rules to count one time."""


def judge(scenario: Scenario, ask: Ask, at: float, struck: Mapping[str, int]) -> Ruling:
    """The ruling on ``ask`` at simulated second ``at``; ``struck`` counts what each rule has refused so far.

    The first rule that matches and has a duration decides how long it takes. A refusal for want of machines
    stands only when every alternative that the resource allows is refused; any other at once.
    """
    rules = [
        (key, rule)
        for key, rule in _named(scenario)
        if rule.is_open(at) and (rule.times is None or struck.get(key, 0) < rule.times)
    ]
    alternatives = ask.demand.alternatives or (("", ""),)
    meeting = [
        (key, rule, [item for item in alternatives if rule.when.matches(_facts(ask, item))])
        for key, rule in rules
    ]
    meeting = [item for item in meeting if item[2]]
    takes = next((rule.takes for _, rule, _ in meeting if rule.takes is not None), 0.0)
    left, used = set(alternatives), []
    for key, rule, met in meeting:
        if rule.fail is None or (rule.fail in OF_MACHINES and not ask.demand.nodes):
            continue
        used.append(key)
        if rule.fail in OF_MACHINES:
            left -= set(met)
            if left:
                continue
        after = rule.takes if rule.takes is not None else takes
        text = rule.message or _words(rule.fail, ask, met[0], after)
        return Ruling(after, Refusal(text, kind=rule.fail, rule=rule.name or key, after=after), tuple(used))
    return Ruling(takes, None, ())


def _named(scenario: Scenario) -> list[tuple[str, Rule]]:
    return [(f"rules[{index}]", rule) for index, rule in enumerate(scenario.rules)]


def _facts(ask: Ask, alternative: tuple[str, str]) -> Mapping[str, tuple[str, ...]]:
    machine, zone = alternative
    names = dict(zip(ask.demand.zones, ask.demand.zone_names, strict=True))
    region = str(ask.inputs.get("region") or ask.place.region or "")
    location = str(ask.inputs.get("location") or "")
    if location:
        region = location.rpartition("-")[0] if location.count("-") == 2 else location
    return {
        "operation": (ask.operation,),
        "type": (ask.type,),
        "name": (ask.name,),
        "cloud": (ask.place.package,),
        "region": (region,),
        "zone": tuple(dict.fromkeys((zone, names.get(zone, zone)))) if zone else (),
        "machine_type": (machine,) if machine else (),
        "purchase": (ask.demand.purchase,) if machine else (),
    }


class _Words(dict[str, str]):
    """Places of a text that nothing fills keep their name."""

    def __missing__(self, key: str) -> str:
        return key.replace("_", " ")


def _words(kind: Refusing, ask: Ask, alternative: tuple[str, str], after: float) -> str:
    texts = _texts()[kind]
    text = texts.get(ask.type) or texts.get(ask.place.package)
    if text is None:
        return f"{kind.replace('_', ' ')}: {ask.type} {ask.name}"
    machine, zone = alternative
    demand, inputs = ask.demand, ask.inputs
    names = dict(zip(demand.zones, demand.zone_names, strict=True))
    metadata = inputs.get("metadata") or {}
    named = (inputs.get(key) for key in ("nodeGroupName", "name", "bucket"))
    physical = next((str(item) for item in named if item), str(metadata.get("name") or ask.name))
    kind_name = ask.type.rpartition(":")[2]
    region = str(ask.place.region or inputs.get("location") or "")
    return text.format_map(
        _Words(
            cluster=str(inputs.get("clusterName") or last_part(inputs.get("cluster")) or "cluster"),
            physical_name=physical,
            machine_type=machine or "machine",
            zone=zone or region,
            zone_name=names.get(zone, zone) or region,
            elsewhere=_elsewhere(ask, machine, names.get(zone, "")),
            region=region,
            project=ask.place.project or "project",
            namespace=str(metadata.get("namespace") or inputs.get("namespace") or "default"),
            market=_MARKETS.get(demand.purchase, "On-Demand"),
            nodes=str(max(1, demand.nodes)),
            reservation=demand.reservation or "reservation",
            subnet=next(iter(demand.subnets), "subnet"),
            waited=_go_duration(after),
            limit="0",
            quota=_quota(machine, demand.purchase),
            action=f"{ask.type.partition(':')[2].partition('/')[0]}:{ask.operation.capitalize()}{kind_name}",
            kind=kind_name,
            verb=ask.operation,
        )
    )


def _elsewhere(ask: Ask, machine: str, name: str) -> str:
    """EC2's hint at the other zones of the region; empty where the zone is not known."""
    if ask.place.package != "aws" or not name:
        return ""
    others = [other for other, _ in aws_zones(name[:-1]) if other != name]
    return (
        f" You can currently get {machine} capacity by not specifying an Availability Zone in your request"
        f" or choosing {', '.join(others)}."
        if others
        else ""
    )


def _quota(machine: str, purchase: str) -> str:
    """The quota that machines of this type count against, as the cloud calls it."""
    try:
        found = quotas_of(find_machine_type(machine), is_spot=purchase in _PREEMPTIBLE)
    except UnknownName:
        return "CPUS"
    codes = [code for quota in found for code in quota.code.split(" / ") if code != "GPUS_ALL_REGIONS"]
    apart = [code for code in codes if code.startswith("PREEMPTIBLE_") == (purchase in _PREEMPTIBLE)]
    return next(iter([*apart, *codes]), "GPUS_ALL_REGIONS")


def _go_duration(seconds: float) -> str:
    """As Go prints durations: ``35m4s``."""
    return format_seconds(seconds).replace(" min", "m").replace(" ", "") if seconds else "0s"


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    data = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    return {kind: texts for kind, texts in data.items() if kind != "as_of"}
