"""Container toolkit against containerd: whose configuration it can read, and what it writes back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuyard.catalog.software import Version, parse_version
from gpuyard.compat.cdi import CDI_RULES, asked_by_plugin
from gpuyard.compat.container_stack import (
    OWN_CONTAINERD,
    SAFE,
    Stack,
    distribution_words,
    read_stack,
    stated_toolkit,
    use_operator,
)
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import has_operator, installs_toolkit
from gpuyard.compat.problem import Fix, Problem, set_field, with_env, without_flags
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

READS_V3: Version = (1, 17, 4)
ASKS_SINCE: Version = (1, 17, 0)
"""Toolkit that asks `containerd config dump` before it reads the file (its CHANGELOG)."""
DROP_IN_SINCE: Version = (1, 18)
"""Toolkit that writes a drop-in file of the version that containerd answers (its CHANGELOG)."""
CONTAINERD_V4 = Sourced((2, 3), "NVIDIA/aicr#1688, #1237; NVIDIA/gpu-operator#2646")
"""containerd that answers in configuration version 4 (its RELEASES.md), which an older main file may not
hold."""
SUPPORTS_V4: Version = (1, 20)
"""Toolkit of the first GPU Operator whose support matrix names containerd 2.3 (26.7)."""
CGROUP_V2: Sourced[int] = Sourced(
    (1, 8), "pop-os/beta#289; NVIDIA/k8s-device-plugin#235, #324; NVIDIA/nvidia-docker#1660"
)
"""First toolkit that gives devices to cgroups of version 2."""
WITH_CGROUP_V2 = frozenset(
    {
        *(
            "Ubuntu 22.04",
            "Ubuntu 24.04",
            "Ubuntu 26.04",
            "Debian 11",
            "Debian 12",
            "Fedora",
            "RHEL 9",
            "RHEL 10",
        ),
        *("Amazon Linux 2023", "Arch"),
    }
)
"""Systems that have cgroups of version 2 unless they are told otherwise."""
WITH_CONTAINERD = Sourced((1, 4), "NVIDIA/gpu-operator#7; release notes of 1.4.0")
"""First GPU Operator that configures containerd."""
TEMPLATE = Sourced(
    (re.compile(r"(-v3)?\.tmpl$"),),
    "rancher/rke2#3385 (2022-09-27), #10293 (2026-04-24); NVIDIA/gpu-operator#473 (2023-01-20: it ran), "
    "#623 (2024-07-19), #673 (2024-02-21)",
)
"""How the names of K3s' and RKE2's templates end."""
LOSES_IMPORTS: Sourced[int] = Sourced(
    (1, 18, 0),
    "NVIDIA/gpu-operator#1835; k0sproject/k0s#6547; GPU Operator release notes 25.10.0 and 25.10.1",
)
"""The toolkit that writes over the imports of containerd's main file, of which that of k0s consists."""
MENDED_AFTER: Mapping[str, Sourced[int]] = {
    "k0s": Sourced((1, 17, 4), "NVIDIA/gpu-operator#1323; NVIDIA/nvidia-container-toolkit#803"),
    "": Sourced((1, 17, 0), "NVIDIA/gpu-operator#1109"),
}
"""The last toolkit that asks them all the same; empty: of the others."""


def toolkit_problems(facts: Facts) -> Iterator[Problem]:
    """The first rule on the toolkit that is broken: the others follow from it."""
    told = _versions_mixed(facts) or asked_by_plugin(facts)
    if told is not None:
        yield told
        return
    by_template = any(name.rpartition(".")[2] == "CONTAINERD_CONFIG" for name in facts.env)
    if facts.given.toolkit is None and not has_operator(facts) and not by_template:
        return
    early = _before_containerd(facts)
    if early is not None:
        yield early
        return
    stack = read_stack(facts)
    for rule in _RULES:
        problem = rule(stack)
        if problem is not None:
            # EKS images have a toolkit of their own, so the operator's is often switched off
            may_be_off = not stated_toolkit(facts) and facts.platform == "eks" and facts.manager != "operator"
            if may_be_off and facts.given.containerd is None:
                problem = replace(problem, severity=Severity.WARNING)
            yield problem
            return


def _versions_mixed(facts: Facts) -> Problem | None:
    """A main file and a drop-in of which it is said that their versions differ."""
    words = plain(facts.given.env)
    if "version" not in words or not re.search(r"containerd|config\.toml", words):
        return None
    said = set(re.findall(r"\bversion ?[=:] ?([234])\b", words))
    containerd = (
        parse_version(facts.given.containerd) if facts.given.containerd is not None else CONTAINERD_V4
    )
    if "4" not in said or len(said) == 1 or containerd < CONTAINERD_V4:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "env",
        "a drop-in file of configuration version 4 beside an older main file, which containerd refuses",
        (
            Fix("write both in one version", {"env": None}),
            set_field("containerd", "2.2.1", "use containerd 2.2"),
        ),
        source=join_sources(CONTAINERD_V4.source, "kubernetes-sigs/kubespray#13285 (2026-06-02)"),
    )


def _before_containerd(facts: Facts) -> Problem | None:
    """GPU Operators that knew Docker alone."""
    version = parse_version(facts.given.gpu_operator) if has_operator(facts) else ()
    by_containerd = facts.given.containerd is not None or any(
        word in distribution_words(facts) for word in OWN_CONTAINERD
    )
    if not () < version < WITH_CONTAINERD[: len(version)] or not by_containerd:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "gpu_operator",
        f"GPU Operator {dotted(version)} configures Docker only; containerd came with 1.4",
        (use_operator("v1.11.1"), use_operator("v25.3.4")),
        source=WITH_CONTAINERD.source,
    )


