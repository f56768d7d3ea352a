"""SkyPilot's optimizer on H100:8, timed; run by `benchmarks/capacity.py` in a Python that has SkyPilot.

    python benchmarks/skypilot_plan.py CATALOG_FOLDER

CATALOG_FOLDER holds ``aws/vms.csv`` and ``gcp/vms.csv`` in SkyPilot's own schema. No cloud is asked: both
count as enabled. The last line of its output is JSON.
"""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

EMPTY_TABLES = {
    "aws/images.csv": "Tag,Region,OS,OSVersion,ImageId,CreationDate\n",
    "gcp/images.csv": "Tag,Region,OS,OSVersion,ImageId,CreationDate\n",
    "aws/instance_quota_mapping.csv": "InstanceType,OnDemandInstanceQuotaCode,SpotInstanceQuotaCode\n",
    "gcp/accelerator_quota_mapping.csv": "Accelerator,OnDemandQuota,SpotQuota\n",
    "aws/az_mappings-default.csv": "AvailabilityZoneName,AvailabilityZone\n",
    "common/accelerators.csv": "AcceleratorName,Clouds\nH100,\"['AWS', 'GCP']\"\n",
}
"""What SkyPilot would fetch from its mirror otherwise."""


def main() -> None:
    started = time.perf_counter()
    home = Path(sys.argv[1]).resolve()
    os.environ["SKY_RUNTIME_DIR"] = os.environ["HOME"] = str(home)
    os.environ["SKYPILOT_DISABLE_USAGE_COLLECTION"] = "1"
    import sky
    from sky import check, clouds
    from sky.catalog import constants

    place_catalog(home, constants.CATALOG_SCHEMA_VERSION)
    enabled = [clouds.AWS(), clouds.GCP()]
    check.get_cached_enabled_clouds_or_refresh = lambda *_, **__: enabled
    imported = time.perf_counter() - started
    first = timed(lambda: plan([]))
    warm = sorted(timed(lambda: plan([])) for _ in range(3))[1]
    start = time.perf_counter()
    refusals = walk(sky.exceptions.ResourcesUnavailableError)
    found = {
        "version": version("skypilot"),
        "import_s": round(imported, 3),
        "cold_plan_s": round(first, 3),
        "cold_s": round(imported + first, 3),
        "warm_s": round(warm, 3),
        "walk_s": round(time.perf_counter() - start, 2),
        "walk_refusals": refusals,
        "catalog": "our tables in SkyPilot's schema",
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(found))


def place_catalog(home: Path, schema: str) -> None:
    """Put the tables where SkyPilot looks for them; without checksums it never refreshes them."""
    folder = home / ".sky" / "catalogs" / schema
    for cloud in ("aws", "gcp", "common"):
        (folder / cloud).mkdir(parents=True, exist_ok=True)
    for cloud in ("aws", "gcp"):
        shutil.copy(home / cloud / "vms.csv", folder / cloud / "vms.csv")
    for name, text in EMPTY_TABLES.items():
        (folder / name).write_text(text)


def plan(blocked: list[Any]) -> Any:
    """What SkyPilot would launch for H100:8, without what is blocked."""
    import sky
    from sky import dag, optimizer

    with dag.Dag() as graph:
        task = sky.Task("serve")
        task.set_resources(sky.Resources(accelerators="H100:8"))
    optimizer.Optimizer.optimize(
        graph, minimize=sky.OptimizeTarget.COST, quiet=True, blocked_resources=blocked
    )
    return task.best_resources


def walk(at_the_end: type[Exception]) -> int:
    """Refuse place after place and plan again each time, until nothing is left; how many were refused."""
    blocked: list[Any] = []
    refused = 0
    while True:
        try:
            best = plan(blocked)
        except at_the_end:
            return refused
        refused += 1
        blocked.append(next_place(best, blocked))


def next_place(best: Any, blocked: list[Any]) -> Any:
    """The next untried place of what was planned: a region of AWS, a zone of Google."""
    by_zone = str(best.cloud).lower() == "gcp"
    regions = best.cloud.regions_with_offering(
        best.instance_type, best.accelerators, best.use_spot, best.region, best.zone
    )
    tried = {(item.region, item.zone) for item in blocked if str(item.cloud) == str(best.cloud)}
    for region in regions:
        for zone in (region.zones or []) if by_zone else [None]:
            place = (region.name, zone.name if zone else None)
            if place not in tried:
                return best.copy(region=place[0], zone=place[1])
    return best.copy(region=None, zone=None)


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
