"""Which service bills a charge, in FOCUS 1.2's words: provider, service, its one category, units."""

import re

from gpuyard.catalog.regions import regions
from gpuyard.costs.line_item import (
    CONTROL_PLANE,
    CPU_NODES,
    GPU_NODES,
    NETWORK,
    OBSERVABILITY,
    STORAGE,
    LineItem,
)

PROVIDERS = {"aws": "AWS", "gcp": "Google Cloud", "kubernetes": "Kubernetes"}
SERVICES = {
    ("aws", GPU_NODES): "Amazon Elastic Compute Cloud",
    ("aws", CPU_NODES): "Amazon Elastic Compute Cloud",
    ("aws", CONTROL_PLANE): "Amazon Elastic Kubernetes Service",
    ("aws", STORAGE): "Amazon Elastic Block Store",
    ("aws", NETWORK): "Amazon Virtual Private Cloud",
    ("aws", OBSERVABILITY): "Amazon CloudWatch",
    ("gcp", GPU_NODES): "Compute Engine",
    ("gcp", CPU_NODES): "Compute Engine",
    ("gcp", CONTROL_PLANE): "Google Kubernetes Engine",
    ("gcp", STORAGE): "Persistent Disk",
    ("gcp", NETWORK): "Networking",
    ("gcp", OBSERVABILITY): "Cloud Logging",
    "aws:efs": "Amazon Elastic File System",
    "aws:fsx": "Amazon FSx",
    "aws:s3": "Amazon Simple Storage Service",
    "aws:ecr": "Amazon Elastic Container Registry",
    "aws:lb": "Elastic Load Balancing",
    "aws:alb": "Elastic Load Balancing",
    "aws:dynamodb": "Amazon DynamoDB",
    "aws:elasticache": "Amazon ElastiCache",
    "aws:apigateway": "Amazon API Gateway",
    "aws:apigatewayv2": "Amazon API Gateway",
    "aws:cloudfront": "Amazon CloudFront",
    "aws:wafv2": "AWS WAF",
    "aws:sfn": "AWS Step Functions",
    "gcp:storage": "Cloud Storage",
    "gcp:artifactregistry": "Artifact Registry",
}
"""By the type's module where it says which service it is, else by cloud and group."""
CATEGORIES = {
    "Amazon Elastic Compute Cloud": ("Compute", "Virtual Machines"),
    "Compute Engine": ("Compute", "Virtual Machines"),
    "Amazon Elastic Kubernetes Service": ("Compute", "Containers"),
    "Google Kubernetes Engine": ("Compute", "Containers"),
    "Amazon Elastic Container Registry": ("Compute", "Containers"),
    "Artifact Registry": ("Compute", "Containers"),
    "Amazon Elastic Block Store": ("Storage", "Block Storage"),
    "Persistent Disk": ("Storage", "Block Storage"),
    "Amazon Elastic File System": ("Storage", "File Storage"),
    "Amazon FSx": ("Storage", "File Storage"),
    "Amazon Simple Storage Service": ("Storage", "Object Storage"),
    "Cloud Storage": ("Storage", "Object Storage"),
    "Amazon Virtual Private Cloud": ("Networking", "Network Infrastructure"),
    "Networking": ("Networking", "Network Infrastructure"),
    "Elastic Load Balancing": ("Networking", "Network Routing"),
    "Amazon DynamoDB": ("Databases", "NoSQL Databases"),
    "Amazon ElastiCache": ("Databases", "Caching"),
    "Amazon API Gateway": ("Integration", "API Management"),
    "AWS Step Functions": ("Integration", "Workflow Orchestration"),
    "Amazon CloudFront": ("Networking", "Content Delivery"),
    "AWS WAF": ("Networking", "Network Security"),
    "Amazon CloudWatch": ("Management and Governance", "Observability"),
    "Cloud Logging": ("Management and Governance", "Observability"),
}
"""Every service has one category, as the specification asks."""
_DATA = re.compile(r"[KMGTPE]?i?B")
"""Sizes are their own plural."""
_COUNTED = re.compile(r"(\d+)k|million")


def cloud_of(item: LineItem) -> str:
    """By type, or by region for what a cluster makes; the provider's own name elsewhere."""
    cloud = item.type.partition(":")[0]
    if cloud in ("aws", "gcp"):
        return cloud
    return next((name for name in ("aws", "gcp") if item.region in regions(name)), cloud)


def service_of(cloud: str, item: LineItem) -> str:
    """The service that bills the charge."""
    module = item.type.partition("/")[0]
    return SERVICES.get(module) or SERVICES.get((cloud, item.group)) or module or "unknown"


def unit_of(unit: str) -> str:
    """FOCUS writes plurals, composites with a dash: ``Hours``, ``GB-Months``, ``10000 Requests``."""
    if "/" in unit or not unit:
        return unit or "Units"
    if unit.startswith("USD"):
        return "USD"
    number, _, noun = unit.partition(" ")
    counted = _COUNTED.fullmatch(number)
    if counted and noun:
        return f"{int(counted[1]) * 1000 if counted[1] else 1_000_000} {_capital(noun)}"
    *front, last = unit.split("-")
    plural = last if _DATA.fullmatch(last) or last.endswith("s") else f"{last}s"
    return "-".join([*map(_capital, front), _capital(plural)])


def _capital(word: str) -> str:
    return word.capitalize() if word.islower() else word
