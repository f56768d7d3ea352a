"""The register of tables: complete, dated, and judged by a given day."""

import re
import subprocess
import sys
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gpuyard.catalog.freshness import table_ages
from gpuyard.catalog.list_prices import EC2_REST_AS_OF, GCP_AS_OF
from gpuyard.catalog.tables import DATA, read_csv


def test_every_data_file_is_registered():
    files = {path.name for path in DATA.iterdir()} - {"README.md"}
    assert files == {row["file"] for row in read_csv("tables")}


def test_dates_in_code_are_those_of_the_register():
    dates = {row["file"]: row["as_of"] for row in read_csv("tables")}
    assert dates["ec2_on_demand.csv"] == EC2_REST_AS_OF
    assert dates["gcp_machine_prices.csv"] == GCP_AS_OF


def test_the_readme_of_the_tables_names_every_sanity_rule():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    source = (DATA.parent / "sanity.py").read_text(encoding="utf-8")
    rules = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)",', source))
    assert len(rules) >= 9
    assert {rule for rule in rules if f"`{rule}`" not in text} == set()


def test_a_table_is_stale_the_day_after_its_limit():
    age = next(age for age in table_ages(date(2026, 11, 24)) if age.file == "gpus.csv")
    limit = age.as_of + timedelta(days=age.fresh_days)
    on_the_day = {age.file: age.is_stale for age in table_ages(limit)}
    after = {age.file: age.is_stale for age in table_ages(limit + timedelta(days=1))}
    assert not on_the_day["gpus.csv"]
    assert after["gpus.csv"]


@given(st.dates(min_value=date(2026, 1, 1), max_value=date(2030, 1, 1)))
def test_a_stale_table_never_becomes_fresh_again(day):
    stale = {age.file for age in table_ages(day) if age.is_stale}
    later = {age.file for age in table_ages(day + timedelta(days=30)) if age.is_stale}
    assert stale <= later


def test_importing_the_catalog_loads_no_sdk_and_little_memory():
    modules = sorted(
        path.stem for path in DATA.parent.glob("*.py") if path.stem not in ("__init__", "software")
    )
    code = "\n".join(
        [
            "import pathlib, sys",
            *(f"import gpuyard.catalog.{module}" for module in modules),
            "heavy = {'pulumi', 'pydantic', 'boto3', 'google', 'click'} & set(sys.modules)",
            "assert not heavy, heavy",
            "status = pathlib.Path('/proc/self/status')",
            "lines = status.read_text().splitlines() if status.exists() else ['VmHWM: 0 kB']",
            "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))",
        ]
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 60 * 1024
