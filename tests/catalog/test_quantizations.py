"""The table of quantizations: no word means two, and what engines and checkpoints say is understood."""

from collections import Counter

import pytest

from gpuyard.catalog.quantizations import DTYPES, METHODS, SCHEMES, dtype_name, normal_name


def test_no_word_means_two_schemes():
    words = [*SCHEMES]
    for name, scheme in SCHEMES.items():
        words += {*scheme.methods, *scheme.aliases} - {name}
    assert [word for word, times in Counter(words).items() if times > 1] == []


def test_no_word_is_said_twice_of_one_scheme():
    for name, scheme in SCHEMES.items():
        assert not {*scheme.aliases} & {name, *scheme.methods}, name


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("FP8_E4M3", "fp8"),
        ("finegrained_fp8", "fp8"),
        ("eetq", "int8"),
        ("awq_marlin", "awq"),
        ("modelopt_fp4", "nvfp4"),
        ("bnb", "bitsandbytes"),
        ("none", "bfloat16"),
        ("q4_k_m", "q4_k_m"),
        ("hqq", "hqq"),
        ("unheard-of", "unheard-of"),
    ],
)
def test_words_of_people_engines_and_checkpoints_are_understood(word, name):
    assert normal_name(word) == name


def test_the_word_by_which_an_engine_makes_a_scheme_means_it():
    for name, scheme in SCHEMES.items():
        assert {normal_name(word) for word in scheme.on_load.values()} <= {name}


@pytest.mark.parametrize(("word", "name"), [("half", "float16"), ("bf16", "bfloat16"), ("fp8", "fp8")])
def test_a_dtype_is_no_quantization(word, name):
    assert dtype_name(word) == name
    assert dtype_name("fp4") == "fp4"


def test_a_method_means_itself_or_a_scheme():
    assert all(name in SCHEMES or name == method for method, name in METHODS.items())
    assert not set(METHODS.values()) & set(DTYPES)
