"""Quota of the active rungs: what has not been read, and what the peak would exceed."""

from collections.abc import Iterator

from gpuyard.capacity.lock import LockedQuota, LockedRung
from gpuyard.capacity.quota import NO_LIMIT, QuotaAsk
from gpuyard.errors import Finding, Severity
from gpuyard.stack.plan import StackPlan


def check_quotas(plan: StackPlan) -> Iterator[Finding]:
    """A warning where the peak exceeds a known limit, a note where a limit has not been read."""
    for index, pool in enumerate(plan.pools):
        project = plan.cluster(pool.cluster).project
        for quota in pool.rung.quotas:
            ask = quota_ask(pool.rung, quota)
            path, fix = f"pools[{index}].quota", ask.command(project)
            needs = f"{quota.code} in {quota.region} needs {quota.needed_peak:g} {quota.unit} at peak"
            if quota.limit is None:
                yield Finding(
                    severity=Severity.NOTE,
                    code="QUOTA_UNKNOWN",
                    path=path,
                    value=quota.code,
                    message=f"{needs}; the limit has not been read",
                    fix=f"read it with `gpuyard capacity --live`, or ask for it: {fix}",
                )
            elif quota.limit != NO_LIMIT and quota.needed_peak > quota.limit - (quota.used or 0):
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
