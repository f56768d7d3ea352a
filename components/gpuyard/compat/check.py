"""`check`: one combination in, findings out, each error with a fix that was itself checked."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial

from gpuyard.catalog.software_nodes import REFERENCE_DATE
from gpuyard.compat.attention import attention_problems
from gpuyard.compat.binary import binary_problems
from gpuyard.compat.codes import CODES
from gpuyard.compat.combination import Combination
from gpuyard.compat.dra import dra_problems
from gpuyard.compat.driver import driver_problems
from gpuyard.compat.dtypes import dtype_problems
from gpuyard.compat.engine import engine_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.flags import flag_problems
from gpuyard.compat.host import host_problems
from gpuyard.compat.image_defects import image_defect_problems
from gpuyard.compat.kubernetes import kubernetes_problems
from gpuyard.compat.memory import memory_problems
from gpuyard.compat.mig import mig_problems
from gpuyard.compat.model_support import model_support_problems
from gpuyard.compat.node import node_problems
from gpuyard.compat.parallel import parallel_problems
from gpuyard.compat.problem import Problem
from gpuyard.compat.processor import processor_problems
from gpuyard.compat.quantization import quantization_problems
from gpuyard.compat.reading import read_facts
from gpuyard.compat.toolkit import toolkit_problems
from gpuyard.compat.way_out import Proposal, Spelling, find_way_out
from gpuyard.errors import Finding, Severity

Rule = Callable[[Facts], Iterator[Problem]]
RULES: Sequence[Rule] = (
    node_problems,
    toolkit_problems,
    dra_problems,
    driver_problems,
    image_defect_problems,
    binary_problems,
    host_problems,
    processor_problems,
    flag_problems,
    model_support_problems,
    engine_problems,
    dtype_problems,
    quantization_problems,
    attention_problems,
    parallel_problems,
    mig_problems,
    memory_problems,
)
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def check(
    combination: Combination, today: date = REFERENCE_DATE, spell: Spelling | None = None
) -> list[Finding]:
    """Everything that can be said against a combination, errors first.

    ``today`` is the day that support windows are judged at; the default is the day of the catalog, so
    that the same catalog gives the same answer. ``spell`` writes the fields that a fix changes where they
    are called otherwise.
    """
    facts = read_facts(combination)
    problems = sorted(_problems(facts, today), key=lambda item: _ORDER[item.severity])
    errors = [item for item in problems if item.severity is Severity.ERROR]
    judge = partial(_errors, today=today)
    proposal = find_way_out(combination, facts, errors, judge, spell) if errors else None
    return [_finding(combination, item, proposal) for item in problems]


def propose(combination: Combination, today: date = REFERENCE_DATE) -> Proposal | None:
    """The nearest known change that makes a failing combination pass; None: it passes, or none is known."""
    judge = partial(_errors, today=today)
    facts = read_facts(combination)
    errors = judge(facts)
    return find_way_out(combination, facts, errors, judge) if errors else None


def verdict_of(findings: Sequence[Finding]) -> str:
    """``fail`` with any error, ``warn`` with any warning, else ``pass``."""
    severities = {finding.severity for finding in findings}
    return "fail" if Severity.ERROR in severities else "warn" if Severity.WARNING in severities else "pass"


def _problems(facts: Facts, today: date) -> Iterator[Problem]:
    for rule in RULES:
        yield from rule(facts)
    yield from kubernetes_problems(facts, today)


def _errors(facts: Facts, today: date) -> list[Problem]:
    return [item for item in _problems(facts, today) if item.severity is Severity.ERROR]


def _finding(combination: Combination, item: Problem, proposal: Proposal | None) -> Finding:
    code = CODES[item.code]
    fix = item.fixes[0].text if item.fixes else code.fix
    if item.severity is Severity.ERROR:
        fix = proposal.text if proposal else fix
    value = getattr(combination, item.path, None)
    return Finding(
        severity=item.severity,
        code=item.code,
        path=item.path,
        value=None if item.path == "env" else value,  # may hold keys
        message=item.message,
        fix=fix,
        source=item.source or code.source,
        as_of=item.as_of or code.as_of,
    )
