"""Who installs what on a node: the GPU Operator, the node image or the cloud."""

import re

from gpuyard.catalog.software import parse_version
from gpuyard.catalog.software_nodes import (
    OperatorOs,
    OperatorRelease,
    find_operator,
    node_images,
    operator_releases,
    operator_systems,
)
from gpuyard.compat.facts import Facts
from gpuyard.compat.place import is_openshift
from gpuyard.compat.spelling import plain

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
_VALUES = re.compile(
    r"(driver|toolkit|devicePlugin|migManager|dcgm|dcgmExporter|hostPaths|operator|validator|cdi|gds|gdrcopy"
    r"|mig|daemonsets|sandboxWorkloads|sandboxDevicePlugin|vgpuManager|vgpuDeviceManager|vfioManager"
    r"|ccManager|kataManager|nodeStatusExporter)\.\w"
)
"""Values of the GPU Operator's Helm chart; those that the device plugin's own chart has too are left out."""
_IN_WORDS = re.compile(
    r"gpu[-_ ]operator (is |was )?(installed|deployed|running|enabled)"
    r"|helm (upgrade|install)[^;,]*\bgpu-operator\b"
)
"""How an environment says that the operator is there."""
_DEFAULTS = re.compile(r"gpu[-_ ]operator[^;,]*\b(defaults?|default (values|settings|chart))\b")
"""How it says that no value of the chart was changed: it installs the driver then."""
_LEFT_OUT = re.compile(r"[=: ]false|disabled|\boff\b|by (the )?(node|image|host|ami)\b|pre-?installed")
_PUT_IN = re.compile(r"^(enabled|true|yes|on)$|operator|enabled[=: ]+true")
"""What people write of the toolkit where the operator is to leave it out, or to install it."""
IMAGES_WITH_DRIVER = frozenset({"Amazon Linux 2023", "GKE COS", "RHCOS (OpenShift)"})
"""Systems whose usual GPU image brings the driver, or has a driver container: silence says nothing there."""


_KIN = (
    ("CentOS 7", r"centos[a-z _-]*7"),
    ("CentOS 8", r"centos[a-z _-]*8"),
    ("RHEL rebuild", r"alma ?linux|oracle ?linux|\bol ?[89]\b|centos[a-z _-]*9"),
    ("Rocky Linux", r"\brocky"),
    (
        "SLES before 15 SP7",
        r"(?:\bsles|suse linux enterprise[a-z ]*)[ ._-]*(?:1[12]\b|15[ ._-]*(?:sp ?)?[1-6]\b)",
    ),
    ("WSL", r"\bwsl"),
    ("Garden Linux", r"garden ?linux"),
    ("Jetson", r"jetpack|\bl4t\b"),
)
"""Systems that count as another one elsewhere, but whose name becomes the tag of their driver image."""


def operator_system(facts: Facts) -> OperatorOs | None:
    """The catalog's row for the system, of its minor release where that has one."""
    names = [name for name, pattern in _KIN if re.search(pattern, facts.node_image)]
    if re.search(r"jetson|\borin\b|xavier", f"{facts.gpu_name} {plain(facts.given.gpu)}"):
        names.insert(0, "Jetson")
    minor = re.search(r"(?:rhel|red ?hat[a-z ]*)[ _-]*(\d+\.\d+)", facts.node_image)
    if minor:
        names.append(f"RHEL {minor[1]}")
    if facts.os == "RHCOS (OpenShift)" or is_openshift(facts.given):
        names.append(f"RHCOS {_openshift(facts)}")
    return next((row for name in (*names, facts.os) if (row := operator_systems().get(name))), None)


def _openshift(facts: Facts) -> str:
    """Version of OpenShift, ``4.12``; empty: not said."""
    text = f"{facts.node_image} {facts.given.platform or ''} {facts.given.kubernetes or ''}".lower()
    found = re.search(r"\b(?:rhcos|openshift|ocp|v)?[ _-]*(4\.\d+)", text)
    return found[1] if found else ""


def has_operator(facts: Facts) -> bool:
    """Whether the GPU Operator is there: stated, or values of its Helm chart are."""
    if facts.given.gpu_operator is not None:
        return plain(facts.given.gpu_operator) not in ABSENT
    return is_in_environment(facts)


def is_in_environment(facts: Facts) -> bool:
    """Whether environment or Helm values tell of the operator."""
    words = facts.given.env
    if words is None:
        return False
    return has_values(facts) or (isinstance(words, str) and _IN_WORDS.search(words.lower()) is not None)


def has_values(facts: Facts) -> bool:
    """Whether values of the GPU Operator's Helm chart are stated."""
    return bool(operator_values(facts))


def operator_values(facts: Facts) -> list[str]:
    """Names of the stated values of its chart."""
    return [name for name in facts.env if _VALUES.match(name)]


def stated_operator(facts: Facts) -> OperatorRelease | None:
    """The operator's release, or the newest before it; None: there is no operator, or no number of it."""
    return find_operator(facts.given.gpu_operator) if has_operator(facts) else None


def switched(facts: Facts, part: str) -> bool | None:
    """What the Helm value ``<part>.enabled`` says; None: nothing."""
    text = facts.env.get(f"{part}.enabled", "")
    return is_on(text) if text else None


def is_on(text: str) -> bool:
    """Whether a switch's value is not one of those that turn it off."""
    return text.lower() not in ("false", "no", "0", "off", "disabled")


def installs_toolkit(facts: Facts) -> bool | None:
    """Whether the operator is to install the container toolkit; None: neither value nor words say so."""
    told = switched(facts, "toolkit")
    if told is not None:
        return told
    text = plain(facts.given.toolkit)
    if text in ABSENT or _LEFT_OUT.search(text):
        return False
    return True if _PUT_IN.search(text) else None


def installs_driver(facts: Facts) -> bool:
    """Whether the operator is to install the driver: stated, or nothing else can be meant."""
    told = switched(facts, "driver") if has_operator(facts) else None
    if told is not None:
        return told
    if not facts.manager and has_operator(facts) and _DEFAULTS.search(plain(facts.given.env)):
        return True
    if facts.manager or not has_operator(facts):
        return facts.manager == "operator"
    system = operator_system(facts)
    if system is None:
        return False
    stated = facts.given.driver is not None or facts.given.driver_branch is not None
    if stated:
        often_there = facts.platform == "eks" or facts.os in IMAGES_WITH_DRIVER
        if system.driver_container:
            return bool(system.since and facts.driver) and is_default_driver(facts)
        return bool(facts.driver or not often_there) and is_default_driver(facts)
    if system.driver_container or facts.os in IMAGES_WITH_DRIVER or "oracle" in facts.node_image:
        return False
    return installs_toolkit(facts) is not False


def is_default_driver(facts: Facts) -> bool:
    """Whether the driver is the one that the operator's release, or one near it, installs by default."""
    release = find_operator(facts.given.gpu_operator)
    if release is None or (facts.platform == "eks" and _ships(facts)):
        return False
    return any(
        (own := parse_version(row.default_driver)) == facts.driver
        or (not facts.driver and own[0] == facts.branch)
        for row in operator_releases()
        if row.key[:2] == release.key[:2]
    )


def _ships(facts: Facts) -> bool:
    """Whether some EKS image has just this driver."""
    return any(parse_version(row.driver) == facts.driver for row in node_images() if row.platform == "eks")
