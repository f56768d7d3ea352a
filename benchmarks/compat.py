"""How long `gpuyard compat` takes on 500 combinations: whole processes, as JSON.

    .venv/bin/python benchmarks/compat.py [--runs 5]

Half of the combinations are incidents of the tests, which fail and want a fix, half are known to run.
One run before the measured ones writes bytecode and fills the page cache.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 1.0
"""For a whole `gpuyard compat FILE` on 500 combinations."""
COUNT = 500


def main() -> None:
    """Measure and print; exit 1 when the median is slower than the limit."""
    parser = argparse.ArgumentParser(description="How long `gpuyard compat` takes.")
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, combinations in workloads().items():
            path = Path(folder) / f"{name}.yaml"
            path.write_text(yaml.safe_dump(combinations), encoding="utf-8")
            found[name] = measure(path, runs)
    document = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "runs": runs,
        "limit_s": LIMIT_S,
        "gpuyard compat": found,
    }
    print(json.dumps(document, indent=2))
    if any(result["median_s"] > LIMIT_S for result in found.values()):
        raise SystemExit(1)


def workloads() -> dict[str, list[object]]:
    """Combinations by name: what runs, what fails, and half of each."""
    files = sorted((ROOT / "tests/compat/incidents").glob("*.yaml"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    failing = [item["combination"] for text in texts for item in yaml.safe_load(text)]
    sys.path.insert(0, str(ROOT / "tests/compat"))
    from known_good import all_cases

    cases = [combination for _, combination in all_cases()]
    running = cases[:: len(cases) // COUNT][:COUNT]
    failing = (failing * (COUNT // len(failing) + 1))[:COUNT]
    half = COUNT // 2
    return {"running": running, "failing": failing, "mixed": running[:half] + failing[:half]}


def measure(path: Path, runs: int) -> dict[str, float]:
    """Wall time of whole processes."""
    command = [str(ROOT / ".venv/bin/gpuyard"), "compat", str(path), "--format", "json"]
    walls = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        walls.append(time.perf_counter() - start)
    walls = walls[1:]
    return {
        "median_s": round(statistics.median(walls), 3),
        "min_s": round(min(walls), 3),
        "max_s": round(max(walls), 3),
    }


if __name__ == "__main__":
    main()
