"""What stands beside AWS nodes and depends on more than a rate: balancers, endpoints, alarms, queues."""

from collections.abc import Iterator
from decimal import Decimal

from gpuyard.catalog.service_prices import service_price, service_tiers
from gpuyard.costs.aws_parts import BUCKET, PARTS, S3_CLASSES
from gpuyard.costs.line_item import (
    NETWORK,
    OBSERVABILITY,
    OTHER,
    Charge,
    Loads,
    always,
    charge,
    charge_tiers,
    unpriced,
    when_used,
)
from gpuyard.costs.parts import Part, charge_part
from gpuyard.costs.scene import Scene, count, listed, mapping, text, truth
from gpuyard.resources import Resource

_BALANCERS = {"application": ("alb", "LCU"), "network": ("nlb", "NLCU"), "gateway": ("gwlb", "GLCU")}
_UNIT_LIMITS = {
    "application": {
        "new_connections": 25,
        "active_connections": 3000,
        "processed_bytes_gb": 1,
        "rule_evaluations": 1000,
    },
    "network": {"new_connections": 800, "active_connections": 100_000, "processed_bytes_gb": 1},
    "gateway": {"new_connections": 600, "active_connections": 60_000, "processed_bytes_gb": 1},
}
"""What one capacity unit holds: connections per second, active per minute, GB per hour, rules per second
(Elastic Load Balancing pricing; TCP for network balancers)."""


