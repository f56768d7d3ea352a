"""From the options of `gpuyard capacity` to ladders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, Interconnect, OrderKey, Purchase, Weights
from gpuyard.capacity.known import Known
from gpuyard.capacity.ladder import rank_offerings
from gpuyard.capacity.rung import Ladder, Rung
from gpuyard.catalog.evidence import Evidence
from gpuyard.catalog.geography import known_places
from gpuyard.catalog.hardware import find_gpu
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.places import regions
from gpuyard.cli.capacity_input import load_deployment, load_evidence
from gpuyard.errors import Finding, did_you_mean

if TYPE_CHECKING:
    from gpuyard.cli.capacity_failures import Blocked, FailuresSeen

AD_HOC = "request"
"""Name of the demand that options make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked, with its ladders."""

    stack: str
    """Empty: a demand from options."""
    live_code: int = 0
    """Exit code of asking the clouds; 0: it went well, or was not wanted."""
    known: Known
    ladders: tuple[Ladder, ...]
    projects: Mapping[tuple[str, str], str]
    """Google project by cloud and region, for quota requests."""
    active: Mapping[str, str]
    """Offering of the lock's active rung, by endpoint."""
    why_nots: tuple[str, ...]
    notes: tuple[Finding, ...] = ()
    """What is wrong with the stack's lock."""
    seen: "FailuresSeen | None" = None
    """The stack's failure memory."""

    def project(self, cloud: str, region: str) -> str:
        """The Google project of a region; of ``global`` the first one; empty: not known."""
        found = self.projects.get((cloud, region), "")
        if found or cloud != "gcp" or region != "global":
            return found
        return next((project for (at, _), project in self.projects.items() if at == "gcp"), "")

    def failures(self) -> "tuple[Blocked, ...]":
        """What failed lately and is still out."""
        return self.seen.current() if self.seen else ()

    def next_rung(self, ladder: Ladder) -> int | None:
        """Place of the rung to try now, from 1; None: every rung is kept out, or there is none."""
        if not ladder.rungs:
            return None
        index = self.seen.next_rung(ladder) if self.seen else 0
        return None if index is None else index + 1

    def blocking(self, endpoint: str, rung: Rung) -> "Blocked | None":
        """The failure that keeps a rung out; None: it is free."""
        return self.seen.blocking(endpoint, rung) if self.seen else None


def read_request(options: Mapping[str, Any]) -> Request:
    """The ladders that the options ask for.

    Raises:
        SpecError: a stack or file that cannot be read.
        click.UsageError: a name that the catalog does not have.
    """
    if options["gpus"]:
        if options["stack"]:
            raise click.UsageError("give --stack or --gpu, not both")
        return _ad_hoc(options)
    return _of_stack(options)


def _ad_hoc(options: Mapping[str, Any]) -> Request:
    demand = Demand(
        endpoint=AD_HOC,
        needs=tuple(
            GpuNeed(
                accelerator=_named(find_gpu, gpu),
                gpus_per_replica=options["count"],
                nodes_per_replica=options["nodes"],
                reason="",
            )
            for gpu in options["gpus"]
        ),
        replicas_min=options["replicas"],
        replicas_max=options["replicas"],
        purchases=_members("--purchase", Purchase, options["purchases"]) or tuple(Purchase),
        regions=_regions(options),
        usd_per_gpu_hour_max=options["max_usd_per_gpu_hour"],
        one_zone=not options["spread"],
        interconnects=_members("--interconnect", Interconnect, options["interconnects"]),
        residency=_residency(options["residency"]),
        start_by=options["start_by"] and options["start_by"].date(),
        end=options["end"] and options["end"].date(),
        usd_budget=options["budget"],
        order=_members("--order", OrderKey, [part.strip() for part in options["order"].split(",")]),
        weights=Weights(usd_per_hour_unserved=options["unserved"]),
    )
    code, evidence = _evidence(options, [demand], Path())
    known = Known(evidence=evidence)
    return Request(
        stack="",
        live_code=code,
        known=known,
        ladders=(rank_offerings(demand, known),),
        projects={},
        active={},
        why_nots=tuple(options["why_nots"]),
    )


