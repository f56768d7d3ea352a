"""One door to every format of the report."""

from gpuyard.report.markup import Dialect
from gpuyard.report.model import Report

FORMATS = ("text", "json", "markdown", "html", "csv", "focus", "gitlab", "azure")
"""``markdown`` is GitHub's; ``focus`` is FOCUS 1.2 as CSV."""
FILES = {
    "text": "report.txt",
    "json": "report.json",
    "markdown": "report.md",
    "html": "report.html",
    "csv": "report.csv",
    "focus": "report.focus.csv",
    "gitlab": "report.gitlab.md",
    "azure": "report.azure.md",
}
"""What each format is called where all of them are written."""
_DIALECTS = {"markdown": Dialect.GITHUB, "gitlab": Dialect.GITLAB, "azure": Dialect.AZURE}


def render(report: Report, form: str, *, width: int = 80, color: bool = False) -> str:
    """The report in one of `FORMATS`; ``width`` and ``color`` are for ``text`` alone."""
    if form == "json":
        from gpuyard.report.json_form import render_json

        return render_json(report)
    if form == "html":
        from gpuyard.report.html import render_html

        return render_html(report)
    if form == "csv":
        from gpuyard.report.csv_form import render_csv

        return render_csv(report)
    if form == "focus":
        from gpuyard.report.focus import render_focus

        return render_focus(report)
    if form in _DIALECTS:
        from gpuyard.report.markdown import render_markdown

        return render_markdown(report, _DIALECTS[form])
    from gpuyard.report.text import render_text

    return render_text(report, width=width, color=color)
