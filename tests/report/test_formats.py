"""The report in every format says the same, in the order of money, time, risk, within its limits."""

import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.conftest import make_report
from tests.report.strategies import REPORTS

from gpuyard.costs.pricing import price_resources
from gpuyard.errors import Finding, Severity
from gpuyard.report import html
from gpuyard.report.comment import MAX_CHARACTERS, Section, render_comment
from gpuyard.report.html import render_html
from gpuyard.report.json_form import render_json
from gpuyard.report.markdown import render_markdown
from gpuyard.report.markup import Dialect
from gpuyard.report.model import SCHEMA, build_report
from gpuyard.report.text import render_text
from gpuyard.report.words import usd
from gpuyard.resources import Resource

RENDERERS = [render_text, render_json, render_markdown, render_html]


@pytest.fixture
def empty():
    return build_report(stack="bare", costs=price_resources([]))


def many(number):
    resources = [
        Resource(urn=f"urn:{n}", type="aws:ec2/eip:Eip", name=f"address-{n}", inputs={"region": "us-east-1"})
        for n in range(number)
    ]
    findings = [
        Finding(severity=Severity.NOTE, code="LONG", path=f"p[{n}]", message="word " * 40)
        for n in range(number)
    ]
    return build_report(stack="many", costs=price_resources(resources), findings=findings)


@pytest.mark.parametrize("render", RENDERERS)
def test_equal_reports_give_equal_bytes(render, report):
    assert render(report) == render(report)


@pytest.mark.parametrize("render", RENDERERS)
def test_an_empty_report_renders(render, empty):
    assert "bare" in render(empty)


@pytest.mark.parametrize("render", [render_text, render_markdown, render_html])
def test_totals_unknowns_gates_and_findings_are_in_every_format_for_people(render, report):
    text = " ".join(render(report).split())
    total = report.costs.monthly
    for load in (total.idle, total.expected, total.peak):
        assert usd(load) in text
    for words in ("odd", "this resource type has no price model", "no end known", "QUOTA_NOT_SEEN", "P90"):
        assert words in text


@pytest.mark.parametrize("render", [render_text, render_markdown, render_html])
def test_a_finding_says_where_it_comes_from_in_every_format_for_people(render):
    finding = Finding(
        severity=Severity.ERROR,
        code="SM_NOT_IN_BINARY",
        path="",
        message="no machine code",
        source="wheels read",
        as_of="2026-11-23",
    )
    text = " ".join(render(make_report(findings=[finding])).split())
    assert "wheels read" in text
    assert "2026-11-23" in text.partition("wheels read")[2][:20]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_terminal_text_keeps_its_width(width, report):
    assert max(map(len, render_text(report, width=width).splitlines())) <= max(width, 80)


def test_money_comes_before_time_and_time_before_risk(report):
    text = render_text(report)
    assert text.index("MONEY") < text.index("TIME") < text.index("RISK")


def test_colour_changes_no_character(report):
    plain, colored = render_text(report), render_text(report, color=True)
    assert "\033[" not in plain
    assert re.sub(r"\033\[\d+m", "", colored) == plain


def test_json_names_its_schema_and_repeats_the_totals(report):
    data = json.loads(render_json(report))
    assert data["schema"] == SCHEMA
    monthly = data["cost"]["totals"]["expected"]["monthly"]
    items = [item for item in data["cost"]["line_items"] if item["category"] != "Credit"]
    assert sum(item["effective"]["expected"] for item in items if item["effective"]) == pytest.approx(monthly)
    assert set(data["lead_time"]["chat"]["journeys"]) == {
        "empty_account",
        "zero_to_one",
        "one_more_replica",
        "node_lost",
        "rollout",
    }


def test_markdown_can_be_found_again_and_breaks_nothing(report):
    text = render_markdown(report)
    assert text.startswith("<!-- gpuyard-report:prod -->\n")
    assert "<b>" not in text
    assert "@team" not in text
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("number", [0, 10, 200, 2000])
def test_markdown_stays_below_what_github_takes(number):
    text = render_markdown(many(number))
    assert len(text) < MAX_CHARACTERS
    assert text.count("<details>") == text.count("</details>")
    assert "**total**" in text


@given(report=REPORTS, dialect=st.sampled_from(Dialect))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_report_is_too_long_for_a_comment(report, dialect):
    text = render_markdown(report, dialect)
    assert len(text) <= MAX_CHARACTERS
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("dialect", Dialect)
def test_a_section_that_does_not_fit_is_left_out_whole_and_named(dialect):
    long = Section(title="Long (1)", lines=("word " * 30_000,))
    short = Section(title="Short (1)", lines=("stays",))
    text = render_comment("<!-- m -->", ["head"], [long, short], dialect=dialect)
    assert len(text) <= MAX_CHARACTERS
    assert "stays" in text
    assert "word word" not in text
    assert "Left out for length: Long (1)." in text


