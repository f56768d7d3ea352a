"""Every region that the catalog knows, by cloud."""

from functools import cache

from gpuyard.catalog.list_prices import ec2_regions
from gpuyard.catalog.tables import read_csv


@cache
def regions(cloud: str) -> tuple[str, ...]:
    """Every region that the catalog has for ``cloud`` (``aws`` or ``gcp``), sorted."""
    if cloud == "aws":
        return tuple(sorted({*ec2_regions(), *(row["region"] for row in read_csv("aws_offerings"))}))
    if cloud == "gcp":
        listed = {region for row in read_csv("gcp_machine_regions") for region in row["regions"].split()}
        priced = {row["region"] for row in read_csv("gcp_region_prices") if _is_region(row["region"])}
        return tuple(sorted(listed | priced))
    return ()


def _is_region(name: str) -> bool:
    """Rows of storage classes name multi-regions (``us-multi``) and continents beside regions."""
    return "-" in name and name[-1].isdigit()
