"""Environment variables that a release does not read: not yet, not any more, or misspelt."""

from collections.abc import Iterator
from difflib import get_close_matches

from gpuyard.catalog.software_runtimes import release_text
from gpuyard.catalog.software_support import Variable, runtime_variables
from gpuyard.compat.build import is_other_build
from gpuyard.compat.facts import Facts
from gpuyard.compat.flag_problem import lately, removed, unknown
from gpuyard.compat.problem import Problem
from gpuyard.errors import Severity

V0_GONE = (0, 11, 0, 0)
"""First vLLM without its older engine: whoever asks for that one does not get it."""
PREFIX = "VLLM_"
ALIKE = 0.92
"""Share of letters from which a name that no release reads is one of them misspelt; others are one's own."""


def variable_problems(facts: Facts) -> Iterator[Problem]:
    """Variables that are set and not read: a warning, for the engine starts without what they ask for."""
    asks_v0 = facts.runtime == "vllm" and facts.env.get("VLLM_USE_V1") == "0" and facts.version >= V0_GONE
    if asks_v0:
        message = f"vLLM {release_text(facts.version)} has no V0 engine; VLLM_USE_V1=0 asks for it"
        yield removed(facts, "VLLM_USE_V1", message, source=runtime_variables("vllm")["VLLM_USE_V1"].source)
    names = [name for name in facts.env if name.startswith(PREFIX)]
    known = runtime_variables(facts.runtime) if names else {}
    for name in names:
        if name in known and not (asks_v0 and name == "VLLM_USE_V1"):
            yield from _unread(facts, known[name])
        elif known and name not in known:
            yield from _misspelt(facts, name, list(known))


def _unread(facts: Facts, variable: Variable) -> Iterator[Problem]:
    span, version = variable.span, facts.version
    name = span.name
    is_gone = span.is_gone(version) if version else bool(span.gone_in) and facts.is_undated
    if is_gone:
        said = (
            f"{facts.engine} does not read {name} any more"
            if version
            else lately(facts, "does not read", name, span.gone_in)
        )
        yield removed(facts, name, said, variable.instead, Severity.WARNING, source=variable.source)
    elif () < version <= span.unknown_to and not is_other_build(facts.image):
        message = f"{facts.engine} does not read {name} yet; {release_text(span.first_seen)} does"
        yield unknown(facts, name, message, severity=Severity.WARNING, source=variable.source)


def _misspelt(facts: Facts, name: str, known: list[str]) -> Iterator[Problem]:
    meant = get_close_matches(name, known, 1, ALIKE)
    if meant:
        message = f"no release of {facts.runtime} reads {name}; did you mean {meant[0]}?"
        yield unknown(facts, name, message, severity=Severity.WARNING, source="vllm/envs.py of the wheels")