def _reads_file(facts: Facts) -> bool:
    """Whether the toolkit was told to read the file instead of asking."""
    told = facts.env.get("RUNTIME_CONFIG_SOURCE", "").lower()
    return told.startswith("file") or "config_source=file" in plain(facts.given.toolkit)


def _by_file(facts: Facts) -> Fix:
    return Fix(
        "set RUNTIME_CONFIG_SOURCE=file on the toolkit", with_env(facts, "RUNTIME_CONFIG_SOURCE", "file")
    )


def _template(stack: Stack) -> Problem | None:
    """Files that K3s and RKE2 write their configuration from, which are no TOML."""
    files = [name for name in stack.facts.env if name.rpartition(".")[2] == "CONTAINERD_CONFIG"]
    given = next((name for name in files if TEMPLATE[0].search(stack.facts.env[name])), "")
    if not given:
        return None
    written = TEMPLATE[0].sub("", stack.facts.env[given])
    has_braces = "{{" in str(stack.facts.given.env)
    return Problem(
        "TOOLKIT_CONTAINERD",
        "env",
        f"{given} is a file of Go templates; the toolkit parses TOML (keys cannot contain {{ character)",
        (
            Fix(f"set it to {written}", with_env(stack.facts, given, written)),
            Fix(f"leave {given} unset", without_flags(stack.facts, given)),
        ),
        # where there was no such file the toolkit wrote one; from 1.18 on that holds imports alone
        Severity.ERROR if has_braces or stack.toolkit >= DROP_IN_SINCE else Severity.WARNING,
        source=TEMPLATE.source,
    )


def _version_3(stack: Stack) -> Problem | None:
    if stack.facts.os == "Talos":
        return None  # it ships containerd's configuration for the runtime itself (siderolabs/extensions)
    if stack.containerd[:1] < (2,) or not stack.toolkit or stack.toolkit >= READS_V3:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} cannot read containerd 2's configuration (version 3)",
        (set_field("toolkit", SAFE, f"use container toolkit {SAFE}"), use_operator("v25.10.1")),
    )


def _cgroups(stack: Stack) -> Problem | None:
    if not (1,) <= stack.toolkit < CGROUP_V2 or stack.facts.os not in WITH_CGROUP_V2:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} knows cgroups of version 1 only, and "
        f"{stack.facts.os} has version 2 (cgroup subsystem devices not found)",
        (set_field("toolkit", SAFE, f"use container toolkit {SAFE}"), use_operator("v25.3.4")),
        source=CGROUP_V2.source,
    )


def _own_containerd(stack: Stack) -> Problem | None:
    """Toolkits that do not find the file of K3s, RKE2 and k0s."""
    where = distribution_words(stack.facts)
    last = MENDED_AFTER["k0s" if "k0s" in where else ""]
    if not any(word in where for word in OWN_CONTAINERD) or not ASKS_SINCE <= stack.toolkit[:3] <= last:
        return None
    if _reads_file(stack.facts):
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} asks for `containerd`, which this distribution keeps to "
        "itself",
        (set_field("toolkit", "1.17.8", "use container toolkit 1.17.8"), use_operator("v25.3.4")),
        source=last.source,
    )


def _imports(stack: Stack) -> Problem | None:
    """A toolkit whose drop-in file takes the place of those that the distribution imports."""
    if stack.toolkit[:3] != LOSES_IMPORTS or "k0s" not in distribution_words(stack.facts):
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} writes over the imports of containerd's file, "
        "and k0s keeps its own settings in what is imported",
        (set_field("toolkit", SAFE, f"use container toolkit {SAFE}"), use_operator("v25.10.1")),
        source=LOSES_IMPORTS.source,
    )


def _gke(stack: Stack) -> Problem | None:
    by_operator = stack.release is not None and installs_toolkit(stack.facts) is not False
    known_bad = stack.toolkit[:3] == (1, 18, 0)
    if stack.facts.platform != "gke" or stack.containerd[:1] < (2,) or _reads_file(stack.facts):
        return None
    if not (by_operator or known_bad):
        return None
    asks = stack.release.key if stack.release is not None else stack.toolkit
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        "the container toolkit asks containerd 2 on GKE for a configuration that it does not get",
        (_by_file(stack.facts), use_operator("v25.10.1")),
        # the documentation and an account of 2026-06 (ai.wmx.dev) still ask for it, issues end with 25.10.0
        Severity.ERROR if asks <= (25, 10, 0) else Severity.WARNING,
    )


def _version_4(stack: Stack) -> Problem | None:
    """AKS's main file is of version 2, others' often of 3.

    Reading the file instead helps beside version 2; beside version 3 it needs toolkit 1.20
    (NVIDIA/nvidia-container-toolkit#1956).
    """
    if stack.containerd < CONTAINERD_V4 or stack.toolkit < DROP_IN_SINCE or _reads_file(stack.facts):
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} writes a file of configuration version 4, which "
        f"containerd {dotted(stack.containerd)} refuses beside an older main file",
        (_by_file(stack.facts), set_field("containerd", "2.2.1", "use containerd 2.2")),
        Severity.ERROR if stack.facts.platform == "aks" or stack.toolkit < SUPPORTS_V4 else Severity.WARNING,
        source=CONTAINERD_V4.source,
    )


_RULES = (
    _template,
    _version_3,
    _cgroups,
    *CDI_RULES,
    _own_containerd,
    _imports,
    _gke,
    _version_4,
)
