"""The kernel module, open or proprietary, against the GPU and the branch."""

import re
from collections.abc import Iterator

from gpuyard.compat.facts import Facts
from gpuyard.compat.generations import BLACKWELL, LAST_LEGACY_BRANCH, TURING
from gpuyard.compat.problem import Problem, raise_driver, set_field
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import plain

_CLOSED = re.compile(r"propri|closed|(non|not)[ -]?(open|free)|legacy|tesla|^nvidia-dkms")
"""Names of the proprietary kernel module; Talos' and Bottlerocket's (``nonfree``, ``tesla``) too."""
OPEN_FOR_ALL = Sourced((545,), "siderolabs/extensions#114")
"""First branch whose open kernel module takes GeForce and work station cards."""
OPEN_BY_DEFAULT = Sourced((560,), "skypilot-org/skypilot PR#9639")
"""First branch whose packages prefer the open kernel module."""


def module_problems(facts: Facts) -> Iterator[Problem]:
    """The module that is named, or the one that the branch installs where nobody says."""
    module = plain(facts.given.kernel_module)
    if not facts.sm or facts.is_on_windows:
        return
    if not module:
        yield from _default_module(facts)
        return
    is_closed = bool(_CLOSED.search(module))
    is_open = "open" in module and not is_closed
    if is_open and facts.sm < TURING:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"the open kernel module starts with Turing; {facts.who} is older",
            (set_field("kernel_module", "proprietary", "use the proprietary kernel module"),),
        )
    if is_open and facts.sm >= TURING and facts.datacenter is False and facts.branch:
        yield from _early_open_module(facts)
    needs_open = facts.sm >= BLACKWELL or (
        facts.gpu is not None and facts.gpu.kernel_module.startswith("open")
    )
    if is_closed and needs_open:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"{facts.who} needs the open kernel module",
            (set_field("kernel_module", "open", "use the open kernel module"),),
        )


def _early_open_module(facts: Facts) -> Iterator[Problem]:
    allowed = any("OpenRmEnableUnsupportedGpus" in name for name in facts.env)
    if facts.branch and facts.branch < OPEN_FOR_ALL[0] and not allowed:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"the open kernel module of branch {facts.branch} is for data-centre GPUs only",
            (
                set_field("kernel_module", "proprietary", "use the proprietary kernel module"),
                raise_driver(facts, OPEN_FOR_ALL),
            ),
            source=OPEN_FOR_ALL.source,
        )


def _default_module(facts: Facts) -> Iterator[Problem]:
    """Packages and run files before branch 560 install the proprietary module unless told otherwise."""
    if facts.sm >= BLACKWELL and facts.branch and facts.branch < OPEN_BY_DEFAULT[0]:
        yield Problem(
            "OPEN_MODULE_UNSUPPORTED",
            "kernel_module",
            f"{facts.who} needs the open kernel module, and drivers of branch {facts.branch} install the "
            "proprietary one",
            (raise_driver(facts, (LAST_LEGACY_BRANCH,)),),
            source=OPEN_BY_DEFAULT.source,
        )
