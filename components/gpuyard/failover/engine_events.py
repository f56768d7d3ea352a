"""What the engine's events tell of a try: progress, errors, machines that are begun, and times."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pulumi.automation.events import EngineEvent, OpType

from gpuyard.failover.watching import Machines

MACHINE_KEYS = {
    "aws:eks/nodeGroup:NodeGroup": ("aws", "nodeGroupName", "clusterName"),
    "gcp:container/nodePool:NodePool": ("gcp", "name", "cluster"),
}
"""Cloud, and the inputs that name machines and cluster there, by type."""
_SLOW_TYPES = (
    "aws:eks/",
    "aws:ec2/vpc:",
    "aws:ec2/natGateway:",
    "aws:ec2/capacity",
    "gcp:container/",
    "gcp:compute/network:",
    "gcp:compute/reservation:",
    "kubernetes:helm.sh/",
    "kubernetes:apps/",
)


class Seen:
    """What the engine's events tell: progress for people, errors for the classifier, times for reports."""

    def __init__(self, report: Callable[[str], None], events: list[dict[str, Any]]) -> None:
        self._report, self._events = report, events
        self.errors: list[tuple[str, str]] = []
        self.done: set[str] = set()
        """Names of resources that are as they should be."""
        self.begun: Callable[[Machines], None] = lambda _: None
        """Told each node group or pool whose making begins."""

    def note(self, event: EngineEvent) -> None:
        """Take one event of the engine in."""
        stamp = datetime.now(UTC).timestamp()
        before, after, failed = event.resource_pre_event, event.res_outputs_event, event.res_op_failed_event
        if before is not None:
            self._step(stamp, "resourcePreEvent", before.metadata, "")
            if before.metadata.type in MACHINE_KEYS and before.metadata.op != OpType.SAME:
                self.begun(_machines(before.metadata))
        elif after is not None:
            self.done.add(after.metadata.urn.rpartition("::")[2])
            self._step(stamp, "resOutputsEvent", after.metadata, "done")
        elif failed is not None:
            self._step(stamp, "resOpFailedEvent", failed.metadata, "failed")
        elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            text = event.diagnostic_event.message.strip()
            self.errors.append((event.diagnostic_event.urn or "", text))

    def _step(self, stamp: float, key: str, metadata: Any, how: str) -> None:
        op = metadata.op.value if isinstance(metadata.op, OpType) else str(metadata.op)
        self._events.append(
            {"timestamp": stamp, key: {"metadata": {"op": op, "urn": metadata.urn, "type": metadata.type}}}
        )
        if op != "same" and _is_worth_a_line(metadata.type):
            name = metadata.urn.rpartition("::")[2]
            self._report(f"  {op} {metadata.type} {name}" + (f": {how}" if how else ""))


def _machines(metadata: Any) -> Machines:
    """What the engine tells of a node group or pool before it is made; its names are settled by then."""
    cloud, name, cluster = MACHINE_KEYS[metadata.type]
    inputs = metadata.new.inputs if metadata.new else {}
    return Machines(
        urn=metadata.urn,
        cloud=cloud,
        name=str(inputs.get(name, "")),
        cluster=str(inputs.get(cluster, "")).rpartition("/")[2],
        location=str(inputs.get("location", "")),
        project=str(inputs.get("project", "")),
    )


def _is_worth_a_line(type_: str) -> bool:
    """Resources that take time or money; the others would drown them."""
    return type_.startswith(_SLOW_TYPES)
