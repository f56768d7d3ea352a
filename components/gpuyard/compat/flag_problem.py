"""What is said of a flag or variable that does nothing, or that the engine stops at: do without it."""

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import release_text
from gpuyard.catalog.software_support import WHOLE_PARSERS
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Fix, Problem, with_flag_instead, without_flags
from gpuyard.errors import Severity


def removed(
    facts: Facts,
    name: str,
    message: str,
    successor: str = "",
    severity: Severity = Severity.ERROR,
    *,
    source: str = "",
) -> Problem:
    """The release does not take, or does not read, ``name`` any more.

    ``successor``: the flag that took its place, with a value where it takes another; or words, ``use …`` or
    ``drop it; …``.
    """
    return Problem(
        "FLAG_REMOVED", "env", message, (_instead(facts, name, successor),), severity, source=source
    )


def unknown(
    facts: Facts,
    name: str,
    message: str,
    own: str = "",
    severity: Severity = Severity.ERROR,
    *,
    source: str = "",
) -> Problem:
    """The engine never took ``name``; ``own`` is its flag for the same."""
    return Problem(
        "FLAG_UNKNOWN",
        "env",
        message,
        (_instead(facts, name, own),),
        severity,
        source=source or parser_source(facts.runtime),
    )


def parser_source(runtime: str, *releases: Version) -> str:
    """What was read of a runtime's flags: the parsers of some releases, or of all; empty: none of its own."""
    named = " and ".join(map(release_text, releases))
    if runtime in WHOLE_PARSERS:
        return f"argument parser{'s' * (len(releases) != 1)} of {runtime}{named and f' {named}'}"
    return f"release notes of {runtime} {named}" if named else ""


def _instead(facts: Facts, name: str, successor: str) -> Fix:
    if successor.startswith("-"):
        return Fix(f"use {successor} instead of {name}", with_flag_instead(facts, name, successor))
    words = successor.replace("drop it", f"drop {name}", 1)
    if words.startswith("use "):
        words += f" instead of {name}"
    return Fix(words, without_flags(facts, name)) if words else drop(facts, name)


def drop(facts: Facts, name: str) -> Fix:
    """The environment without it."""
    return Fix(f"drop {name}", without_flags(facts, name))


def lately(facts: Facts, does_not: str, name: str, gone_in: Version) -> str:
    """What newer releases do not do with ``name``, where none is stated."""
    return f"{facts.runtime} {does_not} {name} since {release_text(gone_in)}, and no release is stated"
