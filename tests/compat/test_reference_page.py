"""`docs/reference/compat.md` names every field of a combination."""

from pathlib import Path

from gpuyard.compat.combination import FIELDS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compat.md"


def test_every_field_is_explained():
    page = PAGE.read_text(encoding="utf-8")
    assert [field for field in FIELDS if f"`{field}`" not in page] == []
