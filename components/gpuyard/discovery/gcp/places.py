"""Regions, zones, machine types and accelerators of Google Cloud, and where it lists them."""

from collections.abc import Iterator, Sequence
from typing import Any

from gpuyard.catalog.evidence_items import MachineShape, Offering, Reason, Region, Zone
from gpuyard.discovery.asking import Trouble
from gpuyard.discovery.failure import Failure, KnownError
from gpuyard.discovery.gcp.client import GcpClients

NOW = "now"
"""Stands for the date until the answer has one."""


def region_of(zone: str) -> str:
    """The region of a zone's name or URL."""
    return zone.rpartition("/")[2].rpartition("-")[0]


def last_part(url: str) -> str:
    """The name at the end of a resource URL."""
    return url.rpartition("/")[2]


def list_regions(clients: GcpClients) -> Sequence[Any]:
    """Regions with their quotas, asked once."""
    return clients.once("regions", lambda: tuple(clients.compute("regions.list")))


def ask_regions(clients: GcpClients, wanted: Sequence[str]) -> Iterator[Region]:
    """Regions that the project may use."""
    for region in list_regions(clients):
        if region.name in wanted:
            yield Region(
                cloud="gcp",
                account=clients.project,
                region=region.name,
                enabled=region.status == "UP",
                as_of=NOW,
            )


def ask_zones(clients: GcpClients, wanted: Sequence[str]) -> Iterator[Zone]:
    """Zones of the regions."""
    for zone in clients.compute("zones.list"):
        region = region_of(zone.name)
        if region in wanted:
            yield Zone(
                cloud="gcp",
                account=clients.project,
                region=region,
                zone=zone.name,
                name=zone.name,
                available=zone.status == "UP",
                as_of=NOW,
            )


def ask_machine_types(
    clients: GcpClients, machine_types: Sequence[str], wanted: Sequence[str]
) -> Iterator[MachineShape | Trouble]:
    """Machine types as the regions list them; one record per region."""
    seen = set()
    for zone, machine in _machine_types(clients, machine_types):
        if isinstance(machine, Trouble):
            yield machine
            continue
        region = region_of(zone)
        if region in wanted and (region, machine.name) not in seen:
            seen.add((region, machine.name))
            gpus = list(machine.accelerators)
            yield MachineShape(
                cloud="gcp",
                region=region,
                machine_type=machine.name,
                vcpus=machine.guest_cpus,
                memory_mib=machine.memory_mb,
                gpu=gpus[0].guest_accelerator_type if gpus else "",
                gpus=sum(gpu.guest_accelerator_count for gpu in gpus),
                as_of=NOW,
            )


def ask_offerings(
    clients: GcpClients, machine_types: Sequence[str], wanted: Sequence[str]
) -> Iterator[Offering | Trouble]:
    """Zones that list the machine types."""
    for zone, machine in _machine_types(clients, machine_types):
        if isinstance(machine, Trouble):
            yield machine
        elif region_of(zone) in wanted:
            yield _offering(zone, machine.name)


def ask_accelerators(clients: GcpClients, wanted: Sequence[str]) -> Iterator[Offering | Trouble]:
    """Zones that list a GPU on its own, for machine types that it is attached to (N1)."""
    pages = clients.compute("acceleratorTypes.aggregatedList")
    for zone, found in entries(pages, "accelerator_types", wanted):
        yield found if isinstance(found, Trouble) else _offering(zone, found.name)


def entries(pages: Any, kind: str, wanted: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Zone and entry of an aggregated answer's lists in the regions; `Trouble` as `scopes` has it."""
    for zone, found in scopes(pages):
        if isinstance(found, Trouble):
            yield zone, found
        elif region_of(zone) in wanted:
            yield from ((zone, entry) for entry in getattr(found, kind))


def scopes(pages: Any) -> Iterator[tuple[str, Any]]:
    """Zone and list of an aggregated answer; a zone that did not answer gives a `Trouble`."""
    for scope, found in pages:
        zone = last_part(scope)
        if found is None or found.warning.code == "UNREACHABLE":
            message = f"{zone} did not answer" + (f": {found.warning.message}" if found else "")
            failure = Failure(
                reason=Reason.UNREACHABLE, message=message, fix="run it again; answers are kept"
            )
            yield zone, Trouble(KnownError(failure), region_of(zone) or zone)
        else:
            yield zone, found


def _machine_types(clients: GcpClients, machine_types: Sequence[str]) -> Iterator[tuple[str, Any]]:
    def ask() -> tuple[tuple[str, Any], ...]:
        names = " OR ".join(f'(name = "{name}")' for name in machine_types)
        pages = clients.compute("machineTypes.aggregatedList", filter=names)
        return tuple(scopes(pages))

    for zone, found in clients.once("machineTypes", ask):
        if isinstance(found, Trouble):
            yield zone, found
        else:
            for machine in found.machine_types:
                yield zone, machine


def _offering(zone: str, name: str) -> Offering:
    return Offering(cloud="gcp", region=region_of(zone), zone=zone, machine_type=name, as_of=NOW)
