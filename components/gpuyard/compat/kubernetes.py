"""The version of Kubernetes: what operator and platform support, APIs that it no longer has."""

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
from gpuyard.compat.owner import has_operator, stated_operator
from gpuyard.compat.place import is_openshift
from gpuyard.compat.problem import Fix, Problem, set_field, use_eks_image
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

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
