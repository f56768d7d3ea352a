"""SkyPilot's v8 price catalogs (``aws/vms.csv``, ``gcp/vms.csv``) as offers.

AWS rows are whole machines by zone id. Google rows come in two kinds that are summed: hosts, and
accelerators without a host; machine types that bundle their GPUs name them in the accelerator row's count.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gpuyard.catalog.csv_file import in_order, problem, read_rows
from gpuyard.catalog.hardware import MachineType, find_gpu, machine_types
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.offers import Offer, money
from gpuyard.catalog.overlay import is_zone
from gpuyard.catalog.prices import list_price
from gpuyard.catalog.regions import regions
from gpuyard.catalog.sanity import Rejection, accept, gpu_share, judge
from gpuyard.errors import Finding, SpecError

CLOUDS = ("aws", "gcp")
_COLUMNS = (
    "InstanceType",
    "AcceleratorName",
    "AcceleratorCount",
    "vCPUs",
    "MemoryGiB",
    "Region",
    "AvailabilityZone",
    "Price",
    "SpotPrice",
)
_REPEATED = "the zone stands there again with other prices; the first count"
_Place = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyPilotCatalog:
    """Offers of one file, and what of it the catalog cannot use."""

    offers: tuple[Offer, ...]
    rejections: tuple[Rejection, ...]
    """Of accelerator rows, judged before they are summed with a host, and then of the sums."""
    skipped: Mapping[str, int]
    """Rows left out, counted by reason."""


def find_files(path: Path, cloud: str | None = None) -> dict[str, Path]:
    """The catalogs at ``path`` by cloud: one file, or a directory's ``aws/vms.csv`` and ``gcp/vms.csv``.

    Raises:
        SpecError: nothing is there, or nothing says whose file it is.
    """
    wanted = (cloud,) if cloud else CLOUDS
    if not path.exists():
        raise SpecError(
            [
                _problem(
                    str(path), "cannot be read: it is not there", "give ~/.sky/catalogs/v8 or a vms.csv of it"
                )
            ]
        )
    if not path.is_dir():
        whose = cloud or next((name for name in CLOUDS if path.resolve().parent.name == name), None)
        if whose is None:
            raise SpecError(
                [_problem(str(path), "does not say whose prices it holds", "add --cloud aws or --cloud gcp")]
            )
        return {whose: path}
    whose = path.resolve().name
    found = {name: path / name / "vms.csv" for name in wanted}
    if whose in wanted:
        found[whose] = path / "vms.csv"
    elif cloud and (path / "vms.csv").is_file():
        found[cloud] = path / "vms.csv"
    found = {name: file for name, file in found.items() if file.is_file()}
    if not found:
        message = "holds no " + " or ".join(f"{name}/vms.csv" for name in wanted)
        raise SpecError([_problem(str(path), message, "give ~/.sky/catalogs/v8 or a vms.csv of it")])
    return found


def read_skypilot(path: Path, cloud: str, as_of: str) -> SkyPilotCatalog:
    """The GPU machines that the file prices, without the prices that fail the sanity rules.

    Raises:
        SpecError: the file cannot be read, or is not a v8 catalog of ``cloud``; every problem at once.
    """
    rows = _rows(path)
    skipped: dict[str, int] = {}
    source = f"SkyPilot v8 catalog {cloud}/{path.name}"
    refused: list[Rejection] = []
    if cloud == "aws":
        offers = _aws(rows, source, as_of, skipped)
    else:
        offers = _gcp(rows, source, as_of, skipped, refused)
    if not offers:
        left_out = "; ".join(f"{reason}: {number:,}" for reason, number in sorted(skipped.items()))
        message = f"prices no GPU machine of {cloud}" + (f"; rows left out: {left_out}" if left_out else "")
        raise SpecError([_problem(str(path), message, "check --cloud: the columns are the same")])
    refused += judge(offers, list_price)
    return SkyPilotCatalog(
        offers=accept(offers, list_price), rejections=tuple(refused), skipped=dict(sorted(skipped.items()))
    )


def _rows(path: Path) -> list[dict[str, str]]:
    numbered, problems = read_rows(path, _COLUMNS, _problem, may_have_others=True)
    for line, row in numbered:
        problems += [
            _problem(f"{path}:{line}:{column}", "is not a number", "get the catalog again", row[column])
            for column in ("AcceleratorCount", "vCPUs", "Price", "SpotPrice")
            if row[column] and money(row[column]) is None
        ]
    if problems:
        raise SpecError(in_order(path, problems))
    return [row for _, row in numbered]


def _aws(rows: list[dict[str, str]], source: str, as_of: str, skipped: dict[str, int]) -> list[Offer]:
    offers: dict[tuple[str, ...], Offer] = {}
    for row in rows:
        name, region, zone = row["InstanceType"], row["Region"], row["AvailabilityZone"]
        reason = _aws_reason(row)
        if reason:
            skipped[reason] = skipped.get(reason, 0) + 1
            continue
        offer = Offer(
            cloud="aws",
            machine_type=name,
            region=region,
            zone=zone,
            on_demand=money(row["Price"]),
            spot=money(row["SpotPrice"]),
            source=source,
            as_of=as_of,
        )
        if offers.setdefault((name, region, zone), offer) != offer:
            skipped[_REPEATED] = skipped.get(_REPEATED, 0) + 1
    return list(offers.values())


def _aws_reason(row: Mapping[str, str]) -> str:
    machine = machine_types("aws").get(row["InstanceType"])
    region, zone = row["Region"], row["AvailabilityZone"]
    if machine is None:
        return "not a GPU machine type of the catalog"
    if region not in regions("aws"):
        return "region unknown"
    if not zone or zone.startswith(region):
        return "zone is a name, not an id: names differ by account"
    if not is_zone("aws", region, zone):
        return "not a zone of its region"
    counted = money(row["AcceleratorCount"])
    if counted and machine.gpu_count >= 1 and counted != machine.gpu_count:
        return "counts more or fewer GPUs than the machine type has"
    return ""


def _gcp(
    rows: list[dict[str, str]], source: str, as_of: str, skipped: dict[str, int], refused: list[Rejection]
) -> list[Offer]:
    """Host plus accelerators for every machine type and zone that has both parts."""
    hosts: dict[str, dict[_Place, Offer]] = {}
    parts: dict[tuple[str, float, _Place], Offer] = {}
    for row in rows:
        place = (row["Region"], row["AvailabilityZone"])
        gpu, count = _gpu_key(row["AcceleratorName"]), money(row["AcceleratorCount"]) or 0
        if row["Region"] not in regions("gcp"):
            skipped["region unknown"] = skipped.get("region unknown", 0) + 1
        elif not is_zone("gcp", *place):
            skipped["not a zone of its region"] = skipped.get("not a zone of its region", 0) + 1
        elif row["InstanceType"] in machine_types("gcp"):
            hosts.setdefault(row["InstanceType"], {})[place] = _part(row, row["InstanceType"], source, as_of)
        elif not row["InstanceType"] and gpu:
            parts[gpu, count, place] = _part(row, f"{count:g} x {gpu}", source, as_of)
        else:
            reason = "not a GPU machine type of the catalog" if row["InstanceType"] else "not a known GPU"
            skipped[reason] = skipped.get(reason, 0) + 1
    refused += judge(tuple(parts.values()), _part_price)
    sane = dict(zip(parts, accept(tuple(parts.values()), _part_price), strict=True))
    offers = []
    for machine in machine_types("gcp").values():
        for place, host in hosts.get(machine.id, {}).items():
            part = sane.get((_label_key(machine), machine.gpu_count, place))
            if part is None:
                skipped["host without its GPUs"] = skipped.get("host without its GPUs", 0) + 1
            else:
                offers.append(
                    replace(
                        host, on_demand=_sum(host.on_demand, part.on_demand), spot=_sum(host.spot, part.spot)
                    )
                )
    return offers


def _part(row: Mapping[str, str], name: str, source: str, as_of: str) -> Offer:
    return Offer(
        cloud="gcp",
        machine_type=name,
        region=row["Region"],
        zone=row["AvailabilityZone"],
        on_demand=money(row["Price"]),
        spot=money(row["SpotPrice"]),
        gpus=money(row["AcceleratorCount"]) or 0,
        source=source,
        as_of=as_of,
    )


def _part_price(cloud: str, name: str, region: str) -> float | None:
    """What the GPUs of a machine cost without their host, by the shipped list prices. None: not known."""
    count, _, gpu = name.partition(" x ")
    for machine in machine_types(cloud).values():
        if _label_key(machine) == gpu and f"{machine.gpu_count:g}" == count:
            whole, share = list_price(cloud, machine.id, region), gpu_share(cloud, machine.id)
            if whole and share:
                return whole * share
    return None


def _sum(host: float | None, gpus: float | None) -> float | None:
    return None if host is None or gpus is None else round(host + gpus, 6)


def _label_key(machine: MachineType) -> str:
    return f"{machine.gpu}/mega" if "mega" in machine.accelerator_label else str(machine.gpu)


def _gpu_key(name: str) -> str | None:
    """The GPU of an accelerator row; H100-MEGA is priced apart from H100 and only A3 Mega takes it."""
    try:
        gpu = find_gpu(name).id
    except UnknownName:
        return None
    return f"{gpu}/mega" if "mega" in name.lower() else gpu


def _problem(path: str, message: str, fix: str, value: str | None = None) -> Finding:
    return problem("CATALOG_IMPORT", path, message, fix, value)
