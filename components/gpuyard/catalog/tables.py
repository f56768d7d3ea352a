"""Reading the data files of the catalog: each once, when first asked for."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@cache
def read_csv(name: str) -> tuple[dict[str, str], ...]:
    """Rows of ``data/<name>.csv`` by column name; an empty cell is unknown."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        columns = next(rows)
        return tuple(dict(zip(columns, row, strict=True)) for row in rows)


@cache
def read_json(name: str) -> Any:
    """Content of ``data/<name>.json``: for the tables that every command waits for."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


@cache
def read_yaml(name: str) -> Any:
    """Content of ``data/<name>.yaml``. libyaml where it is built in: ten times faster."""
    import yaml  # noqa: PLC0415 (a tenth of a second that most look-ups do without)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((DATA / f"{name}.yaml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a safe loader)


def read_table(file: str) -> Any:
    """Content of ``data/<file>``, whatever its ending says it is."""
    stem, _, ending = file.rpartition(".")
    return {"csv": read_csv, "json": read_json, "yaml": read_yaml}[ending](stem)
