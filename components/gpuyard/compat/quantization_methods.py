"""Values of ``--quantization`` against the release: not there yet, or given up."""

from collections.abc import Iterator
from functools import cache

from gpuyard.catalog.engine_flags import spellings
from gpuyard.catalog.freshness import table_date
from gpuyard.catalog.software_runtimes import release_text
from gpuyard.catalog.software_support import quantization_methods
from gpuyard.compat.build import is_other_build
from gpuyard.compat.facts import Facts
from gpuyard.compat.flag_problem import drop
from gpuyard.compat.problem import Problem, releases_that_know
from gpuyard.errors import Severity

BY_PLUGIN = frozenset({"gguf", "bitsandbytes"})
"""What a package beside vLLM brings again (`vllm-gguf-plugin` and kin): a warning."""


def method_problems(facts: Facts) -> Iterator[Problem]:
    """Methods that are asked for on the command line. What is never heard of may be a plugin's."""
    known = quantization_methods(facts.runtime)
    if not known or not facts.version or is_other_build(facts.image):
        return
    for flag, value in facts.flags:
        spans = known.get(value.lower().replace("_", "-"), ())
        if flag not in _flags() or not spans or any(span.holds(facts.version) for span in spans):
            continue
        later = next((span for span in spans if span.first_seen > facts.version), None)
        number = release_text(later.first_seen if later else spans[-1].gone_in)
        verb = f"does not know yet; {number} does" if later else f"gave up in {number}"
        yield Problem(
            "FLAG_UNKNOWN" if later else "FLAG_REMOVED",
            "env",
            f"{flag} {value} is what {facts.engine} {verb}",
            (*releases_that_know(facts, spans), drop(facts, flag)),
            Severity.WARNING if not later and value.lower() in BY_PLUGIN else Severity.ERROR,
            source=f"QUANTIZATION_METHODS of {facts.runtime} {number}",
            as_of=table_date("quantization_methods.csv"),
        )


@cache
def _flags() -> frozenset[str]:
    return frozenset(spellings("quantization", "vllm"))
