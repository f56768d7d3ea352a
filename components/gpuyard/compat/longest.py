"""The longest sequence that is asked for, against the one that the model was made for."""

from collections.abc import Iterator, Mapping

from gpuyard.catalog.engine_flags import spellings
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Problem, set_field
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.sourced import Sourced, join_sources
from gpuyard.errors import Severity

ALLOWED_BY: Mapping[str, Sourced[str]] = {
    "vllm": Sourced(("VLLM_ALLOW_LONG_MAX_MODEL_LEN",), "vllm/config of its wheels from 0.6.0 on"),
    "sglang": Sourced(
        ("SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN",),
        "sglang/srt/configs/model_config.py of its wheels",
    ),
}
"""Variables without which the engine stops at more than the configuration of the model says."""
_STRETCHED = ("--rope-scaling", "--rope-theta", "--hf-overrides", "--json-model-override-args")
"""Flags that make the model's own length another."""


def longest_problems(facts: Facts) -> Iterator[Problem]:
    """More than the model's own length: a warning, for a checkpoint may have been stretched."""
    model, asked, allowed = facts.model, facts.given.max_model_len, ALLOWED_BY.get(facts.runtime)
    if model is None or not asked or allowed is None or asked <= model.context or not model.context:
        return
    if facts.env.get(allowed[0], "0") not in ("0", "false", "False") or facts.flag_values(*_STRETCHED):
        return
    flag = spellings("max_model_len", facts.runtime)[0]
    yield Problem(
        "CONTEXT_ABOVE_MODEL",
        "max_model_len",
        f"{facts.model_name or model.id} was made for {model.context:,} tokens, and {facts.runtime} stops at "
        f"{flag} {int(asked):,} unless its configuration says so or {allowed[0]}=1",
        (set_field("max_model_len", model.context, f"set {flag} {model.context}"),),
        Severity.WARNING,
        source=join_sources(allowed.source, size_source(facts)),
        as_of=size_date(facts),
    )
