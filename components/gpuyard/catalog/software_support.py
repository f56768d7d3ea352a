"""What a release of a runtime takes: its flags and variables, and the oldest GPU of each quantization."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_runtimes import release_key
from gpuyard.catalog.tables import read_csv
from gpuyard.records import record

WHOLE_PARSERS = frozenset({"vllm", "sglang", "tgi", "tei", "lmdeploy", "llama.cpp"})
"""Runtimes whose parsers were read: what they do not list, they do not take."""


@record
class Span:
    """Releases that know something: a flag, a variable, an architecture of models, a method of quantization.

    A release between two that were read counts as knowing it.
    """

    name: str
    unknown_to: Version
    """Newest release read without it before; empty: the oldest one read has it."""
    first_seen: Version
    gone_in: Version
    """Oldest release read without it again, or that only stops at it; empty: the newest one read has it."""

    def holds(self, release: Version) -> bool:
        """Whether that release knows it."""
        return release >= self.first_seen and (not self.gone_in or release < self.gone_in)

    def is_missing(self, release: Version) -> bool:
        """Whether that release is sure not to know it yet."""
        if not release or not self.unknown_to:
            return False
        # where two minor releases were read, the first one's fixes bring nothing
        between_minors = self.unknown_to[2:] == self.first_seen[2:] == (0, 0)
        return release[:2] <= self.unknown_to[:2] if between_minors else release <= self.unknown_to

    def is_gone(self, release: Version) -> bool:
        """Whether that release is sure not to know it any more."""
        return bool(release) and bool(self.gone_in) and release >= self.gone_in


@cache
def runtime_flags(runtime: str) -> Mapping[str, Span]:
    """Flags of a runtime by name with their two hyphens and ``-`` for ``_``.

    Of those in `WHOLE_PARSERS`, every one that a release has had; of others, those that came or went.
    """
    return {row["flag"]: _span(row, "flag") for row in read_csv("runtime_flags") if row["runtime"] == runtime}


REGISTRIES = ("vllm", "sglang", "lmdeploy")
"""Engines whose registries of models were read."""


@cache
def model_architectures(runtime: str) -> Mapping[str, tuple[Span, ...]]:
    """What a runtime has known of the ``architectures`` of a config.json: spans of each, oldest first."""
    return _spans("model_architectures", "architecture", runtime)


@cache
def quantization_methods(runtime: str) -> Mapping[str, tuple[Span, ...]]:
    """What its ``--quantization`` has taken, ``-`` for ``_``: spans of each, oldest first."""
    found = _spans("quantization_methods", "quantization", runtime)
    return {name.replace("_", "-"): spans for name, spans in found.items()}


def _spans(table: str, column: str, runtime: str) -> Mapping[str, tuple[Span, ...]]:
    spans: dict[str, tuple[Span, ...]] = {}
    for row in read_csv(table):
        if row["runtime"] == runtime:
            spans[row[column]] = (*spans.get(row[column], ()), _span(row, column))
    return spans


def _span(row: Mapping[str, str], column: str) -> Span:
    return Span(
        name=row[column],
        unknown_to=release_key(row["unknown_to"]),
        first_seen=release_key(row["first_seen"]),
        gone_in=release_key(row["gone_in"]),
    )


@record
class Variable:
    """An environment variable of a runtime."""

    span: Span
    """Releases that read it."""
    instead: str
    """What took its place, in words; empty: nothing is known to."""
    source: str


@cache
def runtime_variables(runtime: str) -> Mapping[str, Variable]:
    """Environment variables that some release of the runtime reads, by name; the latest span of each."""
    return {
        row["variable"]: Variable(
            span=_span(row, "variable"),
            instead=row["instead"],
            source=row["source"]
            or f"vllm/envs.py of the wheels around {row['gone_in'] or row['first_seen']}",
        )
        for row in read_csv("runtime_variables")
        if row["runtime"] == runtime
    }


@record
class Retirement:
    """An engine or server that nobody maintains any more."""

    words: tuple[str, ...]
    """Parts of its names, in lower case."""
    name: str
    since: str
    state: str
    instead: str
    source: str


@cache
def find_retired(name: str) -> Retirement | None:
    """The retired engine or server that a name carries a word of; None: none."""
    return next((row for row in retired_runtimes() if any(word in name for word in row.words)), None)


@cache
def retired_runtimes() -> tuple[Retirement, ...]:
    """Engines and servers that nobody maintains any more."""
    return tuple(
        Retirement(
            words=tuple(row["words"].split()),
            name=row["name"],
            since=row["since"],
            state=row["state"],
            instead=row["instead"],
            source=row["source"],
        )
        for row in read_csv("retired_runtimes")
    )


@dataclass(frozen=True, slots=True)
class QuantizationSpan:
    """From one release on: the GPUs that a quantization has kernels for. Weight-only ones count."""

    since: Version
    sm_min: Version
    """Oldest compute capability; empty: not known."""
    not_on: tuple[Version, ...]
    """Compute capabilities above it without kernels, or major ones (``(12,)``) with all of theirs."""
    source: str

    def leaves_out(self, sm: Version) -> bool:
        """Whether the GPU is one of those."""
        return any(sm[: len(gone)] == gone for gone in self.not_on)


_NO_STATEMENT = QuantizationSpan((), (), (), "")


def quantization_support(runtime: str, quantization: str, release: Version) -> QuantizationSpan:
    """What the release runs the quantization on. An unknown release (empty) is judged by the newest one."""
    found = _NO_STATEMENT
    for span in _support(runtime).get(quantization, ()):
        if not release or span.since <= release:
            found = span
    return found


@cache
def quantization_names() -> frozenset[str]:
    """Every scheme that some engine is known to take."""
    return frozenset(row["quantization"] for row in read_csv("quantization_support"))


@cache
def _support(runtime: str) -> Mapping[str, tuple[QuantizationSpan, ...]]:
    rows: dict[str, list[QuantizationSpan]] = {}
    for row in read_csv("quantization_support"):
        if row["runtime"] == runtime:
            span = QuantizationSpan(
                release_key(row["since"]),
                parse_version(row["sm_min"]),
                tuple(parse_version(part) for part in row["not_on"].split()),
                row["source"],
            )
            rows.setdefault(row["quantization"], []).append(span)
    return {name: tuple(sorted(spans, key=lambda span: span.since)) for name, spans in rows.items()}
