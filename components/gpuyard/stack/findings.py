"""Everything that can be said against a stack plan before a resource exists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gpuyard.compat.check import check
from gpuyard.compat.combination import Combination
from gpuyard.errors import Finding, Severity, SpecError
from gpuyard.kubernetes.kubeconfig import check_context
from gpuyard.parsing import parse_spec
from gpuyard.serving.checks import check_endpoint
from gpuyard.serving.spec import EndpointSpec
from gpuyard.stack.demand_load import load_findings
from gpuyard.stack.plan import ClusterPlan, EndpointPlan, PoolPlan, StackPlan, room_for
from gpuyard.stack.purchase_check import check_purchases
from gpuyard.stack.quota_check import check_quotas
from gpuyard.stack.spec import CPU, Accepted
from gpuyard.stack.wiring import endpoint_args, scales


def check_stack(plan: StackPlan) -> list[Finding]:
    """Findings of the whole stack, errors first, accepted ones as notes with their reason."""
    findings: list[Finding] = [*plan.lock_warnings]
    for index, placed in enumerate(plan.endpoints):
        path = f"endpoints[{index}]"
        findings += _endpoint(plan, placed, path)
        findings += _gated(path, placed)
        findings += _fixed(plan, placed, path)
    findings += load_findings(plan)
    for cluster in plan.clusters:
        findings += _context(cluster)
    findings += check_purchases(plan)
    findings += check_quotas(plan)
    findings += _shared(plan)
    for index, pool in enumerate(plan.pools):
        findings += _held(plan, pool, f"pools[{index}]")
        if pool.rung.rate.usd is None:
            findings.append(
                Finding(
                    severity=Severity.WARNING,
                    code="PRICE_UNKNOWN",
                    path=f"pools[{index}]",
                    value=pool.rung.machine_type,
                    message=f"{pool.rung.purchase} capacity in {pool.rung.region} has no known price",
                    fix="ask the vendor, or import a price table with `gpuyard catalog import`",
                )
            )
    order = list(Severity)
    accepted = [_accept(finding, plan.deployment.accept) for finding in findings]
    return sorted(accepted, key=lambda finding: (order.index(finding.severity), finding.path, finding.code))


def _endpoint(plan: StackPlan, placed: EndpointPlan, path: str) -> list[Finding]:
    """What its component would refuse or warn of, and whether what it renders can work where it is put."""
    try:
        spec = parse_spec(EndpointSpec, endpoint_args(plan, placed), path)
    except SpecError as error:
        return list(error.findings)
    return [*check_endpoint(spec, path), *_under(path, check(combination_of(plan, placed, spec)))]


def combination_of(plan: StackPlan, placed: EndpointPlan, spec: EndpointSpec) -> Combination:
    """The endpoint as it is rendered, with all that is known of the place it runs in, for `compat.check`."""
    endpoint, cluster = placed.endpoint, plan.cluster(placed.cluster)
    pod = spec.pod
    fields: dict[str, Any] = {
        "platform": cluster.platform,
        "runtime": endpoint.runtime,
        "runtime_version": spec.version,
        "install": "docker",
        "image": pod.image,
        "env": dict(pod.env),
        "model": endpoint.model,
        "quantization": endpoint.quantization or None,
        "kv_cache_dtype": endpoint.kv_cache_dtype or None,
        "max_model_len": placed.fit.context_tokens if placed.fit else endpoint.context_tokens,
    }
    if placed.accelerator != CPU:
        fields |= {"gpu": placed.accelerator, "gpu_count": placed.gpus_per_replica}
        if placed.fit is not None:
            fields |= {
                "tensor_parallel": placed.fit.tensor_parallel,
                "pipeline_parallel": placed.fit.pipeline_parallel,
                "gpu_memory_utilization": placed.fit.memory_share,
            }
    if placed.pool:
        rung = plan.pool(placed.pool).rung
        fields |= {"instance": rung.machine_type, "kubernetes": plan.deployment.cluster.kubernetes_version}
        fields |= _NODE_IMAGE[cluster.platform]
    return Combination(**{key: value for key, value in fields.items() if value is not None})


_NODE_IMAGE: Mapping[str, Mapping[str, str]] = {
    "eks": {"ami": "AL2023_x86_64_NVIDIA", "driver_managed_by": "image"},
    "gke": {"os": "COS", "driver_managed_by": "cloud"},
}
"""What the node pools of `aws` and `gcp` run."""


def _under(path: str, findings: Sequence[Finding]) -> list[Finding]:
    return [replace(item, path=f"{path}.{item.path}" if item.path else path) for item in findings]


def _gated(path: str, placed: EndpointPlan) -> Iterator[Finding]:
    endpoint, model = placed.endpoint, placed.model
    if model is None or not model.gated or endpoint.weights_source != "hugging_face":
        return
    if not endpoint.hugging_face_secret:
        yield Finding.error(
            "MODEL_GATED",
            f"{path}.hugging_face_secret",
            f"{endpoint.model} is gated: its weights need a token whose owner accepted the licence",
            "create a Secret with the key `token` in the endpoint's namespace and name it here",
            source=model.source,
            as_of=model.as_of,
        )


def _fixed(plan: StackPlan, placed: EndpointPlan, path: str) -> Iterator[Finding]:
    if placed.endpoint.replicas_peak > placed.endpoint.replicas_min and not scales(plan, placed):
        yield Finding(
            severity=Severity.WARNING,
            code="SCALING_WITHOUT_METRICS",
            path=f"{path}.replicas_max",
            value=placed.endpoint.replicas_max,
            message=f"stays at {placed.endpoint.replicas_min}: replicas move by what Prometheus measures, "
            "and monitoring is off",
            fix="set monitoring.enabled, or leave replicas_max out",
        )


def _shared(plan: StackPlan) -> Iterator[Finding]:
    """Whether several pools fit together into a reservation that each of them fits into alone."""
    for held in plan.deployment.capacity.reservations:
        inside = [pool for pool in plan.pools if pool.rung.reservation == held.id]
        needed = sum(pool.rung.nodes_min for pool in inside)
        if len(inside) > 1 and needed > held.machines:
            yield Finding(
                severity=Severity.WARNING,
                code="CAPACITY_SHARED",
                path="capacity.reservations",
                value=held.id,
                message=f"machines in {held.id}: {held.machines}; needed by the minimum of "
                f"{' and '.join(pool.endpoint for pool in inside)} together: {needed}; some never start",
                fix="hold more machines, or make another rung of one of them active in the lock",
            )


def _held(plan: StackPlan, pool: PoolPlan, path: str) -> Iterator[Finding]:
    """Whether the capacity that a pool starts in is large enough, and there for long enough."""
    rung, end = pool.rung, plan.deployment.capacity.end
    endpoint = next(item.endpoint for item in plan.endpoints if item.pool == pool.name)
    room, peak = room_for(rung), plan.deployment.replicas_peak(endpoint)
    if room < peak:
        yield Finding(
            severity=Severity.WARNING,
            code="CAPACITY_BELOW_PEAK",
            path=f"{path}.nodes_max",
            value=rung.nodes_max,
            message=f"{rung.label} has room for {room} replicas, and {endpoint.name} may have "
            f"{peak}: those above stay pending",
            fix=f"lower replicas_max to {room}, hold more machines, or make another rung active",
        )
    if rung.ends and (end is None or rung.ends[:10] < end.isoformat()):
        yield Finding(
            severity=Severity.WARNING,
            code="CAPACITY_ENDS_EARLY",
            path=f"{path}.ends",
            value=rung.ends,
            message=f"{rung.label} ends at {rung.ends}, and the service is needed "
            + (f"until {end}" if end else "without end"),
            fix="state capacity.end, or make a rung active that lasts before then",
        )


def _context(cluster: ClusterPlan) -> list[Finding]:
    if not cluster.context:
        return []
    return _under("places[0]", check_context(cluster.context, cluster.kubeconfig))


def _accept(finding: Finding, accepted: Sequence[Accepted]) -> Finding:
    for item in accepted:
        if item.code == finding.code and item.path in ("", finding.path):
            return replace(
                finding,
                severity=Severity.NOTE,
                message=f"{finding.message} (accepted: {item.reason})",
                fix="",
            )
    return finding