def price_parts(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The parts that `PARTS` lists for the type."""
    region = scene.region(resource)
    for part in PARTS[resource.type]:
        yield from charge_part(resource, scene, part, region)


def price_balancer(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An application, network or gateway load balancer: hours, and capacity units where declared."""
    kind = text(resource.inputs.get("loadBalancerType"), "application")
    region = scene.region(resource)
    if kind not in _BALANCERS:
        yield unpriced(resource, f"{kind} load balancer", "no price of it", region)
        return
    service, unit = _BALANCERS[kind]
    hours = scene.hours_of(resource)
    hour = service_price("aws", service, "hour", region)
    name = f"{kind} load balancer"
    yield charge(resource, name, hour, always(hours), unit="hour", group=NETWORK, region=region)
    units = _capacity_units(resource, scene, kind)
    quantity = None if units is None else when_used(units * hours)
    price = service_price("aws", service, unit, region)
    yield charge(resource, unit, price, quantity, unit=f"{unit}-hour", group=NETWORK, region=region)


def _capacity_units(resource: Resource, scene: Scene, kind: str) -> Decimal | None:
    """Declared units, or those that the busiest declared dimension needs."""
    declared = scene.usage.amount(resource, "capacity_units")
    if declared is not None:
        return declared
    needed = [
        amount / limit
        for key, limit in _UNIT_LIMITS[kind].items()
        if (amount := scene.usage.amount(resource, key)) is not None
    ]
    return max(needed) if needed else None


def price_endpoint(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A VPC endpoint: gateways are free, interfaces cost by zone and by gigabyte."""
    region = scene.region(resource)
    kind = text(resource.inputs.get("vpcEndpointType"), "Gateway")
    if kind == "Gateway":
        return
    zones = len(listed(resource.inputs.get("subnetIds"))) or 1
    hour = service_price("aws", "vpc_endpoint", "interface hour per AZ", region)
    quantity = always(scene.hours_of(resource)) * zones
    name = f"{kind.lower()} endpoint"
    yield charge(resource, name, hour, quantity, unit="hour", group=NETWORK, region=region)
    item = "gateway load balancer data" if kind == "GatewayLoadBalancer" else "data processed"
    data = Part("data", "vpc_endpoint", item, "GB", NETWORK, "monthly_data_processed_gb")
    yield from charge_part(resource, scene, data, region)


def price_bucket(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A bucket: the standard class, and every other class whose use is declared."""
    region = scene.region(resource)
    for part in BUCKET:
        yield from charge_part(resource, scene, part, region)
    for part in S3_CLASSES:
        if scene.usage.amount(resource, part.usage) is not None:
            yield from charge_part(resource, scene, part, region)


def price_log_group(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """What a log group takes in, keeps and scans."""
    region = scene.region(resource)
    is_rare = resource.inputs.get("logGroupClass") == "INFREQUENT_ACCESS"
    ingest = "ingest, infrequent access" if is_rare else "ingest"
    for part in (
        Part("ingest", "cloudwatch_logs", ingest, "GB", OBSERVABILITY, "monthly_data_ingested_gb"),
        Part("archive", "cloudwatch_logs", "archive", "GB-month", OBSERVABILITY, "storage_gb"),
        Part(
            "Insights scan",
            "cloudwatch_logs",
            "insights scan",
            "GB",
            OBSERVABILITY,
            "monthly_data_scanned_gb",
        ),
    ):
        yield from charge_part(resource, scene, part, region)


def price_alarm(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A metric alarm, by the metrics it watches and its resolution; anomaly detection counts three."""
    inputs, region = resource.inputs, scene.region(resource)
    queries = [mapping(query) for query in listed(inputs.get("metricQueries"))]
    metrics = [mapping(query.get("metric")) for query in queries if query.get("metric")]
    periods = [count(block.get("period")) for block in (metrics or [inputs])]
    is_fast = any(period is not None and period < 60 for period in periods)
    number = len(metrics) or 1
    if any("ANOMALY_DETECTION_BAND" in text(query.get("expression")) for query in queries):
        number *= 3
    declared = scene.usage.amount(resource, "metrics")
    item = "alarm, high resolution" if is_fast else "alarm, standard resolution"
    price = service_price("aws", "cloudwatch", item, region)
    quantity = always(number if declared is None else declared)
    yield charge(
        resource, item, price, quantity, unit="alarm-metric-month", group=OBSERVABILITY, region=region
    )


def price_health_check(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A Route 53 health check and its optional features, dearer for endpoints outside AWS."""
    inputs = resource.inputs
    outside = ", outside AWS" if scene.usage.text(resource, "endpoint_type").lower() == "non_aws" else ""
    kind = text(inputs.get("type"))
    features = ("HTTPS" in kind) + ("STR_MATCH" in kind) + truth(inputs.get("measureLatency"))
    features += count(inputs.get("requestInterval")) == 10
    for item, number in ((f"health check{outside}", 1), (f"health check feature{outside}", features)):
        if number:
            price = service_price("aws", "route53", item, "all")
            yield charge(resource, item, price, always(number), unit="month", group=OTHER, region="all")


def price_queue(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A queue, by requests of up to 64 KB."""
    region = scene.region(resource)
    kind = "fifo" if truth(resource.inputs.get("fifoQueue")) else "standard"
    amount = scene.usage.amount(resource, "monthly_requests")
    size = scene.usage.amount(resource, "request_size_kb") or Decimal(1)
    chunks = max(Decimal(1), (size / 64).to_integral_value(rounding="ROUND_CEILING"))
    quantity = None if amount is None else when_used(amount * chunks / 1_000_000)
    price = service_price("aws", "sqs", f"{kind} requests", region)
    yield charge(resource, "requests", price, quantity, unit="million requests", group=OTHER, region=region)


def price_function(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A Lambda function, by requests and GB-seconds, tier by tier."""
    inputs, region = resource.inputs, scene.region(resource)
    requests = scene.usage.amount(resource, "monthly_requests")
    milliseconds = scene.usage.amount(resource, "request_duration_ms")
    memory = Decimal(count(inputs.get("memorySize")) or 128) / 1024
    quantity = None if requests is None else when_used(requests / 1_000_000)
    price = service_price("aws", "lambda", "requests", region)
    yield charge(resource, "requests", price, quantity, unit="million requests", group=OTHER, region=region)
    arch = "arm" if "arm64" in listed(inputs.get("architectures")) else "x86"
    used: Loads | None = None
    if requests is not None and milliseconds is not None:
        used = when_used(requests * memory * milliseconds / 1000)
    tiers = service_tiers("aws", "lambda", f"duration {arch}", region)
    yield from charge_tiers(resource, "duration", tiers, used, unit="GB-second", group=OTHER, region=region)


def price_certificate(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A certificate: public ones are free, private ones are paid when issued."""
    if not resource.inputs.get("certificateAuthorityArn"):
        return
    region = scene.region(resource)
    price = service_price("aws", "acm", "private certificate", region)
    yield charge(
        resource, "private certificate", price, always(1), unit="certificate", group=OTHER, region=region
    )


def price_parameter(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A parameter: standard ones are free, advanced ones cost by the hour."""
    if resource.inputs.get("tier") not in ("Advanced", "ADVANCED"):
        return
    region = scene.region(resource)
    declared = scene.usage.amount(resource, "parameter_storage_hrs")
    price = service_price("aws", "ssm", "advanced parameter", region)
    hours = always(scene.hours_of(resource) if declared is None else declared)
    yield charge(resource, "advanced parameter", price, hours, unit="hour", group=OTHER, region=region)
    part = Part(
        "interactions",
        "ssm",
        "advanced interactions",
        "10k interactions",
        OTHER,
        "monthly_api_interactions",
        10_000,
    )
    yield from charge_part(resource, scene, part, region)
