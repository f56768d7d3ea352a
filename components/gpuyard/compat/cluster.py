"""Kubernetes around the GPUs: container toolkit, DRA driver, GPU Operator, support windows."""

from collections.abc import Iterator
from datetime import date

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import find_operator, kubernetes_versions, operator_releases
from gpuyard.compat.facts import Facts
from gpuyard.compat.node import ABSENT, has_operator
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_field, with_env
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

CONTAINERD_2_SINCE: Version = (1, 33)
"""Kubernetes version from which EKS and GKE nodes run containerd 2."""
CDI_SINCE: Version = (1, 7)
"""containerd that injects CDI devices."""
OPERATOR_CDI: Version = (25, 10)
"""GPU Operator that uses CDI by default (canonical/k8s-snap#2388)."""
TOOLKIT_READS_V3: Version = (1, 17, 4)
TOOLKIT_SAFE = "1.18.1"
DRA_MIN_KUBERNETES: Version = (1, 32)
DRA_MIN_DRIVER: Version = (565,)
BETA_REMOVED: Version = (1, 25)
OPERATOR_WITHOUT_BETA: Version = (23, 3)
"""Kubernetes without the beta APIs that older operators use (NVIDIA/gpu-operator#409 and #484)."""
OPERATOR_DRA: Version = (26, 7)
OPERATOR_DRA_KUBERNETES: Version = (1, 34)
OPERATOR_DRA_DRIVER: Version = (580,)
"""GPU Operator that installs DRA itself, and what that asks (its release notes, 2026-08-20)."""
COMPUTE_DOMAIN_MIN_DRIVER: Version = (570, 158, 1)


