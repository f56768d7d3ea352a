"""AWS resources whose bill follows from a table of parts."""

from collections.abc import Mapping

from gpuyard.costs.line_item import NETWORK, OBSERVABILITY, OTHER, STORAGE
from gpuyard.costs.parts import Part

_REQUESTS = "1k requests"


def _s3(name: str, *items: tuple[str, str, str]) -> tuple[Part, ...]:
    """Parts of a storage class: component, key in the usage file, unit."""
    key = name.replace(" ", "_")
    return tuple(
        Part(
            f"{name} {item}",
            "s3",
            f"{name} {item}",
            unit,
            STORAGE,
            f"{key}.{usage}",
            1000 if unit.startswith("1k") else 1,
        )
        for item, usage, unit in items
    )


_TIERS = (
    ("tier 1 requests", "monthly_tier_1_requests", _REQUESTS),
    ("tier 2 requests", "monthly_tier_2_requests", _REQUESTS),
)
_TRANSITIONS = ("lifecycle transitions", "monthly_lifecycle_transition_requests", _REQUESTS)
_SELECT = (
    ("select data scanned", "monthly_select_data_scanned_gb", "GB"),
    ("select data returned", "monthly_select_data_returned_gb", "GB"),
)
_STORED = ("storage", "storage_gb", "GB-month")
_EARLY = ("early delete", "early_delete_gb", "GB-month")
_RETRIEVAL = ("data retrieval", "monthly_data_retrieval_gb", "GB")


def _glacier(speed: str) -> tuple[tuple[str, str, str], ...]:
    return (
        (f"{speed} retrieval requests", f"monthly_{speed}_data_retrieval_requests", _REQUESTS),
        (f"{speed} retrieval", f"monthly_{speed}_data_retrieval_gb", "GB"),
        (f"{speed} select data scanned", f"monthly_{speed}_select_data_scanned_gb", "GB"),
        (f"{speed} select data returned", f"monthly_{speed}_select_data_returned_gb", "GB"),
    )


S3_CLASSES: tuple[Part, ...] = (
    *_s3("standard", *_SELECT),
    *_s3(
        "intelligent tiering",
        ("frequent access storage", "frequent_access_storage_gb", "GB-month"),
        ("infrequent access storage", "infrequent_access_storage_gb", "GB-month"),
        ("archive access storage", "archive_access_storage_gb", "GB-month"),
        ("deep archive access storage", "deep_archive_access_storage_gb", "GB-month"),
        ("monitored objects", "monitored_objects", "1k objects-month"),
        *_TIERS,
        _TRANSITIONS,
        *_SELECT,
        _EARLY,
    ),
    *_s3("standard infrequent access", _STORED, *_TIERS, _TRANSITIONS, _RETRIEVAL, *_SELECT),
    *_s3("one zone infrequent access", _STORED, *_TIERS, _TRANSITIONS, _RETRIEVAL, *_SELECT),
    *_s3("glacier instant retrieval", _STORED),
    *_s3(
        "glacier flexible retrieval",
        _STORED,
        *_TIERS,
        _TRANSITIONS,
        *_glacier("standard"),
        *_glacier("expedited"),
        *_glacier("bulk")[2:],
        _EARLY,
    ),
    *_s3(
        "glacier deep archive",
        _STORED,
        *_TIERS,
        _TRANSITIONS,
        *_glacier("standard")[:2],
        *_glacier("bulk")[:2],
        _EARLY,
    ),
)
"""Parts of a bucket beyond the standard class; each counts only where its use is declared."""

BUCKET = (
    Part("standard storage", "s3", "standard storage", "GB-month", STORAGE, "storage_gb"),
    Part(
        "tier 1 requests",
        "s3",
        "standard tier 1 requests",
        _REQUESTS,
        STORAGE,
        "monthly_tier_1_requests",
        1000,
    ),
    Part(
        "tier 2 requests",
        "s3",
        "standard tier 2 requests",
        _REQUESTS,
        STORAGE,
        "monthly_tier_2_requests",
        1000,
    ),
)
"""Parts of a bucket that show their rate even where no use is declared."""

