"""Google resources whose bill follows from a table of parts."""

from collections.abc import Mapping

from gpuyard.costs.line_item import NETWORK, OBSERVABILITY, OTHER, STORAGE
from gpuyard.costs.parts import Part

_SINK = (Part("log ingest", "logging", "ingest", "GB", OBSERVABILITY, "monthly_logging_data_gb"),)

PARTS: Mapping[str, tuple[Part, ...]] = {
    "gcp:dns/managedZone:ManagedZone": (Part("managed zone", "dns", "managed zone", "month", OTHER),),
    "gcp:dns/recordSet:RecordSet": (
        Part("queries", "dns", "queries", "million queries", OTHER, "monthly_queries", 1_000_000),
    ),
    "gcp:logging/projectSink:ProjectSink": _SINK,
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": _SINK,
    "gcp:monitoring/metricDescriptor:MetricDescriptor": (
        Part("metric data", "monitoring", "data", "MB", OBSERVABILITY, "monthly_monitoring_data_mb"),
        Part("API calls", "monitoring", "API calls", "1k calls", OBSERVABILITY, "monthly_api_calls", 1000),
    ),
    "gcp:compute/vPNTunnel:VPNTunnel": (Part("VPN tunnel", "vpn", "tunnel hour", "hour", NETWORK),),
    "gcp:compute/machineImage:MachineImage": (
        Part("machine image", "image", "storage", "GB-month", STORAGE, "storage_gb"),
    ),
}
"""Types and what they are billed for."""
