"""Start and end of a pod, computed together from one budget.

Engines drop requests on SIGTERM unless told otherwise, and stay "healthy" while they drain, so: a preStop
sleep lets the endpoint leave the load balancers, then the engine drains, and the grace period covers both
(vLLM since 0.18, `--shutdown-timeout`; facts of 2026-11).
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from gpuyard.runtimes.runtime import drains
from gpuyard.serving.spec import EndpointSpec

PRESTOP_SECONDS = 15
"""Endpoints and gateways forget a pod within this."""
SPARE_SECONDS = 15
"""Between the engine's own deadline and the kill."""
PROBE_PERIOD = 10
IMAGE_PULL_SECONDS = 300
"""A 12 GB image: 121 to 131 s measured (n=3), doubled."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Times of one pod, seconds."""

    startup: int
    """Container start to ready; the startup probe waits this long."""
    prestop: int
    """Sleep before SIGTERM, while load balancers forget the pod."""
    drain: int
    """What the engine is given to finish its requests; 0 when the sleep gives it."""
    grace: int
    """Deletion to kill: both, and something to spare."""
    await_ready: int
    """What a deployment tool should wait for the Deployment."""

    @property
    def startup_failures(self) -> int:
        """Probe failures that the start-up budget allows."""
        return ceil(self.startup / PROBE_PERIOD)


def plan_lifecycle(spec: EndpointSpec) -> Lifecycle:
    """Times of the endpoint's pods from its start-up budget and drain time."""
    startup = spec.startup_seconds
    # an engine that cannot drain goes on serving while the pod sleeps, out of the load balancers
    held = 0 if drains(spec.engine, spec.version) else spec.drain_seconds
    return Lifecycle(
        startup=startup,
        prestop=PRESTOP_SECONDS + held,
        drain=spec.drain_seconds - held,
        grace=PRESTOP_SECONDS + spec.drain_seconds + SPARE_SECONDS,
        await_ready=(startup + IMAGE_PULL_SECONDS) * _waves(spec),
    )


def rollout_strategy(spec: EndpointSpec) -> dict[str, Any]:
    """Surge only into GPUs that stand free; otherwise one replica goes before its successor comes.

    Surging without a spare GPU waits for ever (production-stack #103).
    """
    if _surges(spec):
        surge = spec.replicas_min if not spec.gpus else spec.spare_gpus // spec.gpus
        limits = {"maxSurge": min(surge, spec.replicas_min), "maxUnavailable": 0}
    else:
        limits = {"maxSurge": 0, "maxUnavailable": 1}
    return {"type": "RollingUpdate", "rollingUpdate": limits}


def single_writer(spec: EndpointSpec) -> bool:
    """Whether the cache is a volume that one node holds, so that a successor must wait for it."""
    return spec.cache_persistent and spec.replicas_max == 1


def _surges(spec: EndpointSpec) -> bool:
    return not single_writer(spec) and spec.spare_gpus >= spec.gpus


def _waves(spec: EndpointSpec) -> int:
    """How many times a rollout waits for a start: all at once with surge, else one by one."""
    return 1 if _surges(spec) else spec.replicas_min
