"""``gpuyard capacity --manifests``: a stack's ladder for the autoscaler inside its clusters."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click


def render_manifests(directory: Path, stack: str, role: str) -> str:
    """YAML of every pool's ladder in its own cluster: Karpenter on EKS, a ComputeClass on GKE.

    Raises:
        SpecError: the stack or its lock cannot be read.
        click.UsageError: there is nothing that an autoscaler could do.
    """
    import yaml

    from gpuyard.capacity.lock import lock_file_name
    from gpuyard.capacity.lock_file import read_lock
    from gpuyard.cli.capacity_input import load_deployment
    from gpuyard.stack.plan import plan_stack

    name, deployment, folder = load_deployment(directory, stack)
    path = folder / lock_file_name(name)
    plan = plan_stack(name, deployment, read_lock(path) if path.exists() else None, folder)
    documents = list(_documents(plan, role))
    if not documents:
        raise click.UsageError(f"{name} has no rung that Karpenter or a ComputeClass could use")
    return yaml.safe_dump_all(documents, sort_keys=False, width=110)


def _documents(plan: Any, role: str) -> Iterator[dict[str, Any]]:
    from gpuyard.capacity.compute_class import render_compute_class
    from gpuyard.capacity.karpenter import render_karpenter
    from gpuyard.kubernetes.labels import node_labels

    for pool in plan.pools:
        cluster = plan.cluster(pool.cluster)
        rungs = [
            rung
            for rung in plan.ladders[pool.endpoint]
            if (rung.cloud, rung.region) == (cluster.cloud, cluster.region)
        ]
        yield from render_compute_class(pool.endpoint, rungs)
        yield from render_karpenter(
            pool.endpoint,
            rungs,
            cluster=cluster.name,
            role=role or f"KarpenterNodeRole-{cluster.name}",
            labels=node_labels(pool.name, pool.rung.accelerator, {}),
        )
