"""Durations out of what a deployment leaves behind: engine events while it runs, time stamps of its state.

The Pulumi engine reports no duration per resource. It stamps an event before and one after each operation,
in whole seconds, so that is the resolution here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gpuyard.leadtime.measured import SECONDS_MAX, Measurement
from gpuyard.leadtime.names import (
    ADD_ONS,
    CERTIFICATE,
    CONTROL_PLANE,
    LOAD_BALANCER,
    NAT,
    NETWORK,
    NODE_BOOT,
    POD_START,
)
from gpuyard.records import record

_SPANS = {
    NETWORK: (
        "aws:ec2/vpc:Vpc",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/internetGateway:InternetGateway",
        "gcp:compute/network:Network",
        "gcp:compute/subnetwork:Subnetwork",
    ),
    ADD_ONS: (
        "aws:eks/addon:Addon",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:helm.sh/v4:Chart",
    ),
}
"""Phases made of several resources: from the first that begins to the last that ends."""
_SINGLE = {
    "aws:ec2/natGateway:NatGateway": NAT,
    "gcp:compute/routerNat:RouterNat": NAT,
    "aws:eks/cluster:Cluster": CONTROL_PLANE,
    "gcp:container/cluster:Cluster": CONTROL_PLANE,
    "aws:eks/nodeGroup:NodeGroup": NODE_BOOT,
    "gcp:container/nodePool:NodePool": NODE_BOOT,
    "aws:lb/loadBalancer:LoadBalancer": LOAD_BALANCER,
    "aws:acm/certificateValidation:CertificateValidation": CERTIFICATE,
    "kubernetes:apps/v1:Deployment": POD_START,
    "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet": POD_START,
}
"""Phases that one resource is."""
_CREATING = frozenset({"create", "create-replacement"})


@record
class Subject:
    """What a logical name stands for, as the plan knows it."""

    endpoint: str = ""
    machine_type: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class _Span:
    urn: str
    type: str
    start: float
    end: float

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


def measure_events(
    events: Iterable[Mapping[str, Any]], subjects: Mapping[str, Subject] | None = None
) -> tuple[Measurement, ...]:
    """Durations of everything that was created, from engine events as the Pulumi CLI writes them.

    ``events`` have ``timestamp`` (seconds since 1970) and one of ``resourcePreEvent``, ``resOutputsEvent``
    and ``resOpFailedEvent``; others are passed over, as are operations without an end, or that failed.
    ``subjects``, by logical name, says which node pools and Deployments belong to which endpoint. A pool or
    Deployment that it does not name is left out: system nodes and controllers say nothing about GPUs.
    """
    begun: dict[str, float] = {}
    spans: list[_Span] = []
    for event in events:
        stamp = event.get("timestamp")
        if isinstance(stamp, bool) or not isinstance(stamp, int | float):
            continue
        before, after = _metadata(event, "resourcePreEvent"), _metadata(event, "resOutputsEvent")
        failed = _metadata(event, "resOpFailedEvent")
        if before is not None and before.get("op") in _CREATING:
            begun[str(before.get("urn"))] = float(stamp)
        elif failed is not None:
            begun.pop(str(failed.get("urn")), None)
        elif after is not None and after.get("op") in _CREATING:
            urn = str(after.get("urn"))
            start = begun.pop(urn, None)
            if start is not None and start <= stamp:
                spans.append(_Span(urn, str(after.get("type")), start, float(stamp)))
    return _measurements(spans, subjects or {}, "created")


def measure_state(
    state: Mapping[str, Any], subjects: Mapping[str, Subject] | None = None
) -> tuple[Measurement, ...]:
    """Upper bounds from ``pulumi stack export``: a resource began once all that it depends on was there.

    The state has when each resource was complete (``created``), not when it was begun. Waiting for a free
    worker, or for anything that is no dependency, counts too. Resources whose dependencies are newer than
    they are (a replacement) are left out.
    """
    deployment = state.get("deployment")
    listed = deployment.get("resources") if isinstance(deployment, Mapping) else state.get("resources")
    resources = [found for found in listed or () if isinstance(found, Mapping) and found.get("urn")]
    ends = {str(found["urn"]): when for found in resources if (when := _moment(found.get("created")))}
    spans = []
    for found in resources:
        urn = str(found["urn"])
        needs = [ends[need] for need in found.get("dependencies") or () if need in ends]
        if urn in ends and needs and max(needs) <= ends[urn]:
            spans.append(_Span(urn, str(found.get("type")), max(needs), ends[urn]))
    return _measurements(spans, subjects or {}, "created, from time stamps of the state: at most this long")


def _measurements(
    spans: Sequence[_Span], subjects: Mapping[str, Subject], how: str
) -> tuple[Measurement, ...]:
    found = []
    for phase, types in _SPANS.items():
        parts = [span for span in spans if span.type in types]
        if parts:
            first, last = min(span.start for span in parts), max(span.end for span in parts)
            found.append(_measured(phase, last - first, last, f"{len(parts)} resources {how}"))
    for span in spans:
        phase = _SINGLE.get(span.type)
        subject = subjects.get(span.name)
        if phase is None or (phase in (NODE_BOOT, POD_START) and subject is None):
            continue
        found.append(
            _measured(
                phase, span.end - span.start, span.end, f"{span.type} {span.name} {how}", subject or Subject()
            )
        )
    return tuple(item for item in found if item is not None)


def _measured(
    phase: str, seconds: float, end: float, what: str, subject: Subject | None = None
) -> Measurement | None:
    if seconds > SECONDS_MAX:
        return None
    subject = subject or Subject()
    return Measurement(
        phase=phase,
        seconds=seconds,
        date=datetime.fromtimestamp(end, UTC).date(),
        what=what,
        endpoint=subject.endpoint,
        machine_type=subject.machine_type,
        region=subject.region,
    )


def _metadata(event: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    payload = event.get(key)
    metadata = payload.get("metadata") if isinstance(payload, Mapping) else None
    return metadata if isinstance(metadata, Mapping) else None


_FRACTION = re.compile(r"(\.\d{6})\d+")


def _moment(text: Any) -> float | None:
    """Seconds since 1970 of an RFC 3339 time with up to nanoseconds; None: it is none."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        return None
    return None if found.tzinfo is None else found.timestamp()
