"""A small deployment on two regions, and rules by which simulated clouds refuse its machines."""

from typing import Any

DEPLOYMENT: dict[str, Any] = {
    "places": [{"cloud": "aws", "regions": ["us-east-1", "us-west-2"]}],
    "capacity": {"accelerators": ["h100"], "purchases": ["on_demand"]},
    "endpoints": [
        {
            "name": "chat",
            "model": "Qwen/Qwen3-4B",
            "runtime": "vllm",
            "runtime_version": "0.33.0",
            "context_tokens": 8192,
            "concurrency": 4,
        }
    ],
    "monitoring": {"enabled": False},
}


def refuse(
    machine: str = "p5.*", region: str = "us-east-1", fail: str = "insufficient_capacity", **more: Any
) -> dict[str, Any]:
    """A rule: ``region`` refuses ``machine``."""
    return {"when": {"machine_type": machine, "region": region, "operation": "create"}, "fail": fail, **more}
