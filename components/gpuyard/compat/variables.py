"""Environment variables that a release no longer reads."""

from collections.abc import Iterator

from gpuyard.catalog.software_runtimes import release_text
from gpuyard.catalog.software_support import gone_variables
from gpuyard.compat.build import is_other_build
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, without_flags
from gpuyard.errors import Severity

V0_GONE = (0, 11, 0, 0)
"""First vLLM without its older engine: whoever asks for that one does not get it."""


def is_undated(facts: Facts) -> bool:
    """Whether nothing says which release it is, so that it may as well be the newest."""
    return not facts.given.runtime_version and not is_other_build(facts.image)


def variable_problems(facts: Facts) -> Iterator[Problem]:
    """Variables that are set and not read: a warning, for the engine starts without what they ask for."""
    asks_v0 = facts.runtime == "vllm" and facts.env.get("VLLM_USE_V1") == "0" and facts.version >= V0_GONE
    if asks_v0:
        yield Problem(
            "FLAG_REMOVED",
            "env",
            f"vLLM {release_text(facts.version)} has no V0 engine; VLLM_USE_V1=0 asks for it",
            (Fix("drop VLLM_USE_V1", without_flags(facts, "VLLM_USE_V1")),),
        )
    for name, gone in gone_variables(facts.runtime).items():
        reads = facts.version < gone.gone_in if facts.version else not is_undated(facts)
        if name not in facts.env or reads:
            continue
        if asks_v0 and name == "VLLM_USE_V1":
            continue
        said = (
            f"{facts.engine} does not read {name} any more"
            if facts.version
            else f"{facts.runtime} does not read {name} since {release_text(gone.gone_in)}, "
            "and no release is stated"
        )
        yield Problem(
            "FLAG_REMOVED",
            "env",
            f"{said}; {gone.instead}",
            (Fix(f"drop {name}", without_flags(facts, name)),),
            Severity.WARNING,
        )
