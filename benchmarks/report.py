"""How long the report takes in every format: whole processes, as JSON.

    .venv/bin/python benchmarks/report.py [--runs 5] [--stack prod]

`gpuyard report --all` writes eight files; once from a saved report, once with the stack planned first.
One run of each before the measured ones writes bytecode and fills the page cache.
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

ROOT = Path(__file__).resolve().parent.parent
GPUYARD = str(ROOT / ".venv" / "bin" / "gpuyard")
LIMIT_S = 1.5
"""For every format of a report, whole process."""


def main() -> None:
    """Measure and print; exit 1 when every format of a saved report takes longer than its limit."""
    parser = argparse.ArgumentParser(description="How long `gpuyard report --all` takes.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stack", default="prod")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gpuyard-report-") as folder:
        run(["-s", options.stack, "--all", folder])
        sizes = {path.name: path.stat().st_size for path in sorted(Path(folder).iterdir())}
        saved = ["--from", str(Path(folder) / "report.json")]
        found = {
            "from a saved report": measure([*saved, "--all", folder], options.runs),
            "planned first": measure(["-s", options.stack, "--all", folder], options.runs),
            **{
                f"{form} alone, saved": measure([*saved, "--format", form], options.runs)
                for form in ("json", "html")
            },
        }
    document = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "runs": options.runs,
        "stack": options.stack,
        "limit_s": LIMIT_S,
        "gpuyard report": found,
        "bytes": sizes,
    }
    print(json.dumps(document, indent=2))
    if found["from a saved report"]["median_s"] > LIMIT_S:
        raise SystemExit(1)


def measure(arguments: list[str], runs: int) -> dict[str, float]:
    """Wall and processor time of whole processes."""
    run(arguments)
    results = [run(arguments) for _ in range(runs)]
    walls, busy = [wall for wall, _ in results], [cpu for _, cpu in results]
    return {
        "median_s": round(statistics.median(walls), 3),
        "min_s": round(min(walls), 3),
        "max_s": round(max(walls), 3),
        "cpu_s": round(statistics.median(busy), 3),
    }


def run(arguments: list[str]) -> tuple[float, float]:
    """Seconds on the clock and on processors; a broken gate is no failure."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        [GPUYARD, "report", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise SystemExit(done.stderr)
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, busy


if __name__ == "__main__":
    main()
