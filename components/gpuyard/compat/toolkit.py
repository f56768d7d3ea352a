"""Container toolkit against containerd: whose configuration it can read, and what it writes back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import OperatorRelease
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import has_operator, installs_toolkit, is_on, stated_operator, switched
from gpuyard.compat.problem import Fix, Problem, set_field, with_env, without_flags
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

CONTAINERD_2_SINCE: Version = (1, 33)
"""Kubernetes version from which EKS, GKE, K3s and RKE2 nodes run containerd 2."""
CDI_SINCE: Version = (1, 7)
"""containerd that injects CDI devices."""
CDI_BY_CRI = "kubernetes/kubernetes PR#126435 and #121350; NVIDIA/k8s-device-plugin PR#573"
_STRATEGY = re.compile(r"device_?-?list_?-?strategy", re.IGNORECASE)
"""How the device plugin is told the way it hands out GPUs: variable, flag or Helm value."""
OPERATOR_CDI = Sourced((25, 10), "canonical/k8s-snap#2388")
"""GPU Operator that uses CDI by default."""
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
NRI: tuple[Version, ...] = ((1, 7, 30), (2, 0), (2, 1))
"""containerd 1.7 from which the toolkit's NRI plugin works, and the minor versions between which it does not
(GPU Operator docs, page on CDI)."""
WITH_CONTAINERD = Sourced((1, 4), "NVIDIA/gpu-operator#7; release notes of 1.4.0")
"""First GPU Operator that configures containerd."""
TEMPLATE = Sourced(
    (re.compile(r"(-v3)?\.tmpl$"),),
    "rancher/rke2#3385 (2022-09-27), #10293 (2026-04-24); NVIDIA/gpu-operator#473 (2023-01-20: it ran), "
    "#623 (2024-07-19), #673 (2024-02-21)",
)
"""How the names of K3s' and RKE2's templates end."""
SAFE = "1.18.1"
OWN_CONTAINERD = ("k3s", "rke2", "k0s", "microk8s")
"""Distributions that keep `containerd` to themselves."""
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


@dataclass(frozen=True, slots=True)
class _Stack:
    """Toolkit, containerd and operator of one node. Empty: unknown, or none."""

    facts: Facts
    release: OperatorRelease | None
    toolkit: Version
    containerd: Version


def toolkit_problems(facts: Facts) -> Iterator[Problem]:
    """The first rule on the toolkit that is broken: the others follow from it."""
    mixed = _versions_mixed(facts)
    if mixed is not None:
        yield mixed
        return
    asked = _by_strategy(facts)
    if asked is not None:
        yield asked
        return
    by_template = any(name.rpartition(".")[2] == "CONTAINERD_CONFIG" for name in facts.env)
    if facts.given.toolkit is None and not has_operator(facts) and not by_template:
        return
    early = _before_containerd(facts)
    if early is not None:
        yield early
        return
    release = stated_operator(facts)
    given = _given(facts)
    stack = _Stack(facts, release, given or _by_operator(facts, release), _containerd(facts))
    for rule in _RULES:
        problem = rule(stack)
        if problem is not None:
            # EKS images have a toolkit of their own, so the operator's is often switched off
            may_be_off = not given and facts.platform == "eks" and facts.manager != "operator"
            if may_be_off and facts.given.containerd is None:
                problem = replace(problem, severity=Severity.WARNING)
            yield problem
            return


def _by_strategy(facts: Facts) -> Problem | None:
    """A device plugin that hands out GPUs by CDI to a containerd that does not know it."""
    containerd = _containerd(facts) if facts.given.containerd is not None else ()
    names = [name for name in facts.env if _STRATEGY.search(name) and "cdi-" in facts.env[name]]
    if not names or not () < containerd < CDI_SINCE:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "env",
        f"{names[0]}={facts.env[names[0]]} hands out GPUs by CDI, which containerd {dotted(containerd)} "
        "does not know: pods start without them",
        (
            set_field("containerd", "1.7.29", "use containerd 1.7"),
            Fix(f"set {names[0]}=envvar", with_env(facts, names[0], "envvar")),
        ),
        source=CDI_BY_CRI,
    )


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
        word in _where(facts) for word in OWN_CONTAINERD
    )
    if not () < version < WITH_CONTAINERD[: len(version)] or not by_containerd:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "gpu_operator",
        f"GPU Operator {dotted(version)} configures Docker only; containerd came with 1.4",
        (_operator("v1.11.1"), _operator("v25.3.4")),
        source=WITH_CONTAINERD.source,
    )


def _given(facts: Facts) -> Version:
    found = re.search(r"\d+\.\d+(\.\d+)?", str(facts.given.toolkit or ""))
    return parse_version(found[0]) if found else ()


def _by_operator(facts: Facts, release: OperatorRelease | None) -> Version:
    """The operator's own toolkit, unless it is switched off."""
    return () if release is None or installs_toolkit(facts) is False else release.toolkit


def _containerd(facts: Facts) -> Version:
    if facts.given.containerd is not None:
        return parse_version(facts.given.containerd)
    has_2 = facts.platform in ("eks", "gke") or any(word in _where(facts) for word in ("k3s", "rke2"))
    return (2,) if has_2 and facts.kubernetes[:2] >= CONTAINERD_2_SINCE else ()


