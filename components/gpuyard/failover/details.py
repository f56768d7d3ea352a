"""What a refusal names: zones, machine type, quota, limit, reservation."""

import re
from dataclasses import dataclass

from gpuyard.catalog.hardware import find_machine_type
from gpuyard.catalog.names import UnknownName

_AWS_ZONE = r"[a-z]{2}(?:-gov)?-[a-z]+-\d[a-z]"
_AWS_ZONE_ID = r"[a-z]{2,4}\d-az\d{1,2}"
_GCP_ZONE = r"[a-z]+-[a-z]+\d{1,2}-[a-z]"
_ZONE = rf"(?:{_GCP_ZONE}|{_AWS_ZONE}|{_AWS_ZONE_ID})"
_ZONES_REFUSED = re.compile(
    rf"(?:zones/|availability zone[^.;]{{0,60}}?\(|zone ['\"]?|zone: |in the |zones? )({_ZONE})\b",
    re.IGNORECASE,
)
_ZONES_OPEN = re.compile(
    r"(?:or choosing|choose from these availability zones:|zonesavailable: ?|trying your request in the)\s*"
    rf"((?:{_ZONE}[,\s]*(?:and )?)+)",
    re.IGNORECASE,
)
_MACHINE = re.compile(r"\b([a-z]\d[a-z0-9-]*\.(?:\d*x?large|metal(?:-\d+xl)?|medium|small|micro|nano))\b")
_GCP_MACHINE = re.compile(r"\b((?:[a-z]\d[a-z]?)-(?:[a-z]+gpu|standard|highmem|highcpu|maxgpu)-\d+[a-z]*)\b")
_QUOTA = re.compile(
    r"(?i:quota) (?:metric )?['\"]?([A-Za-z0-9_./-]*[A-Z_-][\w./-]*)['\"]? (?:and limit .{0,60})?exceeded"
    r"|resource:? ['\"]([A-Z0-9_]+)['\"]"
    r"|exceed quota limits: ([\w./-]+)"
)
_LIMIT = re.compile(
    r"limit:? (?:of |is )?(\d+(?:\.\d+)?)|(?:vcpu|instance) limit of (\d+)|quota of '(\d+(?:\.\d+)?)'"
    r"|quota is '(\d+(?:\.\d+)?)'",
    re.IGNORECASE,
)
_RESERVATION = re.compile(
    r"\b(cr-[0-9a-f]{8,20})\b|reservation ['\"]([\w-]+)['\"]|reservations/([\w-]+)"
    r"|specific reservation ['\"]?([\w-]+)|given reservation with the following name: ([\w-]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What was found; empty: the message does not name it."""

    zones: tuple[str, ...]
    zones_open: tuple[str, ...]
    machine_type: str
    quota: str
    limit: float | None
    reservation: str


def find_details(text: str) -> Details:
    """What ``text`` (white space folded) names."""
    offered = tuple(
        dict.fromkeys(
            zone for found in _ZONES_OPEN.finditer(text) for zone in re.findall(_ZONE, found.group(1))
        )
    )
    refused = dict.fromkeys(found.group(1) for found in _ZONES_REFUSED.finditer(text))
    limit = _first(_LIMIT, text)
    return Details(
        zones=tuple(zone for zone in refused if zone not in offered),
        zones_open=offered,
        machine_type=_machine_type(text),
        quota=_first(_QUOTA, text),
        limit=float(limit) if limit else None,
        reservation=_first(_RESERVATION, text),
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return next((group for group in found.groups() if group), "") if found else ""


def _machine_type(text: str) -> str:
    """The first machine type that the catalog knows, else the first that looks like one."""
    names = [found.group(1) for pattern in (_MACHINE, _GCP_MACHINE) for found in pattern.finditer(text)]
    for name in names:
        try:
            return find_machine_type(name).id
        except UnknownName:
            continue
    return names[0] if names else ""