def _of_stack(options: Mapping[str, Any]) -> Request:
    from gpuyard.capacity.lock import lock_file_name
    from gpuyard.capacity.lock_file import read_lock
    from gpuyard.cli.capacity_failures import read_failures
    from gpuyard.stack.demands import known_of, make_demands
    from gpuyard.stack.lock_check import check_lock

    stack, deployment, folder = load_deployment(options["directory"], options["stack"])
    demands = make_demands(deployment, folder)
    project = next((place.project for place in deployment.places if place.project), "")
    code, evidence = _evidence(options, demands, folder, project)
    known = known_of(deployment, evidence)
    path = folder / lock_file_name(stack)
    lock = read_lock(path) if path.exists() else None
    seen = read_failures(folder, stack)
    ladders: list[Ladder] = []
    in_use: list[tuple[str, str]] = []
    for demand in demands:
        ladder = rank_offerings(demand, known, in_use)
        ladders.append(ladder)
        if ladder.rungs:
            in_use.append((ladder.rungs[0].cloud, ladder.rungs[0].region))
    endpoints = lock.endpoints if lock else {}
    return Request(
        stack=stack,
        live_code=code,
        known=known,
        ladders=tuple(ladders),
        projects={
            (str(place.cloud), region): place.project
            for place in deployment.places
            for region in place.regions
            if place.project
        },
        active={name: locked.rungs[locked.active].offering for name, locked in endpoints.items()},
        why_nots=tuple(options["why_nots"]),
        notes=(*(check_lock(stack, demands, lock) if demands else ()), *seen.findings),
        seen=seen,
    )


def _evidence(
    options: Mapping[str, Any], demands: Sequence[Demand], folder: Path, project: str = ""
) -> tuple[int, Evidence]:
    """What the clouds answered, asked now with --live, and how asking went (0: well, or not asked)."""
    if not options["live"] or not demands:
        return 0, load_evidence(options["evidence_file"], folder)
    from gpuyard.catalog.evidence_file import EVIDENCE_FILE
    from gpuyard.cli.live import ask_clouds

    path = options["evidence_file"] or folder / EVIDENCE_FILE
    code = ask_clouds(demands, path, options, project)
    return code, load_evidence(path if path.exists() else None, folder)


def _regions(options: Mapping[str, Any]) -> tuple[AllowedRegion, ...]:
    clouds = options["clouds"] or ("aws", "gcp")
    wanted, zones = options["regions"], tuple(options["zones"])
    everything = [(cloud, region) for cloud in clouds for region in regions(cloud)]
    for name in wanted:
        if not any(region == name for _, region in everything):
            hint = did_you_mean(name, [region for _, region in everything])
            raise click.UsageError(
                f'"{name}" is no region of {" or ".join(clouds)} in the catalog'
                + (f"; {hint}" if hint else "")
            )
    return tuple(
        AllowedRegion(cloud=cloud, region=region, zones=zones)
        for cloud, region in everything
        if not wanted or region in wanted
    )


def _residency(places: Sequence[str]) -> tuple[str, ...]:
    for place in places:
        if place.lower() not in known_places():
            hint = did_you_mean(place, known_places()) or "use eu, an area such as europe, or a country code"
            raise click.UsageError(f'"{place}" is no place that the catalog knows; {hint}')
    return tuple(places)


def _members(option: str, kind: Any, words: Sequence[str]) -> tuple[Any, ...]:
    members = []
    for word in words:
        key = word.lower().replace("-", "_")
        if key not in list(kind):
            hint = did_you_mean(key, kind) or "allowed: " + ", ".join(kind)
            raise click.UsageError(f'{option}: "{word}" is not one of them; {hint}')
        members.append(kind(key))
    return tuple(dict.fromkeys(members))


def _named(find: Any, word: str) -> str:
    try:
        return find(word).id
    except UnknownName as error:
        raise click.UsageError(str(error)) from None