def _where(facts: Facts) -> str:
    files = " ".join(text for name, text in facts.env.items() if name.startswith("CONTAINERD_"))
    return f"{facts.platform} {facts.node_image} {facts.given.kubernetes or ''} {files}".lower()


def _reads_file(facts: Facts) -> bool:
    """Whether the toolkit was told to read the file instead of asking."""
    told = facts.env.get("RUNTIME_CONFIG_SOURCE", "").lower()
    return told.startswith("file") or "config_source=file" in plain(facts.given.toolkit)


def _by_file(facts: Facts) -> Fix:
    return Fix(
        "set RUNTIME_CONFIG_SOURCE=file on the toolkit", with_env(facts, "RUNTIME_CONFIG_SOURCE", "file")
    )


def _operator(version: str) -> Fix:
    return Fix(f"use GPU Operator {version}", {"gpu_operator": version, "toolkit": None})


def _template(stack: _Stack) -> Problem | None:
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


def _version_3(stack: _Stack) -> Problem | None:
    if stack.facts.os == "Talos":
        return None  # it ships containerd's configuration for the runtime itself (siderolabs/extensions)
    if stack.containerd[:1] < (2,) or not stack.toolkit or stack.toolkit >= READS_V3:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} cannot read containerd 2's configuration (version 3)",
        (set_field("toolkit", SAFE, f"use container toolkit {SAFE}"), _operator("v25.10.1")),
    )


def _cgroups(stack: _Stack) -> Problem | None:
    if not (1,) <= stack.toolkit < CGROUP_V2 or stack.facts.os not in WITH_CGROUP_V2:
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} knows cgroups of version 1 only, and "
        f"{stack.facts.os} has version 2 (cgroup subsystem devices not found)",
        (set_field("toolkit", SAFE, f"use container toolkit {SAFE}"), _operator("v25.3.4")),
        source=CGROUP_V2.source,
    )


def _nri(stack: _Stack) -> Problem | None:
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


def _cdi(stack: _Stack) -> Problem | None:
    if not () < stack.containerd < CDI_SINCE or stack.release is None or stack.release.key < OPERATOR_CDI:
        return None
    if switched(stack.facts, "cdi") is False:
        return None
    off = Fix("set cdi.enabled=false", with_env(stack.facts, "cdi.enabled", "false"))
    return Problem(
        "TOOLKIT_CONTAINERD",
        "containerd",
        f"GPU Operator {stack.release.version} hands out GPUs by CDI, which containerd "
        f"{dotted(stack.containerd)} does not know",
        (set_field("containerd", "1.7.29", "use containerd 1.7"), off, _operator("v25.3.4")),
        source=OPERATOR_CDI.source,
    )


def _cdi_on_rke2(stack: _Stack) -> Problem | None:
    """From 25.10 on CDI is the default, and RKE2 is supported."""
    is_on = switched(stack.facts, "cdi") or switched(stack.facts, "cdi.default")
    if stack.release is None or not is_on or "rke2" not in _where(stack.facts):
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


def _before_2_on_rke2(stack: _Stack) -> Problem | None:
    """RKE2's page asks for containerd 2 with operators that hand out GPUs by CDI."""
    where = _where(stack.facts)
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
        (set_field("containerd", "2.1.4", "use a release of RKE2 with containerd 2"), _operator("v25.3.4")),
        Severity.WARNING,
        source="rancher/rke2-docs docs/add-ons/gpu_operators.md (2026-08-20)",
    )


def _own_containerd(stack: _Stack) -> Problem | None:
    """Toolkits that do not find the file of K3s, RKE2 and k0s."""
    where = _where(stack.facts)
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
        (set_field("toolkit", "1.17.8", "use container toolkit 1.17.8"), _operator("v25.3.4")),
        source=last.source,
    )


def _imports(stack: _Stack) -> Problem | None:
    """A toolkit whose drop-in file takes the place of those that the distribution imports."""
    if stack.toolkit[:3] != LOSES_IMPORTS or "k0s" not in _where(stack.facts):
        return None
    return Problem(
        "TOOLKIT_CONTAINERD",
        "toolkit",
        f"container toolkit {dotted(stack.toolkit)} writes over the imports of containerd's file, "
        "and k0s keeps its own settings in what is imported",
        (set_field("toolkit", SAFE, f"use container toolkit {SAFE}"), _operator("v25.10.1")),
        source=LOSES_IMPORTS.source,
    )


def _gke(stack: _Stack) -> Problem | None:
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
        (_by_file(stack.facts), _operator("v25.10.1")),
        # the documentation and an account of 2026-06 (ai.wmx.dev) still ask for it, issues end with 25.10.0
        Severity.ERROR if asks <= (25, 10, 0) else Severity.WARNING,
    )


def _version_4(stack: _Stack) -> Problem | None:
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
    _cdi,
    _nri,
    _cdi_on_rke2,
    _before_2_on_rke2,
    _own_containerd,
    _imports,
    _gke,
    _version_4,
)
