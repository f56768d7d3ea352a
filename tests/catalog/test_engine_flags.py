"""The table of what engines call the same thing, against the flags of their newest releases."""

import pytest

from gpuyard.catalog.engine_flags import OPTIONS, flags_of, own_flag, spellings
from gpuyard.catalog.software_support import WHOLE_PARSERS, runtime_flags
from gpuyard.compat.combination import FIELDS


@pytest.mark.parametrize("engine", sorted(WHOLE_PARSERS))
def test_the_newest_release_takes_what_the_table_calls_it(engine):
    newest = max(span.first_seen for span in runtime_flags(engine).values())
    spans = [runtime_flags(engine)[flag] for flag in flags_of(engine).values()]
    assert spans
    assert [span.name for span in spans if span.is_gone(newest) or span.is_missing(newest)] == []


def test_no_flag_says_two_things():
    said = [flag for name in OPTIONS for flag in set(spellings(name, *WHOLE_PARSERS, "tensorrt-llm"))]
    assert len(said) == len(set(said))


def test_options_are_named_as_the_fields_of_a_combination():
    assert set(OPTIONS) - set(FIELDS) == {"served_name", "eager"}


@pytest.mark.parametrize(
    ("engine", "foreign", "own"),
    [
        ("sglang", "--max-model-len", "--context-length"),
        ("vllm", "--num-shard", "--tensor-parallel-size"),
        ("tgi", "--served-model-name", ""),
        ("vllm", "--no-such-flag", ""),
        ("nobody", "--max-model-len", ""),
    ],
)
def test_a_flag_of_another_engine_has_an_own_name_or_none(engine, foreign, own):
    assert own_flag(engine, foreign) == own
