"""Who installs what on a node: the GPU Operator, the node image or the cloud."""

from gpuyard.catalog.software import parse_version
from gpuyard.catalog.software_nodes import find_operator, node_images, operator_systems
from gpuyard.compat.facts import Facts

ABSENT = frozenset(
    {
        "none",
        "false",
        "no",
        "missing",
        "absent",
        "not installed",
        "not_installed",
        "uninstalled",
        "stopped",
        "inactive",
        "disabled",
        "failed",
        "not running",
        "off",
    }
)
IMAGES_WITH_DRIVER = frozenset({"Amazon Linux 2023", "GKE COS", "RHCOS (OpenShift)"})
"""Systems whose usual GPU image brings the driver, or has a driver container: silence says nothing there."""


def has_operator(facts: Facts) -> bool:
    """Whether the GPU Operator is there."""
    return facts.given.gpu_operator is not None and str(facts.given.gpu_operator).lower() not in ABSENT


def switched(facts: Facts, part: str) -> bool | None:
    """What the Helm value ``<part>.enabled`` says; None: nothing."""
    text = facts.env.get(f"{part}.enabled", "").lower()
    if not text:
        return None
    return text not in ("false", "no", "0")


def installs_driver(facts: Facts) -> bool:
    """Whether the operator is to install the driver: stated, or nothing else can be meant."""
    told = switched(facts, "driver") if has_operator(facts) else None
    if told is not None:
        return told
    if facts.manager or not has_operator(facts):
        return facts.manager == "operator"
    system = operator_systems().get(facts.os)
    if system is None or facts.os in IMAGES_WITH_DRIVER:
        return False
    stated = facts.given.driver is not None or facts.given.driver_branch is not None
    if system.driver_container and not (stated and system.since):
        return False
    if stated:
        release = find_operator(facts.given.gpu_operator)
        own = parse_version(release.default_driver) if release else ()
        return bool(own) and facts.driver == own and not (facts.platform == "eks" and _ships(facts))
    return str(facts.given.toolkit).lower() not in ABSENT or facts.given.toolkit is None


def _ships(facts: Facts) -> bool:
    """Whether some EKS image has just this driver."""
    return any(parse_version(row.driver) == facts.driver for row in node_images() if row.platform == "eks")
