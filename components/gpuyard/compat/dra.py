"""Devices by DRA: NVIDIA's driver for it, and the one that the GPU Operator installs."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version, parse_version
from gpuyard.compat.cdi import lacks_cdi
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import ABSENT, stated_operator
from gpuyard.compat.problem import Problem, raise_driver, set_field
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, driver_text, plain
from gpuyard.errors import Severity

_DOCS = "NVIDIA/k8s-dra-driver-gpu docs (2026-08)"
DRA_MIN_KUBERNETES = Sourced((1, 32), _DOCS)
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
    (565,), f"{_DOCS}; NVIDIA/cloud-native-docs gpu-operator/dra-intro-install.rst (2025-08, for 25.3)"
)
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


def dra_problems(facts: Facts) -> Iterator[Problem]:
    """Every rule on dynamic resource allocation."""
    yield from _own_driver(facts)
    yield from _operators(facts)


def _own_driver(facts: Facts) -> Iterator[Problem]:
    """NVIDIA's DRA driver by its own chart."""
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
    # DRA drivers hand out devices by CDI alone
    without = set_field("dra_driver", None, "use the device plugin")
    by_cdi = lacks_cdi(facts, "containerd", "the DRA driver", without, source=DRA_ASKS_CDI)
    if by_cdi is not None:
        yield by_cdi
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
    yield from _floor(facts, f"{text} {values}", version)


def _floor(facts: Facts, text: str, version: Version) -> Iterator[Problem]:
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


def _operators(facts: Facts) -> Iterator[Problem]:
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
