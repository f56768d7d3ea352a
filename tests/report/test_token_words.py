"""Money per token in words: digits that matter, unknowns as words, sources once."""

from dataclasses import replace

import pytest

from gpuyard.report import token_words


@pytest.mark.parametrize(
    ("amount", "words"),
    [(None, "unknown"), (0.0, "$0.00"), (0.0289, "$0.0289"), (0.39, "$0.39"), (1234.5, "$1,234.50")],
)
def test_small_amounts_keep_their_digits(amount, words):
    assert token_words.small_usd(amount) == words


def test_a_price_that_is_a_distribution_gives_a_range(report):
    found = report.tokens["chat"]
    (line,) = [line for line in token_words.basis_lines(found) if "P10 to P90" in line]
    assert found.at_planned is not None
    low = found.at_planned.blended * 1.5 / 2.37
    assert token_words.small_usd(low) in line
    fixed = replace(found, gpu_hour=replace(found.gpu_hour, usd_low=None, usd_high=None))
    assert not any("P10" in line for line in token_words.basis_lines(fixed))


def test_facts_of_one_source_name_it_once(report):
    lines = list(token_words.basis_lines(report.tokens["chat"]))
    assert sum(line.startswith("fact:") for line in lines) == 2
    assert sum(line.startswith("source:") for line in lines) == 1


def test_an_unknown_price_says_why_and_what_it_is_at_least(report):
    words = token_words.headline(report.tokens["odd"])
    assert words.startswith("unknown: nobody has published")
    assert "at least $" in words
    odd = report.tokens["odd"]
    paid = replace(odd, at_ceiling=replace(odd.at_ceiling, blended=0.0))
    assert "at least" not in token_words.headline(paid)  # nobody's tokens are free, paid in advance or not


def test_a_break_even_above_one_is_never(report):
    points = [row[3] for row in token_words.hosted_rows(report.tokens["chat"])][1:]
    assert all(point == "never" or point.endswith("%") for point in points)
