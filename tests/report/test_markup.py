"""Text of others stays text in Markdown, whatever the host makes of signs."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuyard.report.markup import LONGEST_TEXT, code, escape, marker, prose

NASTY = st.text(
    alphabet=st.sampled_from(list("ab 1@#!&<>|`*_[]()~$\\/\n\r\t-+=.%{}\u202e\u200b\x00")), max_size=60
)


@given(text=NASTY)
def test_nothing_active_survives(text):
    escaped = escape(text)
    assert not re.search(r"[<>\n\r\x00\u202e\u200b]", escaped)
    assert not re.search(r"[@#!%~](?=\w)", unescape(escaped))
    for sign in "`*_[]|~$":
        assert not re.search(rf"(?<!\\)(?:\\\\)*{re.escape(sign)}", escaped)


@given(text=NASTY)
def test_a_code_span_cannot_be_left(text):
    span = code(text)
    assert "|" not in span
    assert "\n" not in span
    if span:
        fence = re.match(r"`+", span)
        assert fence is not None
        inner = span[len(fence[0]) : -len(fence[0])]
        assert fence[0] not in re.findall(r"`+", inner)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("@team", "@&#8203;team"),
        ("fixes #12", "fixes #&#8203;12"),
        ("merge !7", "merge !&#8203;7"),
        ("<script>", "&lt;script&gt;"),
        ("a|b", "a\\|b"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("# title", "\\# title"),
        ("two\nlines", "two lines"),
        ("mail a@b.c", "mail a@&#8203;b.c"),
    ],
)
def test_signs_lose_their_meaning(text, safe):
    assert escape(text) == safe


def test_long_words_and_long_texts_are_shortened():
    assert len(escape("x" * 5000)) <= 80
    assert len(escape("word " * 500)) == LONGEST_TEXT
    assert escape("urn-" + "x" * 200 + "-end").endswith("-end")


def test_prose_keeps_code_spans_and_escapes_the_rest():
    assert prose("run `gpuyard lock | head` for @ops") == "run `gpuyard lock ¦ head` for @&#8203;ops"


@pytest.mark.parametrize("name", ["prod", "org/app/prod", "x --> <script>", "a" * 500, "--"])
def test_a_marker_stays_one_comment(name):
    line = marker("report", name)
    assert re.fullmatch(r"<!-- gpuyard-report:[A-Za-z0-9._/-]* -->", line)
    assert "--" not in line[4:-3]


def test_markers_of_two_stacks_differ():
    assert marker("diff", "prod") != marker("diff", "dev")
