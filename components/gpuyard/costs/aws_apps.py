"""What applications beside an endpoint use: tables, caches, APIs, content delivery, web access control."""

from collections.abc import Iterator
from decimal import Decimal

from gpuyard.catalog.service_prices import service_price
from gpuyard.costs.line_item import NETWORK, OTHER, STORAGE, Charge, always, charge, unpriced
from gpuyard.costs.parts import Part, charge_part
from gpuyard.costs.scene import Scene, amount, count, listed, text, truth
from gpuyard.resources import Resource

_MILLION = 1_000_000
_TABLE_PARTS = (
    Part("storage", "dynamodb", "storage", "GB-month", STORAGE, "storage_gb"),
    Part(
        "continuous backups", "dynamodb", "continuous backup", "GB-month", STORAGE, "pitr_backup_storage_gb"
    ),
    Part("backups", "dynamodb", "backup", "GB-month", STORAGE, "on_demand_backup_storage_gb"),
    Part("restored data", "dynamodb", "restored data", "GB", STORAGE, "monthly_data_restored_gb"),
)
_REQUEST_PARTS = (
    Part(
        "write requests",
        "dynamodb",
        "write requests",
        "million requests",
        STORAGE,
        "monthly_write_request_units",
        _MILLION,
    ),
    Part(
        "read requests",
        "dynamodb",
        "read requests",
        "million requests",
        STORAGE,
        "monthly_read_request_units",
        _MILLION,
    ),
)
_CACHES = "aws:elasticache/cluster:Cluster"
GEOGRAPHIES = ("us", "europe", "south_africa", "south_america", "japan", "australia", "asia_pacific", "india")
"""Price regions of CloudFront, named as in Infracost's usage file."""


def price_table(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A DynamoDB table: provisioned units by the hour or requests, and what it stores."""
    inputs, region = resource.inputs, scene.region(resource)
    if inputs.get("billingMode") == "PAY_PER_REQUEST":
        for part in _REQUEST_PARTS:
            yield from charge_part(resource, scene, part, region)
    else:
        hours = scene.hours_of(resource)
        for way in ("write", "read"):
            units = amount(inputs.get(f"{way}Capacity")) or Decimal(1)
            price = service_price("aws", "dynamodb", f"{way} capacity", region)
            name, unit = f"{way} capacity", "unit-hour"
            yield charge(
                resource, name, price, always(units * hours), unit=unit, group=STORAGE, region=region
            )
    if inputs.get("replicas"):
        yield unpriced(resource, "replicas", "no price of writes to global tables", region)
    for part in _TABLE_PARTS:
        if part.usage == "storage_gb" or scene.usage.amount(resource, part.usage) is not None:
            yield from charge_part(resource, scene, part, region)


def price_cache(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An ElastiCache cluster or replication group: its nodes, and snapshots where they are declared."""
    inputs, region = resource.inputs, scene.region(resource)
    if resource.type == _CACHES:
        if inputs.get("replicationGroupId"):
            return  # a member of a group, which is priced whole
        nodes = count(inputs.get("numCacheNodes")) or 1
    else:
        each = 1 + (count(inputs.get("replicasPerNodeGroup")) or 0)
        shards = count(inputs.get("numNodeGroups"))
        nodes = shards * each if shards is not None else count(inputs.get("numCacheClusters")) or each
    node_type = text(inputs.get("nodeType"))
    if not node_type:
        yield unpriced(resource, "cache nodes", "their type is not known", region)
        return
    engine = text(inputs.get("engine"), "redis")
    price = service_price("aws", "elasticache", node_type, region) if engine != "valkey" else None
    hours, reason = always(nodes * scene.hours_of(resource)), f"no price of {node_type} with {engine}"
    yield charge(
        resource,
        node_type,
        price,
        hours,
        unit="hour",
        group=OTHER,
        region=region,
        missing=f"{reason} in {region}",
    )
    if scene.usage.amount(resource, "snapshot_storage_size_gb") is not None:
        part = Part("snapshots", "elasticache", "snapshot", "GB-month", STORAGE, "snapshot_storage_size_gb")
        yield from charge_part(resource, scene, part, region)


def price_api(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An API of API Gateway V2: HTTP requests, or messages and minutes of web sockets."""
    region = scene.region(resource)
    if resource.inputs.get("protocolType") == "WEBSOCKET":
        parts = (
            ("messages", "websocket messages", "million messages", "monthly_messages"),
            ("connection minutes", "websocket minutes", "million minutes", "monthly_connection_mins"),
        )
    else:
        parts = (("requests", "HTTP requests", "million requests", "monthly_requests"),)
    for name, item, unit, key in parts:
        part = Part(name, "apigateway", item, unit, OTHER, key, _MILLION)
        yield from charge_part(resource, scene, part, region)


def price_api_stage(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A stage of a REST API: free, but for its cache."""
    inputs, region = resource.inputs, scene.region(resource)
    if not truth(inputs.get("cacheClusterEnabled")):
        return
    size = text(inputs.get("cacheClusterSize"), "0.5")
    price = service_price("aws", "apigateway", f"cache {size} GB", region)
    hours = always(scene.hours_of(resource))
    yield charge(resource, f"cache {size} GB", price, hours, unit="hour", group=OTHER, region=region)


def price_web_acl(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A web ACL: itself, each rule at its top level, and requests."""
    region = scene.region(resource) or "all"
    rules = len(listed(resource.inputs.get("rules")))
    for item, number in (("web ACL", 1), ("rule", rules)):
        price = service_price("aws", "wafv2", item, region)
        if number:
            yield charge(
                resource, item, price, always(number), unit=f"{item}-month", group=NETWORK, region=region
            )
    part = Part("requests", "wafv2", "requests", "million requests", NETWORK, "monthly_requests", _MILLION)
    yield from charge_part(resource, scene, part, region)


def price_distribution(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A CloudFront distribution: traffic and requests by the geography of those who ask."""
    for place in GEOGRAPHIES:
        for name, item, unit, key, per in (
            ("traffic to the internet", "to internet", "GB", "monthly_data_transfer_to_internet_gb", 1),
            ("traffic to the origin", "to origin", "GB", "monthly_data_transfer_to_origin_gb", 1),
            ("HTTP requests", "HTTP requests", "10k requests", "monthly_http_requests", 10_000),
            ("HTTPS requests", "HTTPS requests", "10k requests", "monthly_https_requests", 10_000),
        ):
            usage = f"{key}.{place}"
            if place == "us" or scene.usage.amount(resource, usage) is not None:
                part = Part(f"{name}, {place}", "cloudfront", f"{item} {place}", unit, NETWORK, usage, per)
                yield from charge_part(resource, scene, part, "all")


def price_state_machine(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A state machine: transitions of a standard one; requests and GB-hours of an express one."""
    region = scene.region(resource)
    if resource.inputs.get("type") != "EXPRESS":
        part = Part("transitions", "sfn", "transitions", "1k transitions", OTHER, "monthly_transitions", 1000)
        yield from charge_part(resource, scene, part, region)
        return
    part = Part(
        "requests", "sfn", "express requests", "million requests", OTHER, "monthly_requests", _MILLION
    )
    yield from charge_part(resource, scene, part, region)
    yield unpriced(resource, "duration", "GB-hours of express workflows are not modelled", region)
