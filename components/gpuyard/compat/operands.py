"""Programs of the GPU Operator that run on the host, against its glibc: MIG manager, container toolkit."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import toolkit_glibc
from gpuyard.compat.facts import Facts
from gpuyard.compat.owner import installs_toolkit, stated_operator, switched
from gpuyard.compat.place import is_openshift
from gpuyard.compat.problem import WHOLE_GPUS, Fix, Problem, set_field, with_env
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.compat.spelling import dotted, plain
from gpuyard.errors import Severity

MIG_MANAGER_GLIBC: Sourced[Version] = Sourced(
    ((0, 13, 1), (0, 14, 1), (2, 34)), "NVIDIA/mig-parted#329 and its CHANGELOG (0.14.1)"
)
"""First MIG manager that is built on UBI 9, the first on UBI 8 again, and the glibc of those between."""
OLD_HOSTS = "1.17.8-ubi8"
"""The last toolkit with images by system, of the packages that every glibc since 2.17 runs."""


def operand_problems(facts: Facts) -> Iterator[Problem]:
    """Every program that the host's glibc is too old for."""
    yield from _mig_manager(facts)
    yield from _toolkit(facts)


def _mig_manager(facts: Facts) -> Iterator[Problem]:
    """The operator's MIG manager runs its binary on the host where that brings the driver."""
    if not facts.mig or not facts.glibc:
        return
    release = stated_operator(facts)
    on_host = facts.manager == "image" or switched(facts, "driver") is False
    if release is None or not on_host:
        return
    first, mended, needed = MIG_MANAGER_GLIBC
    if not first <= release.mig_manager < mended or facts.glibc >= needed:
        return
    yield Problem(
        "HOST_GLIBC",
        "gpu_operator",
        f"on nodes that bring the driver, MIG manager {dotted(release.mig_manager)} of GPU Operator "
        f"{release.version} needs glibc {dotted(needed)}, this one has {dotted(facts.glibc)}",
        (
            Fix("use GPU Operator v26.3.3", {"gpu_operator": "v26.3.3"}),
            Fix("use GPU Operator v25.3.4", {"gpu_operator": "v25.3.4"}),
            WHOLE_GPUS,
        ),
        source=join_sources(MIG_MANAGER_GLIBC.source, release.source),
        as_of=release.as_of,
    )


def _toolkit(facts: Facts) -> Iterator[Problem]:
    """The operator copies the toolkit's binaries to the host, where the runtime calls them."""
    release = stated_operator(facts) if facts.glibc else None
    told = plain(facts.env.get("toolkit.version")) or plain(facts.given.toolkit)
    if release is None or installs_toolkit(facts) is False:
        return
    variant = re.search(r"ubuntu|ubi\d|centos", told)
    if variant is None and is_openshift(facts.given):
        return  # the catalogue of OpenShift names another image than the chart
    stated = re.search(r"\d+\.\d+(\.\d+)?", told)
    version = parse_version(stated[0]) if stated else release.toolkit
    need = toolkit_glibc().get(variant[0] if variant else release.toolkit_variant)
    if need is None or version > need.until or facts.glibc >= need.glibc:
        return
    tag = told if variant else f"{dotted(version)} for Ubuntu"
    by_host = {"toolkit": None, **with_env(facts, "toolkit.enabled", "false")}
    yield Problem(
        "HOST_GLIBC",
        "toolkit",
        f"the binaries that container toolkit {tag} puts on the host need glibc {dotted(need.glibc)}, "
        f"this one has {dotted(facts.glibc)}",
        (
            set_field("toolkit", OLD_HOSTS, f"set toolkit.version=v{OLD_HOSTS}"),
            Fix("install the toolkit on the node and set toolkit.enabled=false", by_host),
        ),
        # who runs such hosts often names another image, or none, without saying so
        Severity.ERROR if variant or facts.given.glibc is not None else Severity.WARNING,
        source=need.source if stated else join_sources(need.source, release.source),
        as_of=need.as_of if stated else release.as_of,
    )
