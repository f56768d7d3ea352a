"""`check`: one combination in, findings out, each error with a fix that was itself checked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import heappop, heappush
from itertools import count
from typing import Any

from gpuyard.catalog.software_nodes import REFERENCE_DATE
from gpuyard.compat.attention import attention_problems
from gpuyard.compat.binary import binary_problems
from gpuyard.compat.cluster import cluster_problems, kubernetes_problems
from gpuyard.compat.codes import CODES
from gpuyard.compat.combination import Combination, changed
from gpuyard.compat.driver import driver_problems
from gpuyard.compat.engine import engine_problems
from gpuyard.compat.facts import Facts
from gpuyard.compat.flags import flag_problems
from gpuyard.compat.host import host_problems
from gpuyard.compat.image_defects import image_defect_problems
from gpuyard.compat.memory import memory_problems
from gpuyard.compat.mig import mig_problems
from gpuyard.compat.node import node_problems
from gpuyard.compat.parallel import parallel_problems
from gpuyard.compat.problem import Fix, Problem
from gpuyard.compat.processor import processor_problems
from gpuyard.compat.quantization import quantization_problems
from gpuyard.compat.reading import read_facts
from gpuyard.errors import Finding, Severity

SEARCH_DEPTH = 10
"""Changes that a proposed fix may take."""
SEARCH_BUDGET = 240
"""Combinations that are tried before the best unproven instruction is given."""

Rule = Callable[[Facts], Iterator[Problem]]
Spelling = Callable[[Mapping[str, Any]], str]
"""Changed fields as text."""
RULES: Sequence[Rule] = (
    node_problems,
    cluster_problems,
    driver_problems,
    image_defect_problems,
    binary_problems,
    host_problems,
    processor_problems,
    flag_problems,
    engine_problems,
    quantization_problems,
    attention_problems,
    parallel_problems,
    mig_problems,
    memory_problems,
)
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


_Node = tuple[int, int, int, Mapping[str, Any], tuple[Fix, ...], list[Problem]]
"""Cost, codes left, order, fields that differ from what was asked, steps that led there, errors left."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes of fields that make a combination pass, and the same in words."""

    text: str
    changes: Mapping[str, Any]


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
    failing = any(item.severity is Severity.ERROR for item in problems)
    proposal = _search(combination, today, problems, spell or _render) if failing else None
    return [_finding(combination, item, proposal) for item in problems]


def propose(combination: Combination, today: date = REFERENCE_DATE) -> Proposal | None:
    """The smallest known change that makes a failing combination pass; None: it passes, or none is known."""
    problems = list(_problems(read_facts(combination), today))
    return _search(combination, today, problems, _render)


def verdict_of(findings: Sequence[Finding]) -> str:
    """``fail`` with any error, ``warn`` with any warning, else ``pass``."""
    severities = {finding.severity for finding in findings}
    return "fail" if Severity.ERROR in severities else "warn" if Severity.WARNING in severities else "pass"


def _problems(facts: Facts, today: date) -> Iterator[Problem]:
    for rule in RULES:
        yield from rule(facts)
    yield from kubernetes_problems(facts, today)


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    return [item for item in problems if item.severity is Severity.ERROR]


def _search(
    combination: Combination, today: date, problems: Sequence[Problem], spell: Spelling
) -> Proposal | None:
    """Best first over the rules' own fixes: fewest changes, then the rules' order of nearness.

    Every fix is taken to clear one code, so a path costs its changes and the codes that are left.
    """
    errors = _errors(problems)
    if not errors:
        return None
    order = count()
    queue: list[_Node] = [(_codes(errors), _codes(errors), next(order), {}, (), errors)]
    seen = {repr([])}
    tried = 0
    while queue:
        _, left, _, base, path, open_errors = heappop(queue)
        if not left:
            return _proposal(base, path, spell)
        if len(path) >= SEARCH_DEPTH:
            continue
        for fix in (fix for item in open_errors for fix in item.fixes):
            changes = {
                name: value
                for name, value in {**base, **fix.changes}.items()
                if value != getattr(combination, name)
            }
            key = repr(sorted(changes.items()))
            if key in seen or tried >= SEARCH_BUDGET:
                continue
            seen.add(key)
            tried += 1
            still = _errors(list(_problems(read_facts(changed(combination, changes)), today)))
            steps = (*path, fix)
            if not still and not path:
                return _proposal(changes, steps, spell)  # one step, and the nearest: nothing can be better
            heappush(queue, (len(steps) + _codes(still), _codes(still), next(order), changes, steps, still))
    return None


def _codes(errors: Sequence[Problem]) -> int:
    return len({item.code for item in errors})


def _proposal(changes: Mapping[str, Any], path: Sequence[Fix], spell: Spelling) -> Proposal:
    needed = [fix for index, fix in enumerate(path) if not _is_undone(fix, path[index + 1 :])]
    words = "; and ".join(fix.text for fix in needed)
    fields = spell(changes)
    return Proposal(f"{words}  ({fields})" if fields else words, changes)


def _is_undone(fix: Fix, later: Sequence[Fix]) -> bool:
    """Whether later steps set everything again that this one set."""
    return bool(fix.changes) and set(fix.changes) <= {name for other in later for name in other.changes} - {
        "env"
    }


def _render(changes: Mapping[str, Any]) -> str:
    """The changes as fields; the environment stays out: it may hold keys, and the words name what changes."""
    return ", ".join(
        f"{key}: {'unset' if value is None else value}" for key, value in changes.items() if key != "env"
    )


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
