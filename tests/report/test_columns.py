"""Columns of a terminal: wide letters, marks, and lines that never grow past the page."""

from textwrap import wrap
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.report.columns import columns_of, cut, padded, wrapped
from gpuyard.report.terminal import Page

SIGNS = st.text(alphabet="ab, \u65e5\u672c\ud55c\U0001f680\u0301\uff21", max_size=60)


@pytest.mark.parametrize(
    ("text", "columns"),
    [("plain", 5), ("日本", 4), ("한국어", 6), ("🚀", 2), ("e\u0301", 1), ("Ａ", 2), ("नमस्ते", 4), ("", 0)],
)
def test_columns_are_those_of_a_terminal(text, columns):
    assert columns_of(text) == columns


@given(SIGNS, st.integers(10, 40))
def test_no_line_is_wider_than_the_page_and_no_letter_is_lost(text, width):
    lines = wrapped(text, width, "  ", "    ")
    assert all(columns_of(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(alphabet="abc ", max_size=80), st.integers(10, 40))
def test_plain_words_wrap_as_everywhere(text, width):
    words = " ".join(word[:9] for word in text.split())
    assert wrapped(words, width) == (wrap(words, width) or [""])


@given(SIGNS, st.integers(1, 20))
def test_a_cell_has_exactly_its_columns_where_letters_allow(text, width):
    cell = padded(cut(text, width), width)
    assert columns_of(cell) == width


def test_numbers_stand_below_each_other_behind_names_of_any_script():
    rows = [["日本語の名前", "$1"], ["emoji 🚀", "$22"], ["한국어", "$333"], ["plain", "$4,444"]]
    lines = Page(60, color=False).table(rows, numbers=1)
    assert {columns_of(line) for line in lines} == {columns_of(lines[0])}
    assert any(east_asian_width(sign) == "W" for line in lines for sign in line)
