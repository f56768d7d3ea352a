"""Devices by CDI, which containerd injects: what asks for it, and which containerd does not know it."""

import re

from gpuyard.catalog.software import Version
from gpuyard.compat.container_stack import Stack, containerd_of, distribution_words, use_operator
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import is_on, switched
from gpuyard.compat.problem import Fix, Problem, set_field, with_env, without_flags
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted
from gpuyard.errors import Severity

CDI_SINCE: Version = (1, 7)
"""containerd that injects CDI devices."""
CDI_BY_CRI = "kubernetes/kubernetes PR#126435 and #121350; NVIDIA/k8s-device-plugin PR#573"
_STRATEGY = re.compile(r"device_?-?list_?-?strategy", re.IGNORECASE)
"""How the device plugin is told the way it hands out GPUs: variable, flag or Helm value."""
OPERATOR_CDI = Sourced((25, 10), "canonical/k8s-snap#2388")
"""GPU Operator that uses CDI by default."""
NRI: tuple[Version, ...] = ((1, 7, 30), (2, 0), (2, 1))
"""containerd 1.7 from which the toolkit's NRI plugin works, and the minor versions between which it does not
(GPU Operator docs, page on CDI)."""


def lacks_cdi(
    facts: Facts, path: str, who: str, *others: Fix, source: str, effect: str = ""
) -> Problem | None:
    """What ``who`` hands out and the node's containerd does not know; None: it does, or is not known."""
    containerd = containerd_of(facts)
    if not () < containerd < CDI_SINCE:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        path,
        f"{who} hands out GPUs by CDI, which containerd {dotted(containerd)} does not know{effect}",
        (set_field("containerd", "1.7.29", "use containerd 1.7"), *others),
        source=source,
    )


def asked_by_plugin(facts: Facts) -> Problem | None:
    """A device plugin that is told to hand out GPUs by CDI."""
    name = next((name for name, text in facts.env.items() if _STRATEGY.search(name) and "cdi-" in text), "")
    if not name:
        return None
    by_variable = Fix(f"set {name}=envvar", with_env(facts, name, "envvar"))
    effect = ": pods start without them"
    return lacks_cdi(facts, "env", f"{name}={facts.env[name]}", by_variable, source=CDI_BY_CRI, effect=effect)


def _by_operator(stack: Stack) -> Problem | None:
    if stack.release is None or stack.release.key < OPERATOR_CDI or switched(stack.facts, "cdi") is False:
        return None
    off = Fix("set cdi.enabled=false", with_env(stack.facts, "cdi.enabled", "false"))
    who = f"GPU Operator {stack.release.version}"
    return lacks_cdi(stack.facts, "containerd", who, off, use_operator("v25.3.4"), source=OPERATOR_CDI.source)


def _nri(stack: Stack) -> Problem | None:
    asked = is_on(stack.facts.env.get("cdi.nriPluginEnabled", "false"))
    first, gap, after = NRI
    is_old = stack.containerd < first[: len(stack.containerd)] or gap <= stack.containerd < after
    if not asked or not stack.containerd[1:] or not is_old:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "containerd",
        f"the toolkit's NRI plugin needs containerd 1.7.30, 2.1 or newer, this is {dotted(stack.containerd)}",
        (
            set_field("containerd", "2.2.1", "use containerd 2.2"),
            Fix("leave cdi.nriPluginEnabled unset", without_flags(stack.facts, "cdi.nriPluginEnabled")),
        ),
        source="GPU Operator docs, page on CDI (2026-08-21); rancher/rke2-docs docs/add-ons/gpu_operators.md",
    )


def _cdi_on_rke2(stack: Stack) -> Problem | None:
    """From 25.10 on CDI is the default, and RKE2 is supported."""
    is_on = switched(stack.facts, "cdi") or switched(stack.facts, "cdi.default")
    if stack.release is None or not is_on or "rke2" not in distribution_words(stack.facts):
        return None
    if stack.release.key >= OPERATOR_CDI:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "env",
        f"GPU Operator {stack.release.version} does not work with CDI on RKE2",
        (Fix("leave cdi.enabled unset", without_flags(stack.facts, "cdi.enabled", "cdi.default.enabled")),),
        source="GPU Operator release notes 25.3.1 and 25.3.2",
    )


def _before_2_on_rke2(stack: Stack) -> Problem | None:
    """RKE2's page asks for containerd 2 with operators that hand out GPUs by CDI."""
    where = distribution_words(stack.facts)
    on_rke2 = "rke2" in where or "/run/k3s/" in where
    if not on_rke2 or stack.release is None or stack.release.key < OPERATOR_CDI:
        return None
    if not CDI_SINCE <= stack.containerd < (2,) or switched(stack.facts, "cdi") is False:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "containerd",
        f"RKE2 asks for containerd 2 with GPU Operator {stack.release.version}, this is "
        f"{dotted(stack.containerd)}",
        (
            set_field("containerd", "2.1.4", "use a release of RKE2 with containerd 2"),
            use_operator("v25.3.4"),
        ),
        Severity.WARNING,
        source="rancher/rke2-docs docs/add-ons/gpu_operators.md (2026-08-20)",
    )


CDI_RULES = (_by_operator, _nri, _cdi_on_rke2, _before_2_on_rke2)
