"""How long a plan takes: whole processes, medians, as JSON.

    .venv/bin/python benchmarks/plan.py [--runs 5] [--sizes 100 1000 2000] [--stacks prod]

Programs of so many resources (components with Kubernetes objects, wired to each other) are recorded and
validated, each in a process of its own: as Python does it by itself ("plain"), and as the command line
does it ("quick": no garbage collection, no interpreter teardown, parts of Pulumi's SDK imported when they
are used). Then `gpuyard plan` itself, per stack.
One run before the measured ones writes bytecode to a temporary directory; its time is "first".
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
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHILDREN = 9
"""Objects per component of the measured programs."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 2000])
    parser.add_argument("--stacks", nargs="*", default=["prod"])
    parser.add_argument("--work", nargs=2, metavar=("SIZE", "MODE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        record_program(int(options.work[0]), quick=options.work[1] == "quick")
        return
    with tempfile.TemporaryDirectory(prefix="gpuyard-bytecode-") as bytecode:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        print(json.dumps(measure_all(options, environment), indent=2))


def measure_all(options: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, Any]:
    """Every figure, with what it was measured on."""
    programs = {
        mode: {
            str(size): measure(
                [sys.executable, __file__, "--work", str(size), mode], options.runs, environment
            )
            for size in options.sizes
        }
        for mode in ("plain", "quick")
    }
    command = [str(ROOT / ".venv" / "bin" / "gpuyard"), "plan", "--format", "json", "-s"]
    return {
        "python": platform.python_version(),
        "pulumi": version("pulumi"),
        "cpus": os.cpu_count(),
        "runs": options.runs,
        "programs": programs,
        "ms_per_further_resource": {mode: slopes(found) for mode, found in programs.items()},
        "gpuyard plan": {
            stack: measure([*command, stack], options.runs, environment) for stack in options.stacks
        },
    }


def measure(command: Sequence[str], runs: int, environment: Mapping[str, str]) -> dict[str, Any]:
    """Wall time and peak memory of whole processes; what it said where it failed."""
    first, _, error = run_once(command, environment)
    if error:
        return {"failed": error}
    found = [run_once(command, environment) for _ in range(runs)]
    walls = [wall for wall, _, _ in found]
    return {
        "median_s": round(statistics.median(walls), 3),
        "min_s": round(min(walls), 3),
        "max_s": round(max(walls), 3),
        "peak_mib": round(statistics.median(peak for _, peak, _ in found)),
        "first_s": round(first, 3),
    }


def run_once(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float, str]:
    """Seconds, peak MiB, and the last line of the error output if the process failed (exit 2 or more)."""
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        lines = errors.read().splitlines() or [f"exit {process.returncode}"]
    # exit 1 means findings, which a plan may well have
    return wall, usage.ru_maxrss / 1024, "" if process.returncode in (0, 1) else lines[-1]


def slopes(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Milliseconds for each further resource between neighbouring sizes; equal numbers mean linear time."""
    sizes = sorted(int(size) for size in found if "median_s" in found[size])
    return {
        f"{low}-{high}": round(
            (found[str(high)]["median_s"] - found[str(low)]["median_s"]) * 1000 / (high - low), 3
        )
        for low, high in pairwise(sizes)
    }


def record_program(size: int, *, quick: bool) -> None:
    """Record and validate a program of ``size`` resources in this process."""
    import gc

    if quick:
        from gpuyard.cli.later import import_when_used

        gc.disable()
        import_when_used()
    from gpuyard.engine.recorder import record
    from gpuyard.engine.validate import validate

    recording = record(
        lambda: build(size), project="benchmark", stack="synthetic", answers=FirstPreview(), root=ROOT
    )
    findings = validate(recording.resources)
    assert len(recording.resources) == size, len(recording.resources)
    assert findings == [], findings
    if quick:
        sys.stdout.flush()
        os._exit(0)


class FirstPreview:
    """Clouds that hold nothing yet."""

    def register(self, resource: Any, *, preview: bool) -> Any:  # noqa: ARG002 (the protocol's)
        from gpuyard.engine.answers import Registration

        return Registration(id=f"{resource.name}-id" if resource.type.startswith("pulumi:providers:") else "")

    def read(self, resource: Any) -> Any:
        raise AssertionError(resource)

    def invoke(self, token: str, args: Mapping[str, Any]) -> Any:
        raise AssertionError(token, args)


def build(size: int) -> None:
    """A provider, and components of a Deployment, a Service and ConfigMaps each: ``size`` resources."""
    import pulumi
    import pulumi_kubernetes as kubernetes

    provider = kubernetes.Provider("cluster", kubeconfig="{}")
    made = 1
    while made < size:
        name = f"app-{made}"
        group = pulumi.ComponentResource(
            "benchmark:index:App", name, {}, pulumi.ResourceOptions(providers=[provider])
        )
        count = min(CHILDREN, size - made - 1)
        made += count + 1
        add_children(name, count, pulumi.ResourceOptions(parent=group))


def add_children(name: str, count: int, options: Any) -> None:
    """``count`` objects of one app; the later ones take an output of the first."""
    import pulumi_kubernetes as kubernetes

    labels = {"app": name}
    first = None
    for number in range(count):
        place = f"{name}-{number}"
        if number == 1 and first is not None:
            kubernetes.apps.v1.Deployment(
                place,
                metadata={"name": place, "labels": labels},
                spec=deployment(labels, first),
                opts=options,
            )
        else:
            made = kubernetes.core.v1.ConfigMap(
                place,
                metadata={"name": place, "labels": labels},
                data={"number": str(number), "first": first.metadata.name if first else ""},
                opts=options,
            )
            first = first or made


def deployment(labels: Mapping[str, str], config: Any) -> Any:
    """A pod template of usual size."""
    container = {
        "name": "server",
        "image": "registry.example/server:1",
        "env": [{"name": f"E{number}", "value": str(number)} for number in range(8)],
        "env_from": [{"config_map_ref": {"name": config.metadata.name}}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "ports": [{"container_port": 8000}],
    }
    return {
        "replicas": 1,
        "selector": {"match_labels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }


if __name__ == "__main__":
    main()
