"""Flags of the engine against its release: gone, going, not there yet."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuyard.catalog.software_runtimes import release_text, runtime_releases
from gpuyard.catalog.software_support import Span, runtime_flags
from gpuyard.compat.build import is_other_build
from gpuyard.compat.facts import Facts
from gpuyard.compat.flag_problem import drop, lately, parser_source, removed
from gpuyard.compat.problem import Problem, set_release
from gpuyard.compat.sourced import Sourced
from gpuyard.errors import Severity

SUCCESSORS: Mapping[str, Mapping[str, str]] = {
    "vllm": {
        "--enable-reasoning": "drop it; --reasoning-parser is enough",
        "--task": "use --runner and --convert",
        "--enable-prompt-adapter": "use LoRA",
        "--worker-use-ray": "--distributed-executor-backend ray",
        "--speculative-model": "use --speculative-config",
        "--num-speculative-tokens": "use --speculative-config",
        "--guided-decoding-backend": "--structured-outputs-config.backend",
        "--disable-log-requests": "drop it; requests are not logged by default",
        "--rope-scaling": "use --hf-overrides",
        "--rope-theta": "use --hf-overrides",
        "--cuda-graph-sizes": "--cudagraph-capture-sizes",
        "--max-seq-len-to-capture": "drop it",
        "--override-pooler-config": "--pooler-config",
        "--num-redundant-experts": "use --eplb-config",
        "--disable-mm-preprocessor-cache": "--mm-processor-cache-gb 0",
        "--enable-multimodal-encoder-data-parallel": "--mm-encoder-tp-mode data",
    },
    "sglang": {
        "--enable-ep-moe": "use --ep-size",
        "--disable-flashinfer": "--attention-backend triton",
        "--disable-flashinfer-sampling": "--sampling-backend pytorch",
        "--enable-flashinfer-mxfp4-moe": "--moe-runner-backend flashinfer_mxfp4",
        "--enable-deepep-moe": "--moe-a2a-backend deepep",
        "--enable-flashinfer-mla": "--attention-backend flashinfer",
        "--enable-flashmla": "--attention-backend flashmla",
        "--enable-flashinfer-cutlass-moe": "--moe-runner-backend flashinfer_cutlass",
        "--enable-flashinfer-trtllm-moe": "--moe-runner-backend flashinfer_trtllm",
        "--enable-triton-kernel-moe": "--moe-runner-backend triton_kernel",
        "--cuda-graph-bs": "--cuda-graph-bs-decode",
        "--cuda-graph-max-bs": "--cuda-graph-max-bs-decode",
        "--disable-piecewise-cuda-graph": "--disable-prefill-cuda-graph",
        "--stream-output": "--incremental-streaming-output",
        "--nsa-prefill-backend": "--dsa-prefill-backend",
        "--nsa-decode-backend": "--dsa-decode-backend",
    },
}
"""What took the place of a flag that is gone: a flag that takes its value, or has one behind it, or words.
Sources: deprecation notes of the releases before."""
ARGUMENTS_GONE: Mapping[str, Mapping[str, Sourced[int]]] = {
    "vllm": {
        "--disable-log-requests": Sourced((0, 10, 1, 0), "vllm-project/vllm#23283; hiyouga/LlamaFactory#9503")
    },
    "sglang": dict.fromkeys(
        (
            "--disable-piecewise-cuda-graph",
            "--enforce-piecewise-cuda-graph",
            "--cuda-graph-bs",
            "--cuda-graph-max-bs",
        ),
        Sourced((0, 5, 14, 0), "sgl-project/sglang#36478; intel/auto-round#1964"),
    ),
}
"""Flags that were gone from the engine's Python arguments while the command line still took them."""
_COMMIT = re.compile(r":v?\d[\w.]*-(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,12}\b")
"""A release and a commit in a tag: ``v0.6.1-edb07092``."""
_ARGUMENT = re.compile(r"[a-z]+(_[a-z0-9]+)+")
WHOLE_NAMES = frozenset({"llama.cpp", "tgi", "tei"})
"""Engines whose parser takes no beginnings of flags; those of the others take unique ones."""


def span_problems(facts: Facts, name: str, span: Span) -> Iterator[Problem]:
    """A flag that is gone, or not there yet."""
    gone = span.gone_in
    source = gone.source if isinstance(gone, Sourced) else parser_source(facts.runtime, gone) if gone else ""
    if span.is_gone(facts.version):
        message = f"{facts.engine} has no {name} (gone since {release_text(span.gone_in)})"
        yield removed(facts, name, message, _successor(facts, span), source=source)
    elif span.gone_in and not facts.version and facts.is_undated:
        yield removed(
            facts,
            name,
            lately(facts, "has no", name, span.gone_in),
            _successor(facts, span),
            Severity.WARNING,
            source=source,
        )
    elif span.is_missing(facts.version) and not _is_later_build(facts.image):
        known = {release.key: release.version for release in runtime_releases(facts.runtime)}
        version = known.get(span.first_seen, release_text(span.first_seen))
        yield Problem(
            "FLAG_UNKNOWN",
            "env",
            f"{facts.engine} does not know {name}; {version} does",
            (drop(facts, name), set_release(facts, version)),
            source=parser_source(facts.runtime, span.unknown_to, span.first_seen),
        )


def _is_later_build(image: str) -> bool:
    """Whether the tag names a commit beside the release, or none: it may have what came after it."""
    return is_other_build(image) or _COMMIT.search(image) is not None


def command_line_only(facts: Facts, name: str, span: Span) -> Iterator[Problem]:
    """A flag that only the command line still takes."""
    gone = ARGUMENTS_GONE.get(facts.runtime, {}).get(span.name)
    if gone is None or not facts.version >= gone or span.is_gone(facts.version):
        return
    message = f"{facts.engine} takes {name} on the command line only, for now"
    yield removed(facts, name, message, _successor(facts, span), Severity.WARNING, source=gone.source)


def _successor(facts: Facts, span: Span) -> str:
    return SUCCESSORS.get(facts.runtime, {}).get(span.name, "")


def argument_problems(facts: Facts) -> Iterator[Problem]:
    """Flags that are passed as arguments of Python: ``num_scheduler_steps=8``."""
    known = runtime_flags(facts.runtime)
    for name in facts.env:
        span = known.get("--" + name.replace("_", "-")) if _ARGUMENT.fullmatch(name) else None
        if span is None:
            continue
        earlier = ARGUMENTS_GONE.get(facts.runtime, {}).get(span.name)
        yield from span_problems(facts, name, span if earlier is None else replace(span, gone_in=earlier))


def begins_another(facts: Facts, span: Span) -> bool:
    """Whether a release without the flag takes it as the beginning of the only other one that begins so."""
    release = facts.version
    if facts.runtime in WHOLE_NAMES:
        return False
    if not span.is_gone(release) and not span.is_missing(release):
        return False
    others = [
        other
        for other in runtime_flags(facts.runtime).values()
        if other is not span and other.name.startswith(span.name)
    ]
    return sum(not other.is_gone(release) and not other.is_missing(release) for other in others) == 1
