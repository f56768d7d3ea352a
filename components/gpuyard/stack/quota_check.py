"""Quota of the active rungs: what has not been read, and what the peak would exceed."""

from collections.abc import Iterator, Sequence

from gpuyard.capacity.lock import LockedQuota, LockedRung
from gpuyard.capacity.quota import NO_LIMIT, QuotaAsk
from gpuyard.errors import Finding, Severity
from gpuyard.records import record
from gpuyard.stack.plan import PoolPlan, StackPlan


def check_quotas(plan: StackPlan) -> Iterator[Finding]:
    """A warning where the peak exceeds a known limit, a note where a limit has not been read.

    Pools that draw on one limit are counted together.
    """
    shares: dict[tuple[str, ...], list[_Share]] = {}
    for index, pool in enumerate(plan.pools):
        project = plan.cluster(pool.cluster).project
        for quota in pool.rung.quotas:
            limit = (pool.rung.cloud, project, quota.region, quota.code, quota.gpu_family)
            shares.setdefault(limit, []).append(_Share(index=index, pool=pool, quota=quota))
    for found in shares.values():
        yield from _limit(found, plan.cluster(found[0].pool.cluster).project)


@record
class _Share:
    """What one pool draws on a limit."""

    index: int
    pool: PoolPlan
    quota: LockedQuota


def _limit(shares: Sequence[_Share], project: str) -> Iterator[Finding]:
    peak = sum(share.quota.needed_peak for share in shares)
    quota = shares[0].quota.model_copy(update={"needed_peak": peak})
    path = ", ".join(f"pools[{share.index}].quota" for share in shares)
    fix = quota_ask(shares[0].pool.rung, quota).command(project)
    who = " and ".join(share.pool.endpoint for share in shares)
    needs = f"{quota.code} in {quota.region} needs {peak:g} {quota.unit} at peak"
    needs += f", of {who} together" if len(shares) > 1 else ""
    if quota.limit is None:
        yield Finding(
            severity=Severity.NOTE,
            code="QUOTA_UNKNOWN",
            path=path,
            value=quota.code,
            message=f"{needs}; the limit has not been read",
            fix=f"read it with `gpuyard capacity --live`, or ask for it: {fix}",
        )
    elif quota.limit != NO_LIMIT and peak > quota.limit - (quota.used or 0):
        left = f"{quota.limit - (quota.used or 0):g} of {quota.limit:g} are left"
        yield Finding(
            severity=Severity.WARNING,
            code="QUOTA_PEAK",
            path=path,
            value=quota.code,
            message=f"{needs}, {left}: replicas beyond that will not start",
            fix=fix,
            source="the lock",
            as_of=quota.as_of,
        )


def quota_ask(rung: LockedRung, quota: LockedQuota) -> QuotaAsk:
    """The request for what the rung needs of one limit, beside what is used."""
    return QuotaAsk(
        cloud=rung.cloud,
        region=quota.region,
        quota_id=quota.quota_id or quota.code,
        gpu_family=quota.gpu_family,
        value=quota.needed_peak + (quota.used or 0),
        reason=f"{quota.needed_peak:g} {quota.unit} at peak",
    )
