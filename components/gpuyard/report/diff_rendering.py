"""One door to every format of a diff."""

import json

from gpuyard.report.diff import Diff
from gpuyard.report.markup import Dialect

FORMATS = ("text", "json", "markdown", "gitlab", "azure", "csv")
"""``markdown`` is GitHub's."""
_DIALECTS = {"markdown": Dialect.GITHUB, "gitlab": Dialect.GITLAB, "azure": Dialect.AZURE}


def render_diff(diff: Diff, form: str, *, width: int = 80, color: bool = False) -> str:
    """The diff in one of `FORMATS`; ``width`` and ``color`` are for ``text`` alone."""
    if form == "json":
        return json.dumps(diff.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if form == "csv":
        from gpuyard.report.diff_csv import render_diff_csv

        return render_diff_csv(diff)
    if form in _DIALECTS:
        from gpuyard.report.diff_markdown import render_diff_markdown

        return render_diff_markdown(diff, _DIALECTS[form])
    from gpuyard.report.diff_text import render_diff_text

    return render_diff_text(diff, width=width, color=color)