def cluster_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on what drives the GPUs in a cluster."""
    yield from _toolkit(facts)
    yield from _dra(facts)
    yield from _operator_dra(facts)


def _toolkit(facts: Facts) -> Iterator[Problem]:
    containerd = parse_version(facts.given.containerd) if facts.given.containerd is not None else ()
    if not containerd and facts.platform in ("eks", "gke") and facts.kubernetes[:2] >= CONTAINERD_2_SINCE:
        containerd = (2,)
    release = find_operator(facts.given.gpu_operator) if has_operator(facts) else None
    given = str(facts.given.toolkit) if facts.given.toolkit is not None else ""
    toolkit = parse_version(given) if given[:1] in "v0123456789" else ()
    if not toolkit and release is not None and facts.platform != "eks" and facts.given.toolkit is None:
        toolkit = release.toolkit
    if containerd[:1] >= (2,) and toolkit and toolkit < TOOLKIT_READS_V3:
        yield Problem(
            "TOOLKIT_CONTAINERD",
            "toolkit",
            f"container toolkit {dotted(toolkit)} cannot read the configuration of containerd 2 (version 3)",
            (
                set_field("toolkit", TOOLKIT_SAFE, f"use container toolkit {TOOLKIT_SAFE}"),
                Fix("use GPU Operator v25.10.1", {"gpu_operator": "v25.10.1", "toolkit": None}),
            ),
        )
        return
    if () < containerd < CDI_SINCE and release is not None and release.key >= OPERATOR_CDI:
        yield Problem(
            "TOOLKIT_CONTAINERD",
            "containerd",
            f"GPU Operator {release.version} hands out GPUs by CDI, which containerd {dotted(containerd)} "
            "does not know",
            (
                set_field("containerd", "1.7.29", "use containerd 1.7"),
                Fix("use GPU Operator v25.3.4", {"gpu_operator": "v25.3.4"}),
            ),
        )
        return
    own = f"{facts.platform} {facts.node_image}"
    if toolkit[:3] == (1, 17, 0) and any(word in own for word in ("k3s", "rke2", "k0s")):
        yield Problem(
            "TOOLKIT_CONTAINERD",
            "toolkit",
            "container toolkit 1.17.0 asks for `containerd`, which K3s, RKE2 and k0s keep to themselves",
            (
                set_field("toolkit", "1.17.8", "use container toolkit 1.17.8"),
                Fix("use GPU Operator v25.3.4", {"gpu_operator": "v25.3.4", "toolkit": None}),
            ),
        )
        return
    on_gke = facts.platform == "gke" and facts.kubernetes[:2] >= CONTAINERD_2_SINCE
    told = facts.env.get("RUNTIME_CONFIG_SOURCE") == "file" or "config_source=file" in given.lower()
    by_operator = (release is not None and given.lower() not in ABSENT) or toolkit[:3] == (1, 18, 0)
    if on_gke and by_operator and not told:
        asks = release.key if release is not None else toolkit
        yield Problem(
            "TOOLKIT_CONTAINERD",
            "toolkit",
            "the container toolkit asks containerd 2 on GKE for a configuration that it does not get",
            (
                Fix(
                    "set RUNTIME_CONFIG_SOURCE=file on the toolkit",
                    with_env(facts, "RUNTIME_CONFIG_SOURCE", "file"),
                ),
                Fix("use GPU Operator v25.10.1", {"gpu_operator": "v25.10.1", "toolkit": None}),
            ),
            # the documentation still asks for it, reports end with 25.10.0 (NVIDIA/gpu-operator#1577)
            Severity.ERROR if asks <= (25, 10, 0) else Severity.WARNING,
        )


def _dra(facts: Facts) -> Iterator[Problem]:
    text = str(facts.given.dra_driver or "").lower()
    if not text or text in ABSENT:
        return
    if facts.kubernetes and facts.kubernetes[:2] < DRA_MIN_KUBERNETES:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"the DRA driver needs Kubernetes 1.32, this is {dotted(facts.kubernetes)}",
            (
                set_field("kubernetes", "1.34", "upgrade to Kubernetes 1.34"),
                set_field("dra_driver", None, "use the device plugin"),
            ),
        )
    version = parse_version(text)
    if facts.kubernetes[:2] >= (1, 34) and version and version < (25, 8):
        yield Problem(
            "K8S_VERSION",
            "dra_driver",
            f"DRA driver {dotted(version)} asks for resource.k8s.io/v1beta1, which Kubernetes "
            f"{dotted(facts.kubernetes)} no longer serves by default",
            (set_field("dra_driver", "25.8.0", "use DRA driver 25.8.0 or newer"),),
        )
    domain = "domain" in text or (facts.gpu is not None and facts.gpu.id in ("gb200", "gb300"))
    floor = COMPUTE_DOMAIN_MIN_DRIVER if domain else DRA_MIN_DRIVER
    if facts.driver_high and facts.driver_high < floor:
        yield Problem(
            "DRA_DRIVER_MIN",
            "driver",
            f"the DRA driver needs driver {dotted(floor)} or newer, the node has {facts.driver_text}",
            (raise_driver(facts, floor),),
        )


def _operator_dra(facts: Facts) -> Iterator[Problem]:
    """The DRA driver that the operator itself installs (resource ``GPUCluster``)."""
    text = str(facts.given.dra_driver or "").lower()
    by_operator = "gpucluster" in text or "operator" in text or parse_version(text)[:2] >= OPERATOR_DRA
    release = find_operator(facts.given.gpu_operator) if has_operator(facts) else None
    if not by_operator or release is None or release.key[:2] < OPERATOR_DRA:
        return
    if facts.kubernetes and facts.kubernetes[:2] < OPERATOR_DRA_KUBERNETES:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"DRA by the operator (GPUCluster) needs Kubernetes 1.34.2, this is {dotted(facts.kubernetes)}",
            (
                set_field("kubernetes", "1.35", "upgrade to Kubernetes 1.35"),
                set_field("dra_driver", None, "use the device plugin"),
            ),
        )
    if facts.driver_high and facts.driver_high < OPERATOR_DRA_DRIVER:
        yield Problem(
            "DRA_DRIVER_MIN",
            "driver",
            f"DRA by the operator (GPUCluster) needs driver 580 or newer, the node has {facts.driver_text}",
            (raise_driver(facts, OPERATOR_DRA_DRIVER),),
        )


def kubernetes_problems(facts: Facts, today: date) -> Iterator[Problem]:
    """Windows of Kubernetes that the operator and the platform support; ``today`` judges the latter.

    They come last: outside of them things often still run, and another cause is nearer.
    """
    if not facts.kubernetes:
        return
    minor = facts.kubernetes[:2]
    release = find_operator(facts.given.gpu_operator) if has_operator(facts) else None
    if (
        release is not None
        and release.kubernetes_min
        and not release.kubernetes_min <= minor <= release.kubernetes_max
    ):
        fitting = [
            row
            for row in operator_releases()
            if row.kubernetes_min and row.kubernetes_min <= minor <= row.kubernetes_max
        ]
        nearest = sorted(
            fitting, key=lambda row: (row.key < release.key, abs(row.key[0] - release.key[0]), row.key)
        )
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"GPU Operator {release.version} supports Kubernetes {dotted(release.kubernetes_min)} to "
            f"{dotted(release.kubernetes_max)}, this is {dotted(minor)}",
            (
                *(
                    Fix(f"use GPU Operator {row.version}", {"gpu_operator": row.version})
                    for row in (nearest[:1] + fitting[-1:])
                ),
                set_field(
                    "kubernetes",
                    dotted(release.kubernetes_max),
                    f"use Kubernetes {dotted(release.kubernetes_max)}",
                ),
            ),
        )
    version = parse_version(facts.given.gpu_operator) if has_operator(facts) else ()
    if () < version < OPERATOR_WITHOUT_BETA and minor >= BETA_REMOVED:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"GPU Operator {dotted(version)} uses APIs (v1beta1 of node.k8s.io and policy) that Kubernetes "
            "1.25 removed",
            (Fix("use GPU Operator v25.3.4", {"gpu_operator": "v25.3.4"}),),
        )
    known = kubernetes_versions().get((facts.platform, dotted(minor)))
    if known is not None and known.is_supported(today) is False:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"{facts.platform} ended support of Kubernetes {dotted(minor)} before {today}",
            (),
            Severity.WARNING,
        )