def test_a_head_that_is_too_long_is_cut_and_says_so():
    text = render_comment("<!-- m -->", ["x" * 1000] * 100, [])
    assert len(text) <= MAX_CHARACTERS
    assert "shortened" in text


@pytest.mark.parametrize("render", [render_markdown, render_html])
def test_a_month_of_which_nothing_is_known_is_not_zero(render):
    odd = Resource(urn="urn:odd", type="aws:foo/bar:Baz", name="odd", inputs={"region": "us-east-1"})
    text = render(build_report(stack="s", costs=price_resources([odd])))
    assert (
        "unknown" in text.split("month expected")[0]
        if render is render_markdown
        else "<strong>unknown" in text
    )
    assert "without 1 unknown price" in text


def test_azure_needs_no_folding(report):
    text = render_markdown(report, Dialect.AZURE)
    assert "<details>" not in text
    assert "### Findings (1)" in text


def test_no_line_of_a_comment_starts_with_text_of_others():
    evil = "/approve"
    report = make_report(
        title=evil,
        notes=[evil],
        findings=[Finding(severity=Severity.NOTE, code=evil, path="", message=evil, fix=evil)],
    )
    assert not any(
        line.lstrip().startswith("/") for line in render_markdown(report, Dialect.GITLAB).splitlines()
    )


class _Page(HTMLParser):
    VOID = frozenset({"meta", "br", "input"})

    def __init__(self):
        super().__init__()
        self.open, self.links, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.links += [values[name] for name in ("src", "href") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(report):
    text = render_html(report)
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert all(link.startswith("#") for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert "default-src 'none'" in text
    assert not re.search(r"@import|sourceMappingURL|url\((?!#)", text)


@pytest.mark.parametrize("number", [0, 100, 5000])
def test_the_page_stays_below_a_megabyte(number):
    assert len(render_html(many(number)).encode()) < 1_000_000


def test_the_library_is_the_one_that_is_recorded():
    folder = Path(html.__file__).parent / "vendor"
    readme = (folder / "README.md").read_text()
    content = (folder / "chart.umd.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() in readme
    version = re.search(rb"Chart\.js v([\d.]+)", content)
    assert version is not None
    assert version[1].decode() in readme


def test_the_page_can_be_read_without_seeing(report):
    text = render_html(report)
    assert '<html lang="en">' in text
    assert text.count("<canvas") == text.count('role="img"') - text.count("[role=img]")
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_data_in_the_page_cannot_end_its_element(report):
    evil = replace(report, lead_times={"</script><b>": report.lead_times["chat"]}, tokens={})
    text = render_html(evil)
    assert "</script><b>" not in text
    assert "\\u003c/script\\u003e\\u003cb\\u003e" in text


def test_text_of_others_cannot_become_markup(report):
    assert "<b>" not in render_html(report)


def test_a_large_report_in_every_format_takes_at_most_a_second_and_a_half():
    report = many(500)
    render_html(report)
    start = process_time()
    for render in RENDERERS:
        render(report)
    assert process_time() - start < 1.5


def test_text_of_others_cannot_break_the_lines_of_a_terminal():
    names = ["one\ntwo", "\033[31mred", "e\u202evil", "tab\there", "line\r\n=1", "\x9b31m"]
    disks = [
        Resource(urn=f"urn:pulumi:a::b::t::{n}", type="aws:ebs/volume:Volume", name=n,
                 inputs={"region": "us-east-1", "size": 10 + i})
        for i, n in enumerate(names)
    ]  # fmt: skip
    text = render_text(build_report(stack="odd", costs=price_resources(disks)))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "one two: gp2 disk" in text


def test_a_price_dated_by_its_year_stands_beside_the_span_of_days(report):
    items = report.costs.items
    dated = [
        replace(item, as_of=day)
        for item, day in zip(items[:3], ("2026", "2026-07-30", "2026-08-21"), strict=True)
    ]
    some = replace(report, costs=replace(report.costs, items=tuple(dated)))
    assert "prices of 2026-07-30 to 2026-08-21, some dated only 2026\n" in render_text(some, width=120)
    one = replace(report, costs=replace(report.costs, items=tuple(dated[:1])))
    assert "prices of 2026\n" in render_text(one)


def test_without_scripts_no_empty_chart_is_left(report):
    page = render_html(report)
    head, _, body = page.partition("</head>")
    assert "<noscript><style>.panel:has(.chart) { display: none; }</style></noscript>" in head
    assert "<noscript><p>Charts and the explorer need JavaScript" in body
