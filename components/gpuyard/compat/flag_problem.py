"""What is said of a flag or variable that does nothing, or that the engine stops at: do without it."""

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import release_text
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, without_flags
from gpuyard.errors import Severity


def removed(facts: Facts, name: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
    """The release does not take, or does not read, ``name`` any more."""
    return Problem("FLAG_REMOVED", "env", message, (drop(facts, name),), severity)


def unknown(
    facts: Facts, name: str, message: str, instead: str = "", severity: Severity = Severity.ERROR
) -> Problem:
    """The engine never took ``name``; ``instead`` says what to write in its place."""
    fix = Fix(instead, without_flags(facts, name)) if instead else drop(facts, name)
    return Problem("FLAG_UNKNOWN", "env", message, (fix,), severity)


def drop(facts: Facts, name: str) -> Fix:
    """The environment without it."""
    return Fix(f"drop {name}", without_flags(facts, name))


def lately(facts: Facts, does_not: str, name: str, gone_in: Version) -> str:
    """What newer releases do not do with ``name``, where none is stated."""
    return f"{facts.runtime} {does_not} {name} since {release_text(gone_in)}, and no release is stated"
