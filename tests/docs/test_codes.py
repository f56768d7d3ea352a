"""Every code that a finding can carry is on a page of the reference; `make golden` writes the page again.

What `gpuyard compat` answers has a page of its own (findings.md). The others are read from the source: the
code, and the message as it is written there, an ellipsis for what differs.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "codes.md"
CODE = re.compile(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)*")
MAKERS = frozenset(
    {
        "Finding",
        "error",
        "problem",
        "_problem",
        "refuse",
        "_refused",
        "_finding",
        "_error",
        "_bad_input",
        "_broken",
        "_nothing",
    }
)
"""The functions by which findings are made."""
HEAD = """\
# Codes of findings

Codes are stable: an accepted finding is named by its code ([`accept`](deployment.md#the-rest)).
What `gpuyard compat` finds is on [a page of its own](findings.md); these are all others.
Written from the source by `make golden`; an ellipsis stands for what differs.

| Code | What it says |
|---|---|
"""


def words(node: ast.expr | None) -> str:
    """The text of an expression, as far as it stands in the source."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part) or "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (words(node.left) or "…") + (words(node.right) or "…")
    return ""


def collect() -> dict[str, set[str]]:
    """Messages by code."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "components" / "gpuyard").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in MAKERS:
                continue
            named = {item.arg: words(item.value) for item in node.keywords}
            plain = [words(item) for item in node.args]
            code = named.get("code") or next((text for text in plain if CODE.fullmatch(text)), "")
            if not CODE.fullmatch(code):
                continue
            after = plain[plain.index(code) + 1 :] if code in plain else plain
            if name == "error":  # code, path, message, fix
                after = after[1:2]
            message = named.get("message") or next((text for text in after if " " in text), "")
            found.setdefault(code, set()).add(message)
    return found


def render() -> str:
    rows = []
    for code, messages in sorted(collect().items()):
        said = "; or ".join(sorted(text.replace("|", "\\|").replace("\n", " ") for text in messages if text))
        rows.append(f"| `{code}` | {said or 'as the place says'} |\n")
    return HEAD + "".join(rows)


def test_the_page_has_every_code(request):
    if request.config.getoption("update_snapshots"):
        PAGE.write_text(render(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make golden` and read the difference"


def test_codes_are_found_however_they_are_made():
    codes = set(collect())
    assert {"LOCK_STALE", "INVALID", "PLAN_INPUT_TYPE", "NOT_JSON", "MODEL_GATED", "UNKNOWN_STACK"} <= codes
    assert len(codes) > 60
