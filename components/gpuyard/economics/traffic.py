"""From demand to use: gigabytes, requests and nodes per month that follow from a plan and a load.

What no program says (bytes through a NAT gateway, capacity units of a load balancer) follows here from what a
deployment does say: image and weight bytes, replicas over the day, tokens. Everything else that goes into it
is an assumption with a name, and the report lists each with the numbers it led to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from gpuyard.economics.load import Load
from gpuyard.economics.replicas import ReplicaDay
from gpuyard.records import record
from gpuyard.units import GB, HOURS_PER_MONTH

ROLLOUTS_PER_MONTH = 2
"""A new runtime release appears about every two weeks (vLLM, 2026)."""
NODE_TURNOVERS_PER_MONTH = 1
"""Node images and security patches."""
BYTES_PER_INPUT_TOKEN = 4
"""English text in today's vocabularies."""
BYTES_PER_STREAMED_TOKEN = 250
"""One `chat.completion.chunk` event per token."""
BYTES_PER_REQUEST = 1500
"""Headers both ways."""
LOG_BYTES_PER_REQUEST = 200
"""One access-log line."""
LOG_BYTES_PER_REPLICA_HOUR = 360 * 250
"""One line of engine statistics every ten seconds."""
SECONDS_PER_CONNECTION = 60
"""Clients keep connections this long."""


@record
class Assumption:
    """One number that was assumed or derived, by name."""

    name: str
    value: float
    unit: str
    why: str
    """What it rests on."""


@record
class EndpointTraffic:
    """What one endpoint moves, as far as the plan knows."""

    endpoint: str
    cloud: str
    region: str
    cluster: str
    """Head of its resources' names."""
    pool: str
    """URN of its node pool; empty: none."""
    image_bytes: int | None
    weights_bytes: int | None
    weights_source: str
    """``hf``, ``s3``, ``gs`` or ``pvc``."""
    nodes_min: int
    replicas_per_node: int
    replicas_min: int
    nodes_per_replica: int = 1
    pool_zones: int = 1
    """Zones of the pool: GKE counts its nodes by zone."""
    is_exposed: bool = False
    load: Load | None = None
    day: ReplicaDay | None = None


@record
class DerivedUsage:
    """Use in the shape of a usage file, and what it rests on."""

    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    free: tuple[Mapping[str, Any], ...] = ()
    assumptions: tuple[Assumption, ...] = ()


@record
class Month:
    """What an endpoint does in a month."""

    nodes: float
    """Mean."""
    node_starts: float
    pod_starts: float
    nat_image_gb: float
    nat_weights_gb: float
    served_gb: float
    """Requests and answers."""
    log_gb: float

    @property
    def nat_gb(self) -> float:
        """Through NAT in all."""
        return self.nat_image_gb + self.nat_weights_gb


_NAT = {"aws": "aws:ec2/natGateway:NatGateway", "gcp": "gcp:compute/routerNat:RouterNat"}


