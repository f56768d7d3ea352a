"""Kubernetes around the GPUs: container toolkit, DRA driver, GPU Operator, support windows."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import (
    KubernetesVersion,
    NodeImage,
    OperatorRelease,
    kubernetes_versions,
    node_images,
    operator_releases,
)
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import ABSENT, has_operator, stated_operator
from gpuyard.compat.place import is_openshift
from gpuyard.compat.problem import Fix, Problem, raise_driver, set_field, use_eks_image
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, driver_text, plain
from gpuyard.compat.toolkit import CDI_SINCE, toolkit_problems
from gpuyard.errors import Severity

_DRA_DOCS = "NVIDIA/k8s-dra-driver-gpu docs (2026-08)"
DRA_MIN_KUBERNETES = Sourced((1, 32), _DRA_DOCS)
DRA_SINCE: dict[str, Sourced[int]] = {
    "eks": Sourced(
        (1, 33),
        "awslabs/amazon-eks-ami PR#2285; aws/aws-eks-best-practices latest/bpg/aiml/aiml_compute.adoc",
    ),
    "aks": Sourced((1, 34), "NVIDIA/aicr docs/integrator/aks-gpu-setup.md"),
}
"""Kubernetes from which a cloud serves DRA; GKE does on request before."""
DRA_FIRST: Version = (1,)
DRA_UNREGISTERED: Sourced[Version] = Sourced(((1, 34, 0), (1, 34, 1)), "kubernetes/kubernetes#133920")
"""Kubernetes whose kubelet forgets DRA drivers that connect again."""
DRA_WITH_V1 = Sourced((25, 8), "NVIDIA/k8s-dra-driver-gpu#533")
"""DRA driver that asks for resource.k8s.io/v1; after 25.12 its numbers began again at 0.4."""
DRA_ASKS_CDI = "kubernetes-sigs/dra-driver-nvidia-gpu site/content/docs/prerequisites.md (2026-08-07)"
DRA_MIN_DRIVER = Sourced(
    (565,), f"{_DRA_DOCS}; NVIDIA/cloud-native-docs gpu-operator/dra-intro-install.rst (2025-08, for 25.3)"
)
BETA_REMOVED: tuple[tuple[Version, Sourced[int], str, bool], ...] = (
    (
        (1, 22),
        Sourced((1, 6), "NVIDIA/gpu-operator deployments/gpu-operator/crds@1.5.2"),
        "v1beta1 of apiextensions.k8s.io",
        False,
    ),
    (
        (1, 25),
        Sourced(
            (22, 9), "NVIDIA/gpu-operator#409; 22.9.0 ran on 1.25.2: canonical/microk8s-core-addons PR#109"
        ),
        "v1beta1 of node.k8s.io and policy",
        False,
    ),
    ((1, 25), Sourced((23, 3), "NVIDIA/gpu-operator#484"), "v1beta1 of policy", True),
)
"""Kubernetes without beta APIs, the first GPU Operator that does without them, which they are, and whether
it is so on OpenShift and OKD alone."""
REMOVED_APIS: tuple[tuple[str, Version], ...] = (
    ("apiextensions.k8s.io/v1beta1", (1, 22)),
    ("admissionregistration.k8s.io/v1beta1", (1, 22)),
    ("rbac.authorization.k8s.io/v1beta1", (1, 22)),
    ("networking.k8s.io/v1beta1", (1, 22)),
    ("scheduling.k8s.io/v1beta1", (1, 22)),
    ("node.k8s.io/v1beta1", (1, 25)),
    ("policy/v1beta1", (1, 25)),
    ("batch/v1beta1", (1, 25)),
    ("autoscaling/v2beta1", (1, 25)),
    ("autoscaling/v2beta2", (1, 26)),
    ("flowcontrol.apiserver.k8s.io/v1beta2", (1, 29)),
    ("flowcontrol.apiserver.k8s.io/v1beta3", (1, 32)),
    ("resource.k8s.io/v1alpha2", (1, 31)),
)
REMOVED_APIS_SOURCE = "Kubernetes docs, deprecated API migration guide; canonical/microk8s-core-addons#114"
"""APIs by the first Kubernetes without them."""
_WITHOUT_API = re.compile(r"\b(no|not|without|instead of|replaced?|dropped?|than) [a-z ]{0,20}$")
OPERATOR_DRA = Sourced((26, 7), "GPU Operator release notes (2026-08-20)")
OPERATOR_DRA_KUBERNETES: Version = (1, 34, 2)
OPERATOR_DRA_DRIVER: Version = (580,)
"""GPU Operator that installs DRA itself, and what that asks."""
_GPU_CLUSTER = re.compile(r"gpucluster(?:\.deploycr)?(?:\W{1,4}(?:true|false))?")
"""The resource, or the Helm value that makes one."""
DRA_ADDRESSING: tuple[Version, Sourced[int]] = (
    (25, 12),
    Sourced((580, 65, 6), "kubernetes-sigs/dra-driver-nvidia-gpu#1014: it crashes on 570"),
)
"""The one DRA release that calls nvmlDeviceGetAddressingMode, and the first driver that has it."""
COMPUTE_DOMAIN_MIN_DRIVER = Sourced(
    (570, 158, 1), "kubernetes-sigs/dra-driver-nvidia-gpu PR#611; Azure/AKS#5785"
)
"""What compute domains ask since their daemons have names, which is so by default from 25.8 on; the plugin
for them then ends on an older driver."""
_NAMED_DAEMONS = re.compile(r"imexdaemonswithdnsnames\W{0,3}(true|false)?|computedomaincliques\W{0,3}(true)")
_WITHOUT_DOMAINS = re.compile(r"computedomains\W{1,6}(enabled\W{1,4})?(false|off|disabled)")
_GATES = re.compile(
    r"imexdaemonswithdnsnames|computedomaincliques|timeslicingsettings|mpssupport|passthroughsupport|dynamicmig"
    r"|nvmldevicehealthcheck|crashonnvlinkfabricerrors|hostmanagedimexdaemon|gpuresourcesenabledoverride"
    r"|resources\.computedomains"
)
"""Feature gates and Helm values that only the DRA driver has (its reference page, PR#1098 of 2026-06)."""


def cluster_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on what drives the GPUs in a cluster."""
    yield from toolkit_problems(facts)
    yield from _dra(facts)
    yield from _operator_dra(facts)


def _dra(facts: Facts) -> Iterator[Problem]:
    values = plain(facts.given.env)
    text = plain(facts.given.dra_driver) or ("by its gates" if _GATES.search(values) else "")
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
            source=DRA_MIN_KUBERNETES.source,
        )
    elif facts.kubernetes and facts.kubernetes[:2] < DRA_SINCE.get(facts.platform, ()):
        since = DRA_SINCE[facts.platform]
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"{facts.platform} serves DRA from {dotted(since)} on, this is {dotted(facts.kubernetes)}",
            (set_field("kubernetes", "1.34", "upgrade to Kubernetes 1.34"),),
            Severity.WARNING,
            source=since.source,
        )
    version = parse_version(text)
    yield from _devices_by_cdi(facts)
    if facts.kubernetes[:2] >= (1, 34) and DRA_FIRST <= version < DRA_WITH_V1:
        yield Problem(
            "K8S_VERSION",
            "dra_driver",
            f"DRA driver {dotted(version)} asks for resource.k8s.io/v1beta1, which Kubernetes "
            f"{dotted(facts.kubernetes)} no longer serves by default",
            (set_field("dra_driver", "25.8.0", "use DRA driver 25.8.0 or newer"),),
            source=DRA_WITH_V1.source,
        )
    if facts.kubernetes[:3] in DRA_UNREGISTERED:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"the kubelet of {dotted(facts.kubernetes)} loses DRA drivers when they restart",
            (set_field("kubernetes", "1.34.2", "upgrade to Kubernetes 1.34.2"),),
            Severity.WARNING,
            source=DRA_UNREGISTERED.source,
        )
    yield from _dra_floor(facts, f"{text} {values}", version)


def _devices_by_cdi(facts: Facts) -> Iterator[Problem]:
    """DRA drivers hand out devices by CDI alone."""
    containerd = parse_version(facts.given.containerd) if facts.given.containerd is not None else ()
    if () < containerd < CDI_SINCE:
        yield Problem(
            "TOOLKIT_CONTAINERD",
            "containerd",
            f"the DRA driver hands out GPUs by CDI, which containerd {dotted(containerd)} does not know",
            (
                set_field("containerd", "1.7.29", "use containerd 1.7"),
                set_field("dra_driver", None, "use the device plugin"),
            ),
            source=DRA_ASKS_CDI,
        )


def _dra_floor(facts: Facts, text: str, version: Version) -> Iterator[Problem]:
    """The oldest driver under the DRA driver."""
    gate = _NAMED_DAEMONS.search(text)
    named = gate is not None and "false" not in gate[0]
    before_names = DRA_FIRST <= version < DRA_WITH_V1  # whose pages ask for 565 where nothing is said
    domain = facts.gpu is not None and facts.gpu.id in ("gb200", "gb300") and not before_names
    domain = (named or "domain" in text or domain) and not _WITHOUT_DOMAINS.search(text)
    floor = COMPUTE_DOMAIN_MIN_DRIVER if domain else DRA_MIN_DRIVER
    if version[:2] == DRA_ADDRESSING[0]:
        floor = DRA_ADDRESSING[1]
    by_default = version >= DRA_WITH_V1 or () < version < DRA_FIRST
    by_default = by_default and gate is None and not _WITHOUT_DOMAINS.search(text)
    for needed, holds, what in (
        (floor, True, "the DRA driver"),
        (
            COMPUTE_DOMAIN_MIN_DRIVER,
            by_default,
            "its plugin for compute domains, which the chart installs too,",
        ),
    ):
        if holds and facts.driver_high and facts.driver_high < needed:
            yield Problem(
                "DRA_DRIVER_MIN",
                "driver",
                f"{what} needs driver {driver_text(needed)} or newer, the node has {facts.driver_text}",
                (raise_driver(facts, needed),),
                source=needed.source,
            )
            return


def _operator_dra(facts: Facts) -> Iterator[Problem]:
    """The DRA driver that the operator itself installs (resource ``GPUCluster``)."""
    text = plain(facts.given.dra_driver)
    asked = _GPU_CLUSTER.search(plain(facts.given.env))
    by_operator = "gpucluster" in text or "operator" in text or parse_version(text)[:2] >= OPERATOR_DRA
    by_operator = by_operator or (asked is not None and "false" not in asked[0])
    release = stated_operator(facts)
    if not by_operator or release is None or release.key[:2] < OPERATOR_DRA:
        return
    if "clusterpolicy" in text:
        yield Problem(
            "OPERATOR_DUPLICATE_STACK",
            "dra_driver",
            "a cluster has either GPUCluster (DRA) or ClusterPolicy (device plugin), not both",
            (set_field("dra_driver", None, "use ClusterPolicy alone"),),
            source=OPERATOR_DRA.source,
        )
    if facts.kubernetes and facts.kubernetes < OPERATOR_DRA_KUBERNETES[: len(facts.kubernetes)]:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"DRA by the operator (GPUCluster) needs Kubernetes 1.34.2, this is {dotted(facts.kubernetes)}",
            (
                set_field("kubernetes", "1.35", "upgrade to Kubernetes 1.35"),
                *((set_field("dra_driver", None, "use the device plugin"),) if asked is None else ()),
            ),
            source=OPERATOR_DRA.source,
        )
    if facts.driver_high and facts.driver_high < OPERATOR_DRA_DRIVER:
        yield Problem(
            "DRA_DRIVER_MIN",
            "driver",
            f"DRA by the operator (GPUCluster) needs driver 580 or newer, the node has {facts.driver_text}",
            (raise_driver(facts, OPERATOR_DRA_DRIVER),),
            source=OPERATOR_DRA.source,
        )


def kubernetes_problems(facts: Facts, today: date) -> Iterator[Problem]:
    """Windows of Kubernetes that the operator and the platform support; ``today`` judges the latter.

    They come last: outside of them things often still run, and another cause is nearer.
    """
    if facts.kubernetes:
        minor = facts.kubernetes[:2]
        yield from _operator_range(facts, minor)
        yield from _operator_apis(facts, minor)
        yield from _named_apis(facts, minor)
        yield from _after_al2(facts, minor)
        yield from _support_ended(facts, minor, today)


def _operator_range(facts: Facts, minor: Version) -> Iterator[Problem]:
    release = stated_operator(facts)
    if release is None or not release.kubernetes_min or _admits(release, facts):
        return
    fitting = [row for row in operator_releases() if row.kubernetes_min and _admits(row, facts)]
    newer = [row for row in fitting if row.key > release.key]
    minor_release = newer[0].key[:2] if newer else ()
    nearest = [row for row in newer if row.key[:2] == minor_release][-1:] or fitting
    newest = dotted(release.kubernetes_max)
    yield Problem(
        "K8S_VERSION",
        "kubernetes",
        f"GPU Operator {release.version} supports Kubernetes {dotted(_oldest(release, facts))} to {newest}, "
        f"this is {dotted(minor)}",
        (
            *(
                Fix(f"use GPU Operator {row.version}", {"gpu_operator": row.version})
                for row in (nearest[-1:] + fitting[-1:])
            ),
            set_field("kubernetes", newest, f"use Kubernetes {newest}"),
        ),
        # OpenShift has a range of its own, which reaches further back
        Severity.WARNING if is_openshift(facts.given) else Severity.ERROR,
        source=release.source,
        as_of=release.as_of,
    )


def _operator_apis(facts: Facts, minor: Version) -> Iterator[Problem]:
    version = parse_version(facts.given.gpu_operator) if has_operator(facts) else ()
    for removed_in, first_without, which, on_openshift in BETA_REMOVED:
        is_meant = not on_openshift or is_openshift(facts.given)
        if is_meant and () < version < first_without and minor >= removed_in:
            yield Problem(
                "K8S_VERSION",
                "kubernetes",
                f"GPU Operator {dotted(version)} uses APIs ({which}) that Kubernetes "
                f"{dotted(removed_in)} removed",
                tuple(
                    Fix(f"use GPU Operator {release}", {"gpu_operator": release})
                    for release in ("v1.11.1", "v25.3.4")
                ),
                source=first_without.source,
            )
            return


def _named_apis(facts: Facts, minor: Version) -> Iterator[Problem]:
    """Charts and manifests that are said to use a beta API."""
    words = plain(facts.given.env)
    if "beta" not in words and "alpha" not in words:
        return
    for name, removed_in in REMOVED_APIS:
        used = re.search(rf"(?<![\w.]){re.escape(name)}(?!\d)", words)
        if used and minor >= removed_in and not _WITHOUT_API.search(words[: used.start()]):
            yield Problem(
                "K8S_VERSION",
                "kubernetes",
                f"{name} was removed in Kubernetes {dotted(removed_in)}, this is {dotted(minor)}",
                (
                    Fix("use a release of the chart that does without it", {"env": None}),
                    set_field(
                        "kubernetes",
                        f"{removed_in[0]}.{removed_in[1] - 1}",
                        f"use Kubernetes before {dotted(removed_in)}",
                    ),
                ),
                source=REMOVED_APIS_SOURCE,
            )


def _after_al2(facts: Facts, minor: Version) -> Iterator[Problem]:
    last = _last_al2()
    newest = parse_version(last.kubernetes)
    if facts.platform == "eks" and facts.os == "Amazon Linux 2" and minor > newest:
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"EKS has no Amazon Linux 2 image with GPU drivers after Kubernetes {dotted(newest)}, "
            f"this is {dotted(minor)}",
            (use_eks_image(facts),),
            source=last.source,
            as_of=last.as_of,
        )


def _support_ended(facts: Facts, minor: Version, today: date) -> Iterator[Problem]:
    known = kubernetes_versions().get((facts.platform, dotted(minor)))
    oldest = _oldest_listed(facts.platform)
    is_older = oldest is not None and minor < parse_version(oldest.version)
    row = oldest if is_older else known
    if row is not None and (is_older or row.is_supported(today) is False):
        yield Problem(
            "K8S_VERSION",
            "kubernetes",
            f"{facts.platform} ended support of Kubernetes {dotted(minor)} before {today}",
            _supported_longest(facts.platform, today),
            Severity.WARNING,
            source=row.source,
            as_of=row.as_of,
        )


def _supported_longest(platform: str, today: date) -> tuple[Fix, ...]:
    """The version of the platform whose support ends last; empty: none is known to be supported."""
    ends = (
        (row.last_day, row.version)
        for (cloud, _), row in kubernetes_versions().items()
        if cloud == platform and row.last_day and row.is_supported(today)
    )
    last, version = max(ends, default=(None, ""))
    if last is None:
        return ()
    return (set_field("kubernetes", version, f"move to Kubernetes {version}, supported until {last}"),)


def _oldest(release: OperatorRelease, facts: Facts) -> Version:
    """Oldest Kubernetes that a release supports on the node's system."""
    return release.kubernetes_min_by_os.get(facts.os, release.kubernetes_min)


def _admits(release: OperatorRelease, facts: Facts) -> bool:
    return _oldest(release, facts) <= facts.kubernetes[:2] <= release.kubernetes_max


@cache
def _last_al2() -> NodeImage:
    """An EKS image of Amazon Linux 2 for the newest Kubernetes that there is one for."""
    rows = (row for row in node_images() if row.image.startswith("AL2_"))
    return max(rows, key=lambda row: parse_version(row.kubernetes))


@cache
def _oldest_listed(platform: str) -> KubernetesVersion | None:
    """Oldest Kubernetes of the platform in the catalog; None: it lists none."""
    listed = (row for (cloud, _), row in kubernetes_versions().items() if cloud == platform)
    return min(listed, key=lambda row: parse_version(row.version), default=None)
