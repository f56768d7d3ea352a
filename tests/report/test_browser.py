"""The page in a real browser: it draws, asks nobody, computes what the JSON says, and everyone can use it."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from tests.report.conftest import make_report, make_tokens

from gpuyard.costs.pricing import price_resources
from gpuyard.economics.tokens import break_even, hosted_request, price_tokens
from gpuyard.report.html import render_html
from gpuyard.report.model import build_report

PROBES = Path(__file__).parent / "probes"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]
LISTEN = """<script>
window.seen = [];
addEventListener("error", (event) => window.seen.push(String(event.message || event.target.src)), true);
addEventListener("securitypolicyviolation", (event) => window.seen.push(event.blockedURI));
for (const name of ["error", "warn"]) console[name] = (...words) => window.seen.push(words.join(" "));
</script>"""
ANSWER = """<script>addEventListener("load", () => {
  let found;
  try { found = (() => { %s })(); } catch (error) { found = {failed: String(error)}; }
  found.seen = window.seen;
  found.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.documentElement.dataset.probe = encodeURIComponent(JSON.stringify(found));
});</script>"""
DRAWN = (PROBES / "drawn.js").read_text()
EXPLORE = (PROBES / "explore.js").read_text()
USABLE = (PROBES / "usable.js").read_text()


def browse(page, folder, *flags):
    """Run Chromium on the page, unable to reach anything; its answer."""
    path = folder / "page.html"
    path.write_text(page)
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
        f"--user-data-dir={folder / 'profile'}", "--proxy-server=127.0.0.1:9", "--enable-logging=stderr",
        "--virtual-time-budget=5000", *flags, path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def ask(page, question, folder, *flags):
    """What the script ``question`` returns in the page."""
    page = page.replace("<style>", f"{LISTEN}<style>", 1)
    page = page.replace("</body>", ANSWER % question + "</body>")
    done = browse(page, folder, "--dump-dom", *flags)
    answer = re.search(r'data-probe="([^"]*)"', done.stdout)
    assert answer is not None, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr
    found = json.loads(unquote(answer[1]))
    assert "failed" not in found, found
    assert found["seen"] == []
    assert found["requests"] == []
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_it_draws_every_chart_without_errors_or_requests(width, report, tmp_path):
    found = ask(render_html(report), DRAWN, tmp_path, f"--window-size={width},900")
    assert found["ready"]
    assert len(found["charts"]) == 3
    assert not any(chart["blank"] for chart in found["charts"])
    assert not found["wide"]


def test_an_empty_report_shows_without_errors(tmp_path):
    page = render_html(build_report(stack="bare", costs=price_resources([])))
    assert ask(page, DRAWN, tmp_path)["charts"] == []


def test_the_explorer_computes_what_the_json_says(report, tmp_path):
    found = ask(render_html(report), EXPLORE, tmp_path)
    tokens = report.as_dict()["tokens"]["chat"]
    close = pytest.approx
    assert float(found["planned"]["own"]) == close(tokens["at_planned"]["blended"], rel=1e-12)
    assert float(found["full"]["own"]) == close(tokens["at_full"]["blended"], rel=1e-12)
    assert float(found["planned"]["own-month"]) == close(
        tokens["at_planned"]["per_request"] * tokens["requests_per_month"], rel=1e-12
    )
    assert len(found["hosted"]) == len(tokens["hosted"]) > 2
    for shown, hosted in zip(found["hosted"], tokens["hosted"], strict=True):
        assert float(shown["api-month"]) == close(hosted["usd_per_month"], rel=1e-12)
        if hosted["break_even"] is None:
            assert shown["break-even"] == ""
        else:
            assert float(shown["break-even"]) == close(hosted["break_even"], rel=1e-12)
    assert found["back"] == found["planned"]


def test_the_explorer_starts_at_a_utilisation_far_below_one_percent(tmp_path):
    quiet = make_tokens(utilisation=2e-5)
    assert quiet.at_planned is not None
    found = ask(render_html(make_report(tokens={"chat": quiet})), EXPLORE, tmp_path)
    assert float(found["planned"]["own"]) == pytest.approx(quiet.at_planned.blended, rel=1e-12)


def test_the_explorer_follows_what_is_typed(report, tmp_path):
    found = ask(render_html(report), EXPLORE, tmp_path)
    capability = report.tokens["chat"].capability
    typed = replace(capability, tokens_per_s_per_gpu=800)
    mine, full = price_tokens(typed, 1.25, 0.25), price_tokens(typed, 1.25, 1.0)
    theirs = hosted_request(capability.workload, 0.4, 1.6)
    assert found["chosen"] == "own"
    assert float(found["own"]["own"]) == pytest.approx(mine.blended, rel=1e-12)
    assert float(found["own"]["break-even"]) == pytest.approx(break_even(full.per_request, theirs), rel=1e-12)
    # at the break-even price of a GPU hour both cost the same
    fair = price_tokens(typed, float(found["own"]["fair-hour"]), 0.25)
    assert fair.per_request == pytest.approx(theirs, rel=1e-12)
    assert found["blank"]["own"] == ""
    assert "Enter" in found["blank"]["words"]


def test_the_explorer_starts_blank_where_nothing_is_known(tmp_path):
    unknown = make_tokens(gpu_hour=None)
    found = ask(
        render_html(make_report(tokens={"chat": unknown, "second": make_tokens()})), EXPLORE, tmp_path
    )
    assert found["planned"]["own"] == ""
    assert "Enter" in found["words"]


@pytest.mark.parametrize(
    "flags", [["--window-size=1280,900"], ["--window-size=390,900", "--force-dark-mode"]]
)
def test_everyone_can_use_it(flags, report, tmp_path):
    found = ask(render_html(report), USABLE, tmp_path, *flags)
    assert found["dark"] is ("--force-dark-mode" in flags)
    for trouble in ("faint", "nameless", "twice", "broken"):
        assert found[trouble] == [], trouble
    for trouble in ("jumpy", "trapped", "headless"):
        assert found[trouble] == 0, trouble
    assert found["lang"] == "en"
    assert found["main"] == 1
    levels = found["headings"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_it_prints(report, tmp_path):
    target = tmp_path / "page.pdf"
    browse(render_html(report), tmp_path, f"--print-to-pdf={target}")
    assert target.read_bytes().startswith(b"%PDF")
    assert target.stat().st_size > 20_000
