"""How long `gpuyard fit` takes: whole processes, as JSON.

    .venv/bin/python benchmarks/fit.py [--runs 5]

One run of each command before the measured ones writes bytecode and fills the page cache.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 0.5
"""For a whole `gpuyard fit MODEL`."""
COMMANDS = (
    "--help",
    "Llama-3.1-8B",
    "Qwen/Qwen3-32B --all",
    "DeepSeek-R1 --format json",
    "moonshotai/Kimi-K3",
    "Llama-3.1-405B --quantization fp8 --context 128k --concurrency 64",
)


def main() -> None:
    """Measure and print; exit 1 when a command is slower than its limit."""
    parser = argparse.ArgumentParser(description="How long `gpuyard fit` takes.")
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    found = {command: measure(command, runs) for command in COMMANDS}
    document = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "runs": runs,
        "limit_s": LIMIT_S,
        "gpuyard fit": found,
    }
    print(json.dumps(document, indent=2))
    if any(result["median_s"] > LIMIT_S for result in found.values()):
        raise SystemExit(1)


def measure(command: str, runs: int) -> dict[str, float]:
    """Wall time of whole processes, and their peak memory."""
    run_once(command)
    results = [run_once(command) for _ in range(runs)]
    walls = [wall for wall, _ in results]
    return {
        "median_s": round(statistics.median(walls), 3),
        "min_s": round(min(walls), 3),
        "max_s": round(max(walls), 3),
        "peak_mib": round(statistics.median(peak for _, peak in results)),
    }


def run_once(command: str) -> tuple[float, float]:
    """Seconds and peak MiB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(ROOT / ".venv" / "bin" / "gpuyard"), "fit", *command.split()],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), f"{command}: exit {process.returncode}"
    return time.perf_counter() - start, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
