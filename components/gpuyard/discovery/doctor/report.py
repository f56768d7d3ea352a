"""What a machine is fit for, from its findings, as text and JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from gpuyard.discovery.doctor.check import Finding, Purpose, Status

SCHEMA = "gpuyard.doctor/v1"
_MARKS = {Status.OK: "ok", Status.WARNING: "warn", Status.FAILED: "FAIL", Status.UNKNOWN: "?"}


def blockers(findings: Sequence[Finding], purpose: Purpose, *, every_cloud: bool) -> list[Finding]:
    """Failed checks that the purpose needs.

    Without ``every_cloud``, one cloud that works is enough: the others' failures do not count.
    """
    needed = [
        finding
        for finding in findings
        if purpose in finding.check.purposes and finding.verdict.status is Status.FAILED
    ]
    clouds = {finding.check.cloud for finding in findings if finding.check.cloud}
    broken = {finding.check.cloud for finding in needed if finding.check.cloud}
    if not every_cloud and clouds - broken:
        return [finding for finding in needed if not finding.check.cloud]
    return needed


def document(findings: Sequence[Finding], asked: Sequence[Purpose], *, every_cloud: bool) -> dict[str, Any]:
    """The findings as JSON-ready data (docs/reference/doctor.md)."""
    blocking = {purpose: blockers(findings, purpose, every_cloud=every_cloud) for purpose in Purpose}
    return {
        "schema": SCHEMA,
        "for": [str(purpose) for purpose in asked],
        "ok": not any(blocking[purpose] for purpose in asked),
        "ready": {
            str(purpose): {"ok": not found, "blockers": [finding.check.id for finding in found]}
            for purpose, found in blocking.items()
        },
        "checks": [
            {
                "id": finding.check.id,
                "cloud": finding.check.cloud,
                "status": str(finding.verdict.status),
                "message": finding.verdict.message,
                "fix": finding.verdict.fix,
                "needed_for": sorted(finding.check.purposes),
                "seconds": finding.seconds,
            }
            for finding in findings
        ],
    }


def render(findings: Sequence[Finding], asked: Sequence[Purpose], *, every_cloud: bool) -> Iterator[str]:
    """The findings as lines for people."""
    width = max((len(finding.check.id) for finding in findings), default=0)
    for finding in findings:
        verdict = finding.verdict
        yield f"{_MARKS[verdict.status]:<5}{finding.check.id:<{width}}  {verdict.message}"
        if verdict.fix and verdict.status in (Status.FAILED, Status.WARNING):
            yield f"{'':<{width + 7}}fix: {verdict.fix}"
    yield ""
    for purpose in Purpose:
        found = blockers(findings, purpose, every_cloud=every_cloud)
        words = "ready" if not found else "not ready: " + ", ".join(finding.check.id for finding in found)
        yield f"{'*' if purpose in asked else ' '} {purpose:<9} {words}"
