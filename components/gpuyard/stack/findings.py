"""Everything that can be said against a stack plan before a resource exists."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpuyard.errors import Finding, Severity, SpecError, has_errors
from gpuyard.kubernetes.kubeconfig import check_context
from gpuyard.parsing import parse_spec
from gpuyard.planning.fit_flags import checkpoint_notes
from gpuyard.serving.checks import check_endpoint
from gpuyard.serving.spec import EndpointSpec
from gpuyard.stack.compatibility import compatibility_findings, own_fields, own_ranks
from gpuyard.stack.demand_load import load_findings
from gpuyard.stack.demands import too_large
from gpuyard.stack.plan import ClusterPlan, EndpointPlan, PoolPlan, StackPlan, room_for
from gpuyard.stack.purchase_check import check_purchases
from gpuyard.stack.quota_check import check_quotas
from gpuyard.stack.spec import Accepted
from gpuyard.stack.wiring import endpoint_args, scales


def check_stack(plan: StackPlan) -> list[Finding]:
    """Findings of the whole stack, errors first, accepted ones as notes with their reason."""
    findings: list[Finding] = [*plan.lock_warnings]
    for index, placed in enumerate(plan.endpoints):
        path = f"endpoints[{index}]"
        findings += _endpoint(plan, placed, path)
        findings += _gated(path, placed)
        findings += _ranks(path, placed)
        findings += _fixed(plan, placed, path)
        findings += _assumed(placed, path)
        findings += _checkpoint(placed, path)
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
    own = check_endpoint(spec, path)
    said = {item.path for item in own if item.code.startswith("RUNTIME_")}
    found = [
        item
        for item in compatibility_findings(plan, placed, spec, path)
        if not (item.code.startswith("RUNTIME_") and item.path in said)
    ]
    if any(item.code == "MEMORY_WEIGHTS" and item.severity is Severity.ERROR for item in found):
        found = [item for item in found if item.code != "MEMORY_KV"]  # what weights leave is nothing
    unfit = _unfit(placed, path, is_refused=has_errors(found))
    if unfit:  # it says the same, and what would hold the model
        order = list(Severity)
        worst = order.index(unfit[0].severity)
        found = [
            item
            for item in found
            if not item.code.startswith("MEMORY_") or order.index(item.severity) < worst
        ]
    return [*own, *unfit, *found]


def _unfit(placed: EndpointPlan, path: str, *, is_refused: bool) -> list[Finding]:
    """What the GPUs do not hold: an error where not one request fits, unless own flags say otherwise."""
    fitted = placed.fit
    if fitted is None or fitted.fits or (is_refused and fitted.max_concurrency >= fitted.concurrency):
        return []
    found = too_large(placed.endpoint, [fitted])
    starts = 0 < fitted.max_concurrency < fitted.concurrency or placed.endpoint.args
    return [
        replace(
            found,
            severity=Severity.WARNING if starts else Severity.ERROR,
            path=f"{path}.{found.path.rpartition('.')[2]}",
        )
    ]


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


def _ranks(path: str, placed: EndpointPlan) -> Iterator[Finding]:
    """Own flags that split the model over more GPUs than its container gets."""
    ranks, given = own_ranks(placed), placed.gpus_per_replica
    if given and ranks > given:
        yield Finding.error(
            "GPUS_BELOW_SPLIT",
            f"{path}.args",
            f"split the model over {ranks} GPUs, and a replica gets {given}",
            f"set gpus_per_replica to {ranks}, or leave the split to the plan",
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


def _assumed(placed: EndpointPlan, path: str) -> Iterator[Finding]:
    """A context that nobody asked for, where the model was made for more."""
    model, fitted = placed.model, placed.fit
    if fitted is None or not fitted.fits or model is None or "max_model_len" in own_fields(placed):
        return
    if placed.endpoint.context_tokens is None and fitted.context_tokens < model.context:
        yield Finding(
            severity=Severity.NOTE,
            code="CONTEXT_ASSUMED",
            path=f"{path}.context_tokens",
            value=fitted.context_tokens,
            message=f"is not set, so requests of {fitted.context_tokens:,} tokens are planned; "
            f"{placed.endpoint.model} was made for {model.context:,}, and {fitted.max_context:,} fit here",
            fix="set it to the longest request that you serve",
        )


def _checkpoint(placed: EndpointPlan, path: str) -> Iterator[Finding]:
    """Weights that no flag makes what is asked: another checkpoint, or files that want another image."""
    endpoint = placed.endpoint
    if placed.fit is None or placed.model is None:
        return
    asked = endpoint.quantization or None
    for note in checkpoint_notes(placed.model, endpoint.runtime, endpoint.runtime_version or None, asked):
        yield Finding(
            severity=Severity.WARNING,
            code="CHECKPOINT_NEEDED",
            path=f"{path}.{'quantization' if asked else 'model'}",
            value=asked or endpoint.model,
            message=note,
            fix="name such a checkpoint in `model`, and an `image` that reads it",
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
    found = check_context(cluster.context, cluster.kubeconfig)
    return [replace(item, path=f"places[0].{item.path}" if item.path else "places[0]") for item in found]


def _accept(finding: Finding, accepted: Sequence[Accepted]) -> Finding:
    for item in accepted:
        if item.code == finding.code and item.path in ("", finding.path, *finding.path.split(", ")):
            return replace(
                finding,
                severity=Severity.NOTE,
                message=f"{finding.message} (accepted: {item.reason})",
                fix="",
            )
    return finding
