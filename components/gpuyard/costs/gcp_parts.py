"""Google resources whose bill follows from a table of parts."""

from collections.abc import Mapping

from gpuyard.costs.line_item import NETWORK, OBSERVABILITY, OTHER, STORAGE
from gpuyard.costs.parts import Part

HOME = "us-central1"
"""Whose prices stand where no region is known."""
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
    "gcp:pubsub/topic:Topic": (
        Part("messages published", "pubsub", "message data", "TiB", OTHER, "monthly_message_data_tb"),
    ),
    "gcp:pubsub/subscription:Subscription": (
        Part("messages delivered", "pubsub", "message data", "TiB", OTHER, "monthly_message_data_tb"),
        Part("retained messages", "pubsub", "storage", "GB-month", STORAGE, "storage_gb"),
        Part("snapshot backlog", "pubsub", "storage", "GB-month", STORAGE, "snapshot_storage_gb"),
    ),
    "gcp:bigquery/dataset:Dataset": (
        Part("queries", "bigquery", "on-demand queries", "TB", OTHER, "monthly_queries_tb"),
    ),
    "gcp:bigquery/table:Table": (
        Part(
            "active storage", "bigquery", "active storage", "GB-month", STORAGE, "monthly_active_storage_gb"
        ),
        Part(
            "long-term storage",
            "bigquery",
            "long-term storage",
            "GB-month",
            STORAGE,
            "monthly_long_term_storage_gb",
        ),
        Part(
            "streaming inserts", "bigquery", "streaming inserts", "MB", OTHER, "monthly_streaming_inserts_mb"
        ),
        Part("write API", "bigquery", "write API", "GB", OTHER, "monthly_storage_write_api_gb"),
        Part("read API", "bigquery", "read API", "TB", OTHER, "monthly_storage_read_api_tb"),
    ),
    "gcp:compute/vPNTunnel:VPNTunnel": (Part("VPN tunnel", "vpn", "tunnel hour", "hour", NETWORK),),
    "gcp:compute/machineImage:MachineImage": (
        Part("machine image", "image", "storage", "GB-month", STORAGE, "storage_gb"),
    ),
}
"""Types and what they are billed for."""
