"""Words that a cloud takes where its SDK's type says only "text": the ones that decide about GPUs.

The SDKs keep such lists in prose. A word that is missing here, or new, is the provider's to judge: only
properties listed here are checked, and each list says where it comes from.
"""

from collections.abc import Mapping

from gpuyard.records import record

_EKS = "EKS API model of botocore 1.44.8"
_EC2 = "EC2 API model of botocore 1.44.8"
_GKE = "container v1 REST reference, revision 2026-10-27"
_READ = "2026-11-23"


@record
class Words:
    """What one property may say."""

    allowed: tuple[str, ...]
    source: str
    as_of: str = _READ


_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
_EKS_CLUSTER = "aws:eks/cluster:Cluster"
_ADDON = "aws:eks/addon:Addon"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_RESERVATION = "aws:ec2/capacityReservation:CapacityReservation"
_NODE_POOL = "gcp:container/nodePool:NodePool"

_CONFLICTS = ("OVERWRITE", "NONE", "PRESERVE")
_VOLUMES = ("standard", "io1", "io2", "gp2", "sc1", "st1", "gp3")

_EKS_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (_NODE_GROUP, "capacityType"): ("ON_DEMAND", "SPOT", "CAPACITY_BLOCK"),
    (_NODE_GROUP, "amiType"): (
        "AL2_x86_64",
        "AL2_x86_64_GPU",
        "AL2_ARM_64",
        "CUSTOM",
        "BOTTLEROCKET_ARM_64",
        "BOTTLEROCKET_x86_64",
        "BOTTLEROCKET_ARM_64_FIPS",
        "BOTTLEROCKET_x86_64_FIPS",
        "BOTTLEROCKET_ARM_64_NVIDIA",
        "BOTTLEROCKET_x86_64_NVIDIA",
        "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
        "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
        "WINDOWS_CORE_2019_x86_64",
        "WINDOWS_FULL_2019_x86_64",
        "WINDOWS_CORE_2022_x86_64",
        "WINDOWS_FULL_2022_x86_64",
        "WINDOWS_CORE_2025_x86_64",
        "WINDOWS_FULL_2025_x86_64",
        "AL2023_x86_64_STANDARD",
        "AL2023_ARM_64_STANDARD",
        "AL2023_x86_64_NEURON",
        "AL2023_x86_64_NVIDIA",
        "AL2023_ARM_64_NVIDIA",
    ),
    (_NODE_GROUP, "taints.effect"): ("NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"),
    (_NODE_GROUP, "updateConfig.updateStrategy"): ("DEFAULT", "MINIMAL"),
    (_EKS_CLUSTER, "accessConfig.authenticationMode"): ("API", "API_AND_CONFIG_MAP", "CONFIG_MAP"),
    (_EKS_CLUSTER, "upgradePolicy.supportType"): ("STANDARD", "EXTENDED"),
    (_EKS_CLUSTER, "kubernetesNetworkConfig.ipFamily"): ("ipv4", "ipv6"),
    (_EKS_CLUSTER, "enabledClusterLogTypes"): (
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    ),
    (_ADDON, "resolveConflictsOnCreate"): _CONFLICTS,
    (_ADDON, "resolveConflictsOnUpdate"): _CONFLICTS,
}
_EC2_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (_TEMPLATE, "instanceMarketOptions.marketType"): (
        "spot",
        "capacity-block",
        "interruptible-capacity-reservation",
        "on-demand",
    ),
    (_TEMPLATE, "instanceMarketOptions.spotOptions.spotInstanceType"): ("one-time", "persistent"),
    (_TEMPLATE, "instanceMarketOptions.spotOptions.instanceInterruptionBehavior"): (
        "hibernate",
        "stop",
        "terminate",
    ),
    (_TEMPLATE, "capacityReservationSpecification.capacityReservationPreference"): (
        "capacity-reservations-only",
        "open",
        "none",
    ),
    (_TEMPLATE, "metadataOptions.httpTokens"): ("optional", "required"),
    (_TEMPLATE, "placement.tenancy"): ("default", "dedicated", "host"),
    (_TEMPLATE, "blockDeviceMappings.ebs.volumeType"): _VOLUMES,
    (_TEMPLATE, "networkInterfaces.interfaceType"): ("interface", "efa", "efa-only"),
    ("aws:ec2/placementGroup:PlacementGroup", "strategy"): (
        "cluster",
        "spread",
        "partition",
        "precision-time",
    ),
    (_RESERVATION, "endDateType"): ("unlimited", "limited"),
    (_RESERVATION, "instanceMatchCriteria"): ("open", "targeted"),
    (_RESERVATION, "tenancy"): ("default", "dedicated"),
}
_NODE_CONFIG_WORDS: Mapping[str, tuple[str, ...]] = {
    "guestAccelerators.gpuDriverInstallationConfig.gpuDriverVersion": (
        "DEFAULT",
        "LATEST",
        "INSTALLATION_DISABLED",
    ),
    "guestAccelerators.gpuSharingConfig.gpuSharingStrategy": ("TIME_SHARING", "MPS"),
    "reservationAffinity.consumeReservationType": (
        "NO_RESERVATION",
        "ANY_RESERVATION",
        "SPECIFIC_RESERVATION",
        "ANY_RESERVATION_THEN_FAIL",
    ),
    "taints.effect": ("NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"),
    "workloadMetadataConfig.mode": ("GCE_METADATA", "GKE_METADATA", "MODE_UNSPECIFIED"),
}
_GKE_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{(_NODE_POOL, f"nodeConfig.{path}"): words for path, words in _NODE_CONFIG_WORDS.items()},
    (_NODE_POOL, "autoscaling.locationPolicy"): ("ANY", "BALANCED"),
    (_NODE_POOL, "placementPolicy.type"): ("COMPACT",),
    (_NODE_POOL, "upgradeSettings.strategy"): ("SURGE", "BLUE_GREEN", "SHORT_LIVED"),
}

WORDS: Mapping[tuple[str, str], Words] = {
    place: Words(allowed=allowed, source=source)
    for table, source in ((_EKS_WORDS, _EKS), (_EC2_WORDS, _EC2), (_GKE_WORDS, _GKE))
    for place, allowed in table.items()
}
"""By type token and property path; the path leaves list indices out."""
