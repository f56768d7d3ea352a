"""The report as files in one directory."""

from pathlib import Path

from gpuyard.report.html import render_html
from gpuyard.report.json_form import render_json
from gpuyard.report.markdown import render_markdown
from gpuyard.report.model import Report
from gpuyard.stack.files import write_atomically

FORMS = {"report.json": render_json, "report.md": render_markdown, "report.html": render_html}


def write_report(report: Report, directory: Path) -> tuple[Path, ...]:
    """Write report.json, report.md and report.html, each whole or not at all.

    Raises:
        SpecError: the directory cannot be written to.
    """
    texts = {directory / name: render(report) for name, render in FORMS.items()}
    for path, text in texts.items():
        write_atomically(path, text)
    return tuple(texts)