def month_of(traffic: EndpointTraffic, hours_per_month: float = HOURS_PER_MONTH) -> Month:
    """What ``traffic`` amounts to in a month."""
    per_node, day = max(1, traffic.replicas_per_node), traffic.day
    by_hour = day.by_hour if day else ()
    # nodes of a cluster that exists are its owner's: none starts for us
    nodes_by_hour = (
        [max(traffic.nodes_min, -(-count // per_node) * traffic.nodes_per_replica) for count in by_hour]
        if traffic.pool
        else []
    )
    busy_days = hours_per_month / 24 * (traffic.load.days_per_week / 7 if traffic.load else 1)
    idle_nodes, idle_replicas = traffic.nodes_min, traffic.replicas_min
    mean = _mean(nodes_by_hour, idle_nodes, traffic.load)
    node_starts = _rises(nodes_by_hour, idle_nodes) * busy_days + NODE_TURNOVERS_PER_MONTH * mean
    replicas = day.mean if day else float(idle_replicas)
    pod_starts = (
        _rises(by_hour, idle_replicas) * busy_days
        + (ROLLOUTS_PER_MONTH + NODE_TURNOVERS_PER_MONTH) * replicas
    )
    pulls = (traffic.image_bytes or 0) * (node_starts + ROLLOUTS_PER_MONTH * mean)
    weights = (traffic.weights_bytes or 0) * pod_starts if traffic.weights_source == "hf" else 0.0
    requests = traffic.load.requests_per_month(hours_per_month) if traffic.load else 0.0
    served = 0.0
    if traffic.load:
        work = traffic.load.workload
        served = requests * (
            work.input_tokens * BYTES_PER_INPUT_TOKEN
            + work.output_tokens * BYTES_PER_STREAMED_TOKEN
            + BYTES_PER_REQUEST
        )
    logs = requests * LOG_BYTES_PER_REQUEST + replicas * hours_per_month * LOG_BYTES_PER_REPLICA_HOUR
    return Month(
        nodes=mean,
        node_starts=node_starts,
        pod_starts=pod_starts,
        nat_image_gb=pulls / GB,
        nat_weights_gb=weights / GB,
        served_gb=served / GB,
        log_gb=logs / GB,
    )


def derive_usage(
    endpoints: Sequence[EndpointTraffic],
    gateways: Mapping[str, int],
    hours_per_month: float = HOURS_PER_MONTH,
) -> DerivedUsage:
    """Use of the stack's resources. ``gateways``: NAT gateways by cluster; they share evenly."""
    resources: dict[str, dict[str, Any]] = {}
    nat: dict[tuple[str, str], float] = {}
    notes: list[Assumption] = []
    for traffic in endpoints:
        month = month_of(traffic, hours_per_month)
        if traffic.cloud in _NAT:
            key = traffic.cloud, traffic.cluster
            nat[key] = nat.get(key, 0.0) + month.nat_gb
        if traffic.pool and traffic.day:
            resources[traffic.pool] = _nodes(traffic, month)
        notes += _notes(traffic, month)
    for (cloud, cluster), gigabytes in nat.items():
        share = gigabytes / max(1, gateways.get(cluster, 1))
        resources[f"{_NAT[cloud]}::{cluster}*"] = {"monthly_data_processed_gb": round(share, 3)}
    return DerivedUsage(
        resources=resources,
        types=_balancers(endpoints, hours_per_month),
        free=_egress(endpoints, hours_per_month),
        assumptions=(*_shared(endpoints), *notes),
    )


def _nodes(traffic: EndpointTraffic, month: Month) -> dict[str, float]:
    if traffic.cloud == "gcp":
        return {"nodes": round(month.nodes / traffic.pool_zones, 12)}
    return {"instances": round(month.nodes, 12)}


def _mean(by_hour: Sequence[int], idle: int, load: Load | None) -> float:
    if not by_hour or load is None:
        return float(idle)
    busy = load.days_per_week / 7
    return busy * sum(by_hour) / len(by_hour) + (1 - busy) * idle


def _rises(by_hour: Sequence[int], idle: int) -> float:
    """How many are started in a busy day that begins and ends with ``idle``."""
    before = (idle, *by_hour)
    return float(sum(max(0, now - then) for then, now in zip(before, by_hour, strict=False)))


def _balancers(endpoints: Sequence[EndpointTraffic], hours: float) -> dict[str, dict[str, Any]]:
    """Capacity units of load balancers in front of exposed endpoints: connections and bytes."""
    exposed = [one for one in endpoints if one.is_exposed and one.load]
    if not exposed:
        return {}
    requests = sum(one.load.requests_per_month(hours) for one in exposed if one.load)
    per_second = requests / hours / 3600
    gigabytes = sum(month_of(one, hours).served_gb for one in exposed)
    aws = {
        "new_connections": round(per_second, 6),
        "active_connections": round(per_second * SECONDS_PER_CONNECTION, 6),
        "processed_bytes_gb": round(gigabytes / hours, 9),
    }
    return {
        "aws:lb/loadBalancer:LoadBalancer": aws,
        "gcp:compute/forwardingRule:ForwardingRule": {"monthly_ingress_data_gb": round(gigabytes, 3)},
    }


def _egress(endpoints: Sequence[EndpointTraffic], hours: float) -> tuple[Mapping[str, Any], ...]:
    """Answers that leave the cloud."""
    found: dict[tuple[str, str], float] = {}
    for one in endpoints:
        if one.is_exposed and one.load and one.cloud in _NAT:
            key = one.cloud, one.region
            found[key] = found.get(key, 0.0) + month_of(one, hours).served_gb
    return tuple(
        {"kind": f"{cloud}:data_transfer", "region": region, "monthly_outbound_internet_gb": round(gb, 3)}
        for (cloud, region), gb in found.items()
    )


def _shared(endpoints: Sequence[EndpointTraffic]) -> list[Assumption]:
    notes = [
        Assumption(
            name="rollouts",
            value=ROLLOUTS_PER_MONTH,
            unit="per month",
            why="a runtime release about every two weeks; each pulls the image and loads the weights again",
        ),
        Assumption(
            name="node turnovers",
            value=NODE_TURNOVERS_PER_MONTH,
            unit="per month",
            why="node images and patches",
        ),
    ]
    if any(one.load for one in endpoints):
        notes += [
            Assumption(
                name="bytes per input token",
                value=BYTES_PER_INPUT_TOKEN,
                unit="bytes",
                why="English text in today's vocabularies",
            ),
            Assumption(
                name="bytes per streamed token",
                value=BYTES_PER_STREAMED_TOKEN,
                unit="bytes",
                why="one chat.completion.chunk event each",
            ),
        ]
    return notes


def _notes(traffic: EndpointTraffic, month: Month) -> list[Assumption]:
    image = (
        f"{(traffic.image_bytes or 0) / GB:.3g} GB image" if traffic.image_bytes else "image of unknown size"
    )
    if traffic.weights_source == "hf":
        weights = f"{(traffic.weights_bytes or 0) / GB:.3g} GB weights from the hub"
    else:
        weights = "weights from a bucket or volume, which pass no NAT"
    lead = f"{traffic.endpoint}: "
    starts = f"{month.node_starts:.1f} node starts; {weights}, {month.pod_starts:.1f} pod starts"
    notes = [
        Assumption(
            name=f"{lead}logs",
            value=round(month.log_gb, 2),
            unit="GB per month",
            why=f"{LOG_BYTES_PER_REQUEST} bytes per request and a line of statistics every 10 s",
        )
    ]
    if traffic.pool:
        notes.append(
            Assumption(
                name=f"{lead}data through NAT",
                value=round(month.nat_gb, 1),
                unit="GB per month",
                why=f"{image}, {starts}",
            )
        )
    if traffic.pool and traffic.day:
        notes.append(
            Assumption(
                name=f"{lead}nodes",
                value=round(month.nodes, 2),
                unit="on average",
                why=_span(min(traffic.day.by_hour), traffic.day.peak),
            )
        )
    if traffic.load:
        notes.append(
            Assumption(
                name=f"{lead}requests and answers",
                value=round(month.served_gb, 1),
                unit="GB per month",
                why="tokens times bytes; they leave the cloud only where the endpoint is exposed",
            )
        )
    return notes


def _span(low: int, high: int) -> str:
    if low != high:
        return f"replicas over the day between {low} and {high}"
    return f"{low} replica{'' if low == 1 else 's'} all day"
