"""A stack as `up` and `drill` need it: its project, deployment, lock and ladders, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gpuyard.capacity.lock import Lock, lock_file_name
from gpuyard.capacity.lock_file import read_lock
from gpuyard.engine.project import Project, find_project, load_stack
from gpuyard.errors import Finding, SpecError, has_errors
from gpuyard.failover.candidate import Candidate, candidates_of
from gpuyard.failover.memory_file import memory_file_name
from gpuyard.stack.demands import make_demands
from gpuyard.stack.lock_check import check_lock
from gpuyard.stack.spec import Deployment, parse_deployment

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStack:
    """One stack, its lock answering what its deployment asks."""

    project: Project
    stack: str
    deployment: Deployment
    folder: Path
    """Where lock and failure memory lie."""
    lock: Lock | None
    """None: it runs on an existing cluster, so there is nothing to choose."""
    warnings: tuple[Finding, ...] = ()
    """What the lock has that does no harm: endpoints that the stack no longer has."""

    @property
    def lock_path(self) -> Path:
        """The lock file."""
        return self.folder / lock_file_name(self.stack)

    @property
    def memory_path(self) -> Path:
        """The failure memory."""
        return self.folder / memory_file_name(self.stack)

    def ladders(self, now: float) -> Mapping[str, tuple[Candidate, ...]]:
        """Rungs by endpoint, as they stand at ``now``; of endpoints that the stack has."""
        return self._asked(candidates_of(self.lock, now)) if self.lock else {}

    @property
    def active(self) -> Mapping[str, int]:
        """The rung in use, by endpoint."""
        return self._active(self.lock) if self.lock else {}

    def read_active(self) -> Mapping[str, int]:
        """The rung in use by endpoint, as the file has it now."""
        return self._active(read_lock(self.lock_path))

    def _active(self, lock: Lock) -> Mapping[str, int]:
        return self._asked({name: item.active for name, item in lock.endpoints.items()})

    def _asked(self, by_endpoint: Mapping[str, T]) -> dict[str, T]:
        asked = {endpoint.name for endpoint in self.deployment.endpoints}
        return {name: item for name, item in by_endpoint.items() if name in asked}


def open_stack(directory: Path, stack: str) -> OpenedStack:
    """``stack`` (empty: the only one) of the project that ``directory`` lies in.

    Raises:
        SpecError: no such stack, a deployment or lock that is malformed, missing, stale or foreign.
    """
    project = find_project(directory)
    stack = stack or _only_stack(project)
    deployment = parse_deployment(load_stack(project, stack).plain.get("gpuyard:deployment"))
    folder = project.main if project.main.is_dir() else project.main.parent
    if deployment.existing_cluster:
        return OpenedStack(project=project, stack=stack, deployment=deployment, folder=folder, lock=None)
    path = folder / lock_file_name(stack)
    lock = read_lock(path) if path.exists() else None
    problems = check_lock(stack, make_demands(deployment, folder), lock)
    if has_errors(problems):
        raise SpecError(problems)
    return OpenedStack(
        project=project,
        stack=stack,
        deployment=deployment,
        folder=folder,
        lock=lock,
        warnings=tuple(problems),
    )


def _only_stack(project: Project) -> str:
    stacks = project.stacks()
    if len(stacks) == 1:
        return stacks[0]
    message = "there are several stacks" if stacks else "there are no stacks yet"
    fix = "name one with -s: " + ", ".join(stacks) if stacks else f"write {project.stack_file('dev').name}"
    finding = Finding.error("UNKNOWN_STACK", "stack", message, fix)
    raise SpecError([finding])
