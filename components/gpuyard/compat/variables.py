"""Environment variables that a release no longer reads."""

from collections.abc import Iterator

from gpuyard.catalog.software_runtimes import release_text
from gpuyard.catalog.software_support import gone_variables
from gpuyard.compat.facts import Facts
from gpuyard.compat.flag_problem import lately, removed
from gpuyard.compat.problem import Problem
from gpuyard.errors import Severity

V0_GONE = (0, 11, 0, 0)
"""First vLLM without its older engine: whoever asks for that one does not get it."""


def variable_problems(facts: Facts) -> Iterator[Problem]:
    """Variables that are set and not read: a warning, for the engine starts without what they ask for."""
    asks_v0 = facts.runtime == "vllm" and facts.env.get("VLLM_USE_V1") == "0" and facts.version >= V0_GONE
    if asks_v0:
        message = f"vLLM {release_text(facts.version)} has no V0 engine; VLLM_USE_V1=0 asks for it"
        yield removed(facts, "VLLM_USE_V1", message, source=gone_variables("vllm")["VLLM_USE_V1"].source)
    for name, gone in gone_variables(facts.runtime).items():
        reads = facts.version < gone.gone_in if facts.version else not facts.is_undated
        if name not in facts.env or reads:
            continue
        if asks_v0 and name == "VLLM_USE_V1":
            continue
        said = (
            f"{facts.engine} does not read {name} any more"
            if facts.version
            else lately(facts, "does not read", name, gone.gone_in)
        )
        yield removed(facts, name, said, gone.instead, Severity.WARNING, source=gone.source)
