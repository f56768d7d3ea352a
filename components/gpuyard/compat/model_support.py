"""The model's architecture against the engine's release: too new for it, or given up by it."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.freshness import table_date
from gpuyard.catalog.models import ModelShape
from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import release_text
from gpuyard.catalog.software_support import Span, model_architectures
from gpuyard.compat.build import is_other_build
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Problem, releases_that_know
from gpuyard.errors import Severity

_TEXT, _EXPERTS, _IMAGES = "dense text", "experts", "images"
_BY_TRANSFORMERS: Mapping[str, Mapping[str, Version]] = {
    "vllm": {_TEXT: (0, 7, 0, 0), _IMAGES: (0, 10, 0, 0), _EXPERTS: (0, 11, 0, 0)},
    "sglang": {_TEXT: (0, 4, 7, 0), _IMAGES: (0, 5, 10, 0), _EXPERTS: (0, 5, 10, 0)},
}
"""First releases that run what they do not know by Transformers' own code, where the installed one knows
it (their registries: `TransformersForCausalLM` and kin; vLLM 0.7.0's release notes)."""
_OWN_WAY = (
    "--hf-overrides",
    "--model-impl",
    "--json-model-override-args",
    "--config-format",
    "--load-format",
)
"""Flags by which the architecture may be another one than the model's own."""


def model_support_problems(facts: Facts) -> Iterator[Problem]:
    """A release that does not know the model's architecture yet, or not any more."""
    model, release = facts.model, facts.version
    if model is None or not release or is_other_build(facts.image) or facts.flag_values(*_OWN_WAY):
        return
    spans = model_architectures(facts.runtime).get(model.architecture, ())
    if not spans or any(span.holds(release) for span in spans):
        return
    later = next((span for span in spans if span.first_seen > release), None)
    known = later.first_seen if later else spans[-1].gone_in
    verb = "does not know {} yet; {} does" if later else "gave up {} in {}"
    yield Problem(
        "MODEL_UNSUPPORTED",
        "model",
        f"{facts.engine} {verb.format(model.architecture, release_text(known))}",
        releases_that_know(facts, spans),
        Severity.WARNING if later and _may_run(facts, model, later) else Severity.ERROR,
        source=f"registry of models of {facts.runtime} {release_text(known)}",
        as_of=table_date("model_architectures.csv"),
    )


def _may_run(facts: Facts, model: ModelShape, later: Span) -> bool:
    """Whether it is a build of the branch, under the older number, or may run by Transformers' own code."""
    if facts.version[:3] >= later.unknown_to[:3]:
        return True
    if model.mla or model.linear_layers or model.compressed:
        return False
    is_text = model.architecture.endswith("ForCausalLM")
    kind = _EXPERTS if model.moe else _TEXT if is_text else _IMAGES
    since = _BY_TRANSFORMERS.get(facts.runtime, {}).get(kind)
    return since is not None and facts.version >= since
