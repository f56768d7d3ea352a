"""The way out of a failing combination: the nearest change of fields that makes it pass, found by trying."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

from gpuyard.compat.combination import Combination, changed
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import OTHER_HARDWARE, Fix, Problem
from gpuyard.compat.reading import read_facts

DEPTH = 10
"""Changes that a way out may take."""
NEAREST_BUDGET, BUDGET = 100, 240
"""Combinations that are tried for the nearest way out, and then for any."""

Judge = Callable[[Facts], list[Problem] | None]
"""What refuses a combination; None: it is none to propose."""
Spelling = Callable[[Mapping[str, Any]], str]
"""Changed fields as text."""
_Node = tuple[int, int, int, Mapping[str, Any], tuple[Fix, ...], list[Problem]]
"""Cost, codes left, order, fields that differ from what was asked, steps that led there, errors left."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes of fields that make a combination pass, and the same in words."""

    text: str
    changes: Mapping[str, Any]


def find_way_out(
    combination: Combination, facts: Facts, errors: list[Problem], judge: Judge, spell: Spelling | None = None
) -> Proposal | None:
    """The nearest to what was asked, and of equals the first in the rules' order; None: none is known.

    ``facts`` are those of the combination, ``errors`` what ``judge`` says of them; ``spell`` writes the
    fields that change.
    """
    judge_split = judge if _lacks_gpus(facts) else partial(_judge_split, judge)
    found = _walk(combination, errors, judge_split, by_distance=True)
    found = found or _walk(combination, errors, judge_split, by_distance=False)
    if found is None:
        return None
    changes, path = found
    words = "; and ".join(fix.text for fix in _needed(path))
    fields = (spell or _render)(changes)
    return Proposal(f"{words}  ({fields})" if fields else words, changes)


def _walk(
    combination: Combination, errors: list[Problem], judge: Judge, *, by_distance: bool
) -> tuple[Mapping[str, Any], tuple[Fix, ...]] | None:
    """Best first over the rules' own fixes, by their distance, or where that takes too many tries by number.

    Every fix is taken to clear one code, so a path costs its distance and the codes that are left.
    """
    budget = NEAREST_BUDGET if by_distance else BUDGET
    order = count()
    queue: list[_Node] = [(_codes(errors), _codes(errors), next(order), {}, (), errors)]
    seen = {repr([])}
    tried, nearest = 0, DEPTH * OTHER_HARDWARE
    while queue:
        _, left, _, base, path, open_errors = heappop(queue)
        if not left:
            return base, path
        for fix in (fix for item in open_errors for fix in item.fixes):
            steps = (*path, fix)
            spent = sum(step.distance for step in _needed(steps)) if by_distance else len(steps)
            if spent >= nearest or len(steps) > DEPTH:
                continue
            changes = {
                name: value
                for name, value in {**base, **fix.changes}.items()
                if value != getattr(combination, name)
            }
            key = repr(sorted(changes.items()))
            if key in seen or tried >= budget:
                continue
            seen.add(key)
            tried += 1
            still = judge(read_facts(changed(combination, changes)))
            if still is None:
                continue
            if not still:
                nearest = spent
            heappush(queue, (spent + _codes(still), _codes(still), next(order), changes, steps, still))
    return None


def _judge_split(judge: Judge, facts: Facts) -> list[Problem] | None:
    """As ``judge``, and nothing is proposed whose split has more ranks than there are GPUs."""
    return None if _lacks_gpus(facts) else judge(facts)


def _lacks_gpus(facts: Facts) -> bool:
    """Whether the split has more ranks than there are GPUs."""
    return bool(facts.count) and facts.tensor * facts.stages > (facts.count or 0)


def _codes(errors: Sequence[Problem]) -> int:
    return len({item.code for item in errors})


def _needed(path: Sequence[Fix]) -> Sequence[Fix]:
    return [fix for index, fix in enumerate(path) if not _is_undone(fix, path[index + 1 :])]


def _is_undone(fix: Fix, later: Sequence[Fix]) -> bool:
    """Whether later steps set everything again that this one set."""
    return bool(fix.changes) and set(fix.changes) <= {name for other in later for name in other.changes} - {
        "env"
    }


def _render(changes: Mapping[str, Any]) -> str:
    """The changes as fields; the environment stays out: it may hold keys, and the words name what changes."""
    return ", ".join(f"{key}: {shown_value(value)}" for key, value in changes.items() if key != "env")


def shown_value(value: Any) -> str:
    """A field's value for people; machine types count their GPUs as ``8.0``."""
    whole = isinstance(value, float) and value.is_integer()
    return "unset" if value is None else str(int(value) if whole else value)
