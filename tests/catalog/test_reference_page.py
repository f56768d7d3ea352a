"""`docs/reference/catalog.md` names every rule that refuses prices."""

import re
from pathlib import Path

from gpuyard.catalog import sanity

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "catalog.md"


def test_every_rule_that_refuses_a_price_is_explained():
    source = Path(sanity.__file__).read_text(encoding="utf-8")
    rules = {name for name in re.findall(r'"([A-Z]{2,}[A-Z_]*)"', source) if name not in ("aws", "gcp")}
    assert rules, "rules are written as capitals"
    page = PAGE.read_text(encoding="utf-8")
    assert {rule for rule in rules if f"`{rule}`" not in page} == set()
