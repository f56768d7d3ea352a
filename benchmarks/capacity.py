"""How fast GPUs are found: `gpuyard capacity` for 8 x H100 over the full AWS and Google tables, as JSON.

    .venv/bin/python benchmarks/capacity.py [--format json] [--runs 5] [--skypilot PYTHON]

Cold is a whole process, text or JSON written; warm is ranking again in a process that has the tables;
the walk takes every rung's refusal in turn and re-plans after each. With SkyPilot installed (in this Python
or in the one that --skypilot names) its optimizer answers the same question in the same run, from its own
catalog where there is one, else from one of the same schema made of our tables.
"""

import argparse
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMITS_S = {"cold_s": 0.5, "warm_s": 0.005, "walk_s": 0.05}
SKYPILOT_CANDIDATES = 36
"""What SkyPilot 0.14.1 considers for H100:8: 13 AWS regions and 23 Google zones."""
COMMAND = ("capacity", "--gpu", "h100-80gb", "--count", "8", "--format", "json")


def main() -> None:
    """Measure and print; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description="How fast GPUs are found.")
    parser.add_argument("--format", choices=["json", "text"], default="json")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--skypilot", default=sys.executable, help="Python that has SkyPilot.")
    options = parser.parse_args()
    found = {**cold(options.runs), **in_process(options.runs)}
    document = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "runs": options.runs,
        "limits": {**LIMITS_S, "candidates": SKYPILOT_CANDIDATES},
        "gpuyard": found,
        "skypilot": skypilot(options.skypilot),
    }
    if options.format == "json":
        print(json.dumps(document, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:<16} {value}")
    missed = [name for name, limit in LIMITS_S.items() if found[name] > limit]
    if missed or found["candidates"] < SKYPILOT_CANDIDATES:
        raise SystemExit(1)


def cold(runs: int) -> dict[str, float]:
    """Whole processes, start included; one before the measured ones writes bytecode."""
    times = [_process() for _ in range(runs + 1)][1:]
    return {
        "cold_s": round(statistics.median(wall for wall, _ in times), 3),
        "cold_min_s": round(min(wall for wall, _ in times), 3),
        "cold_peak_mib": round(statistics.median(peak for _, peak in times)),
    }


def _process() -> tuple[float, float]:
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(ROOT / ".venv" / "bin" / "gpuyard"), *COMMAND], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def in_process(runs: int) -> dict[str, float]:
    """Ranking again, and the walk, both with the collector off as in the command line."""
    from gpuyard.capacity.demand import AllowedRegion, Demand, GpuNeed, Purchase
    from gpuyard.capacity.ladder import rank_offerings
    from gpuyard.capacity.walk import Walk, places_of
    from gpuyard.catalog.places import regions

    gc.disable()
    demand = Demand(
        endpoint="benchmark",
        needs=(GpuNeed(accelerator="h100-sxm", gpus_per_replica=8, reason=""),),
        replicas_min=1,
        replicas_max=1,
        purchases=tuple(Purchase),
        regions=tuple(AllowedRegion(cloud=c, region=r) for c in ("aws", "gcp") for r in regions(c)),
        one_zone=True,
    )
    start = time.perf_counter()
    ladder = rank_offerings(demand)
    first = time.perf_counter() - start
    warm, walks = [], []
    for _ in range(max(runs, 5) * 4):
        start = time.perf_counter()
        ladder = rank_offerings(demand)
        warm.append(time.perf_counter() - start)
        start = time.perf_counter()
        places = places_of(ladder.rungs)
        walk = Walk(places)
        steps = 0
        while (index := walk.next()) is not None:
            walk.refuse(places[index])  # a stockout: this type, in this zone, bought in this way
            steps += 1
        walks.append(time.perf_counter() - start)
        gc.collect()
    purchases = {rung.purchase for rung in ladder.rungs}
    return {
        "load_and_plan_s": round(first, 4),
        "warm_s": round(statistics.median(warm), 5),
        "warm_min_s": round(min(warm), 5),
        "walk_s": round(statistics.median(walks), 5),
        "walk_refusals": steps,
        "rungs": len(ladder.rungs),
        "candidates": ladder.candidates,
        "machine_types": len({rung.machine_type for rung in ladder.rungs}),
        "zones": len({(rung.region, rung.zones) for rung in ladder.rungs}),
        "purchases": len(purchases),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def skypilot(python: str) -> dict[str, object]:
    """SkyPilot's optimizer on the same question; says why where it cannot be asked."""
    script = ROOT / "benchmarks" / "skypilot_plan.py"
    with tempfile.TemporaryDirectory() as folder:
        rows = write_catalog(Path(folder))
        try:
            done = subprocess.run(
                [python, str(script), folder], capture_output=True, text=True, timeout=900, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"not_measured": f"{type(error).__name__}: {error}"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return {"not_measured": reason}
    return {**json.loads(lines[-1]), "catalog_rows": rows}


def write_catalog(folder: Path) -> int:
    """Our GPU machines by zone and every EC2 type by region, in the schema of SkyPilot's catalog (v8)."""
    from gpuyard.catalog.hardware import machine_types
    from gpuyard.catalog.list_prices import ec2_price, ec2_regions
    from gpuyard.catalog.places import regions_selling, zones_selling
    from gpuyard.catalog.prices import on_demand, spot
    from gpuyard.catalog.tables import read_csv

    names = {
        "h100-sxm": "H100",
        "a100-80gb-sxm": "A100-80GB",
        "a100-40gb": "A100",
        "rtx-pro-6000": "RTXPRO6000",
    }
    columns = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region"
    rows: dict[str, list[str]] = {"aws": [], "gcp": []}
    listed_parts: set[tuple[str, float, str]] = set()
    for machine in machine_types().values():
        gpu = names.get(machine.gpu or "", (machine.gpu or "").upper())
        for region in regions_selling(machine.cloud, machine.id):
            listed, quoted = (price(machine.cloud, machine.id, region) for price in (on_demand, spot))
            prices = f"{listed.usd if listed else ''},{quoted.p50 if quoted else ''}"
            size = f"{machine.vcpu},{machine.memory_gib}"
            for zone in zones_selling(machine.cloud, machine.id, region):
                place = f"{region},{zone}"
                if machine.cloud == "aws":
                    start = f"{machine.id},{gpu},{machine.gpu_count},{size}"
                    rows["aws"].append(f"{start},,{prices},{place},x86_64,,,,,")
                elif (gpu, machine.gpu_count, zone) not in listed_parts:
                    # SkyPilot lists Google's host and GPU apart, one machine type for each count, and adds
                    # their prices
                    listed_parts.add((gpu, machine.gpu_count, zone))
                    rows["gcp"].append(f",{gpu},{machine.gpu_count},,,{gpu},{prices},{place}")
                    rows["gcp"].append(f"{machine.id},,,{size},,0,0,{place}")
    known = set(machine_types())
    for row in read_csv("ec2_on_demand"):
        for region in ec2_regions():
            price = None if row["instance_type"] in known else ec2_price(row["instance_type"], region)
            if price is not None:
                line = f"{row['instance_type']},,,2,8,,{price.usd},,{region},{region}a,x86_64,,,,,"
                rows["aws"].append(line)
    ends = {
        "aws": ",Arch,LocalDiskType,NVMeSupported,LocalDiskSize,LocalDiskCount,MaximumEfaInterfaces",
        "gcp": "",
    }
    for cloud, lines in rows.items():
        (folder / cloud).mkdir()
        head = f"{columns},AvailabilityZone{ends[cloud]}"
        (folder / cloud / "vms.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return sum(map(len, rows.values()))


if __name__ == "__main__":
    main()