PARTS: Mapping[str, tuple[Part, ...]] = {
    "aws:ec2/natGateway:NatGateway": (
        Part("NAT gateway", "nat_gateway", "hour", "hour", NETWORK),
        Part("NAT data", "nat_gateway", "data processed", "GB", NETWORK, "monthly_data_processed_gb"),
    ),
    "aws:ec2/eip:Eip": (Part("public IPv4", "public_ipv4", "in use or idle", "hour", NETWORK),),
    "aws:elb/loadBalancer:LoadBalancer": (
        Part("classic load balancer", "clb", "hour", "hour", NETWORK),
        Part("data", "clb", "data", "GB", NETWORK, "monthly_data_processed_gb"),
    ),
    "aws:ec2transitgateway/vpcAttachment:VpcAttachment": (
        Part("attachment", "transit_gateway", "attachment hour", "hour", NETWORK),
        Part("data", "transit_gateway", "data processed", "GB", NETWORK, "monthly_data_processed_gb"),
    ),
    "aws:ec2/vpnConnection:VpnConnection": (
        Part("VPN connection", "vpn", "connection hour", "hour", NETWORK),
    ),
    "aws:ecr/repository:Repository": (Part("storage", "ecr", "storage", "GB-month", STORAGE, "storage_gb"),),
    "aws:fsx/windowsFileSystem:WindowsFileSystem": (
        Part("backups", "fsx_windows", "backup", "GB-month", STORAGE, "backup_storage_gb"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        Part("dashboard", "cloudwatch", "dashboard", "month", OBSERVABILITY),
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": (
        Part("composite alarm", "cloudwatch", "composite alarm", "alarm-month", OBSERVABILITY),
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": (
        Part("custom metric", "cloudwatch", "metric", "metric-month", OBSERVABILITY, "metrics", 1, 1),
    ),
    "aws:cloudwatch/eventBus:EventBus": tuple(
        Part(item, "eventbridge", item, unit, OTHER, key, per)
        for item, unit, key, per in (
            ("custom events", "million events", "monthly_custom_events", 1_000_000),
            ("third-party events", "million events", "monthly_third_party_events", 1_000_000),
            ("archive processing", "GB", "monthly_archive_processing_gb", 1),
            ("archive storage", "GB-month", "archive_storage_gb", 1),
            ("schema discovery", "million events", "monthly_schema_discovery_events", 1_000_000),
        )
    ),
    "aws:amp/workspace:Workspace": (
        Part(
            "samples ingested",
            "amp",
            "samples ingested",
            "million samples",
            OBSERVABILITY,
            "monthly_samples_millions",
        ),
        Part("samples stored", "amp", "storage", "GB-month", OBSERVABILITY, "storage_gb"),
        Part(
            "samples queried",
            "amp",
            "query samples processed",
            "million samples",
            OBSERVABILITY,
            "monthly_query_samples_millions",
        ),
    ),
    "aws:grafana/workspace:Workspace": (
        Part(
            "editors",
            "grafana",
            "editor",
            "user-month",
            OBSERVABILITY,
            "editors_administrator_licenses",
            1,
            1,
        ),
        Part("viewers", "grafana", "viewer", "user-month", OBSERVABILITY, "viewer_licenses"),
    ),
    "aws:kms/key:Key": (
        Part("customer key", "kms", "customer key", "month", OTHER),
        Part("requests", "kms", "requests", "10k requests", OTHER, "monthly_requests", 10_000),
    ),
    "aws:kms/externalKey:ExternalKey": (Part("customer key", "kms", "customer key", "month", OTHER),),
    "aws:kms/replicaKey:ReplicaKey": (Part("customer key", "kms", "customer key", "month", OTHER),),
    "aws:route53/zone:Zone": (Part("hosted zone", "route53", "hosted zone", "month", OTHER),),
    "aws:route53/record:Record": tuple(
        Part(f"{kind} queries", "route53", f"{kind} queries", "million queries", OTHER, key, 1_000_000)
        for kind, key in (
            ("standard", "monthly_standard_queries"),
            ("latency", "monthly_latency_based_queries"),
            ("geo", "monthly_geo_queries"),
        )
    ),
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": (
        Part("hosted zone", "route53", "hosted zone", "month", OTHER),
    ),
    "aws:apigateway/restApi:RestApi": (
        Part(
            "requests",
            "apigateway",
            "REST requests",
            "million requests",
            OTHER,
            "monthly_requests",
            1_000_000,
        ),
    ),
    "aws:secretsmanager/secret:Secret": (
        Part("secret", "secretsmanager", "secret", "month", OTHER),
        Part("requests", "secretsmanager", "requests", "10k requests", OTHER, "monthly_requests", 10_000),
    ),
    "aws:sns/topic:Topic": (
        Part("requests", "sns", "requests", "million requests", OTHER, "monthly_requests", 1_000_000),
    ),
}
"""Types and what they are billed for."""
