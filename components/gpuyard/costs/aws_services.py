"""What stands beside AWS nodes: gateways, addresses, balancers, volumes, logs and stores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpuyard.catalog.prices import component
from gpuyard.costs.disks import charge_ebs
from gpuyard.costs.line_item import NETWORK, OBSERVABILITY, OTHER, STORAGE, Charge, always, charge, unpriced
from gpuyard.costs.machine import charge_machines
from gpuyard.costs.scene import Scene, count
from gpuyard.resources import Resource


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a resource is billed for."""

    component: str
    price: tuple[str, str]
    """Component and SKU of the price table."""
    unit: str
    group: str
    usage: str = ""
    """Key of the usage file that gives the monthly amount; empty: every hour of the month."""
    is_rate_per_hour: bool = False
    """The declared amount is an average, billed by the hour."""


PARTS: Mapping[str, tuple[Part, ...]] = {
    "aws:ec2/natGateway:NatGateway": (
        Part("NAT gateway", ("nat_gateway", "hour"), "hour", NETWORK),
        Part("NAT data", ("nat_gateway", "data processed"), "GB", NETWORK, "monthly_data_processed_gb"),
    ),
    "aws:ec2/eip:Eip": (Part("public IPv4", ("public_ipv4", "in use or idle"), "hour", NETWORK),),
    "aws:elb/loadBalancer:LoadBalancer": (
        Part("classic load balancer", ("clb", "hour"), "hour", NETWORK),
        Part("data", ("clb", "data"), "GB", NETWORK, "monthly_data_processed_gb"),
    ),
    "aws:kms/key:Key": (Part("customer key", ("kms", "customer key"), "month", OTHER),),
    "aws:s3/bucket:Bucket": (
        Part("storage", ("s3", "Standard storage first 50TB"), "GB-month", STORAGE, "storage_gb"),
    ),
    "aws:ecr/repository:Repository": (
        Part("storage", ("ecr", "storage"), "GB-month", STORAGE, "storage_gb"),
    ),
    "aws:efs/fileSystem:FileSystem": (
        Part("storage", ("efs", "standard storage"), "GB-month", STORAGE, "storage_gb"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        Part("ingest", ("cloudwatch_logs", "ingest"), "GB", OBSERVABILITY, "monthly_data_ingested_gb"),
        Part("archive", ("cloudwatch_logs", "archive"), "GB-month", OBSERVABILITY, "storage_gb"),
    ),
}
"""Types whose bill follows from a table."""
PARTS = {**PARTS, "aws:s3/bucketV2:BucketV2": PARTS["aws:s3/bucket:Bucket"]}
_BALANCERS = {"application": ("alb", "LCU"), "network": ("nlb", "NLCU")}


def price_parts(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """The parts that `PARTS` lists for the type."""
    region = scene.region(resource)
    for part in PARTS[resource.type]:
        yield _price_part(resource, scene, part, region)


def _price_part(resource: Resource, scene: Scene, part: Part, region: str) -> Charge:
    price = component("aws", part.price[0], region, part.price[1])
    if part.usage:
        amount = scene.usage.amount(resource, part.usage)
        quantity = None if amount is None else always(amount)
        if quantity and part.is_rate_per_hour:
            quantity = quantity * scene.hours
    else:
        quantity = always(1) if part.unit == "month" else always(scene.hours)
    return charge(resource, part.component, price, quantity, unit=part.unit, group=part.group, region=region)


def price_balancer(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An application or network load balancer: hours, and capacity units where declared."""
    kind = str(resource.inputs.get("loadBalancerType") or "application")
    region = scene.region(resource)
    if kind not in _BALANCERS:
        yield unpriced(resource, f"{kind} load balancer", "no price of it", region)
        return
    name, units = _BALANCERS[kind]
    parts = (
        Part(f"{kind} load balancer", (name, "hour"), "hour", NETWORK),
        Part(units, (name, units), f"{units}-hour", NETWORK, "capacity_units", is_rate_per_hour=True),
    )
    for part in parts:
        yield _price_part(resource, scene, part, region)


def price_endpoint(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A VPC endpoint: gateways are free, interfaces cost by zone and by gigabyte."""
    region = scene.region(resource)
    kind = resource.inputs.get("vpcEndpointType") or "Gateway"
    if kind == "Gateway":
        return
    subnets = resource.inputs.get("subnetIds")
    zones = len(subnets) if isinstance(subnets, list | tuple) and subnets else 1
    hour = component("aws", "vpc_endpoint", region, "interface hour per AZ")
    quantity = always(scene.hours) * zones
    yield charge(
        resource, f"{str(kind).lower()} endpoint", hour, quantity, unit="hour", group=NETWORK, region=region
    )
    data = Part("data", ("vpc_endpoint", "data first 1PB"), "GB", NETWORK, "monthly_data_processed_gb")
    yield _price_part(resource, scene, data, region)


def price_volume(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """An EBS volume."""
    inputs, region = resource.inputs, scene.region(resource)
    size = count(inputs.get("size"))
    if size is None:
        yield unpriced(resource, "volume", "its size is that of its snapshot", region)
        return
    yield from charge_ebs(
        resource,
        region,
        always(1),
        size_gb=size,
        kind=str(inputs.get("type") or "gp2"),
        iops=count(inputs.get("iops")),
        mbps=count(inputs.get("throughput")),
    )


def price_fargate(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """Pods of a Fargate profile, as far as they are declared."""
    region = scene.region(resource)
    pods = scene.usage.amount(resource, "pods")
    for name, key in (("vCPU", "vcpu"), ("GB", "memory_gb")):
        each = scene.usage.amount(resource, key)
        quantity = None if pods is None else always(pods * (1 if each is None else each)) * scene.hours
        price = component("aws", "fargate", region, name)
        yield charge(
            resource, f"pod {name}", price, quantity, unit=f"{name}-hour", group=OTHER, region=region
        )


def price_capacity_reservation(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A reservation costs as its instances do, used or not; those that use it are charged elsewhere."""
    machine_type, number = resource.inputs.get("instanceType"), count(resource.inputs.get("instanceCount"))
    if not isinstance(machine_type, str) or number is None:
        yield unpriced(resource, "reservation", "its type or count is not known", scene.region(resource))
        return
    used = scene.usage.amount(resource, "used_share") or 0
    yield from charge_machines(resource, scene, "aws", machine_type, always(number) * (1 - used))


def price_capacity_block(resource: Resource, scene: Scene) -> Iterator[Charge]:
    """A capacity block: paid once; the price is in the offering, which no program holds."""
    yield unpriced(
        resource, "capacity block", "paid once and up front at the offering's price", scene.region(resource)
    )
