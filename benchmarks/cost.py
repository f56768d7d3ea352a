"""How long `gpuyard cost` takes: whole processes, as JSON.

    .venv/bin/python benchmarks/cost.py [--runs 5] [--resources 5000]

Programs are synthetic: groups, pools, instances with disks, gateways, balancers and free resources of
both clouds. One run before the measured ones writes bytecode and fills the page cache. `cpu_s` is the time
on the processor, which other work on the machine does not lengthen. No peer reads Pulumi previews without a
network, so there is none to compare with; three sizes show that time grows in a straight line.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S, LIMIT_MIB = 2.0, 200
"""For 5,000 resources, whole process."""


def main() -> None:
    """Measure and print; exit 1 when the largest program misses a limit."""
    parser = argparse.ArgumentParser(description="How long `gpuyard cost` takes.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--resources", type=int, default=5000)
    arguments = parser.parse_args()
    largest = arguments.resources
    found = {str(size): measure(size, arguments.runs) for size in (largest // 4, largest // 2, largest)}
    document = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "runs": arguments.runs,
        "limit_s": LIMIT_S,
        "limit_mib": LIMIT_MIB,
        "gpuyard cost": found,
    }
    print(json.dumps(document, indent=2))
    last = found[str(largest)]
    if last["median_s"] > LIMIT_S or last["peak_mib"] > LIMIT_MIB:
        raise SystemExit(1)


def measure(size: int, runs: int) -> dict[str, float]:
    """Wall time of whole processes, and their peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "preview.json"
        states = [state(number) for number in range(size)]
        steps = [{"op": "create", "urn": found["urn"], "newState": found} for found in states]
        file.write_text(json.dumps({"config": {"aws:region": "us-east-1"}, "steps": steps}))
        run_once(file)
        results = [run_once(file) for _ in range(runs)]
    walls = [wall for wall, _, _ in results]
    return {
        "cpu_s": round(statistics.median(cpu for _, cpu, _ in results), 3),
        "median_s": round(statistics.median(walls), 3),
        "min_s": round(min(walls), 3),
        "max_s": round(max(walls), 3),
        "peak_mib": round(max(peak for _, _, peak in results)),
    }


def run_once(file: Path) -> tuple[float, float, float]:
    """Seconds, seconds on the processor, and peak MiB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(ROOT / ".venv" / "bin" / "gpuyard"), "cost", str(file), "--format", "json"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"exit {process.returncode}"
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "aws:eks/nodeGroup:NodeGroup",
        {
            "region": "us-east-1",
            "instanceTypes": ["p5.48xlarge"],
            "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 2},
            "launchTemplate": {"id": "lt-1"},
        },
    ),
    (
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"name": "lt-1", "blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "volumeSize": 200}}]},
    ),
    (
        "gcp:container/nodePool:NodePool",
        {"location": "us-central1", "nodeCount": 1, "nodeConfig": {"machineType": "g2-standard-8"}},
    ),
    ("gcp:compute/routerNat:RouterNat", {"region": "us-central1"}),
    ("aws:ec2/instance:Instance", {"region": "eu-west-1", "instanceType": "m7i.large", "monitoring": True}),
    (
        "gcp:compute/instance:Instance",
        {
            "zone": "europe-west4-a",
            "machineType": "n2-custom-6-20480",
            "bootDisk": {"initializeParams": {"size": 50}},
        },
    ),
    ("aws:lb/loadBalancer:LoadBalancer", {"region": "us-east-1", "loadBalancerType": "network"}),
    ("aws:s3/bucket:Bucket", {"region": "us-east-1"}),
    ("aws:iam/role:Role", {"assumeRolePolicy": "{}"}),
    ("kubernetes:apps/v1:Deployment", {"metadata": {"name": "app"}}),
)


def state(number: int) -> dict[str, Any]:
    """A resource as a preview has it."""
    kind, inputs = KINDS[number % len(KINDS)]
    urn = f"urn:pulumi:dev::benchmark::{kind}::r{number}"
    return {"urn": urn, "type": kind, "custom": True, "inputs": inputs, "dependencies": []}


if __name__ == "__main__":
    main()
