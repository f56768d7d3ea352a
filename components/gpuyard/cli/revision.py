"""A stack as it was at a git revision: planned in a temporary worktree that is always removed."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpuyard.errors import EngineError, Finding, FindingsError, SpecError
from gpuyard.report.sources import Source

_TIMEOUT_SECONDS = 120


def plan_revision(directory: Path, stack: str, revision: str) -> Source:
    """``stack`` of the project around ``directory``, planned from the files of ``revision``.

    A stack that did not exist then is planned as nothing.

    Raises:
        SpecError: no repository, no such revision, or files that cannot become a plan.
        EngineError: git failed.
    """
    from gpuyard.engine.project import find_project

    project = find_project(directory)
    top = Path(_git(project.root, "rev-parse", "--show-toplevel"))
    commit = _resolve(project.root, revision)
    inside = project.root.resolve().relative_to(top.resolve())
    with _worktree(top, commit) as folder:
        return plan_folder(folder / inside, stack, revision)


def plan_folder(directory: Path, stack: str, name: str) -> Source:
    """``stack`` of the project in ``directory``, as the files are; ``name`` is what the user called it.

    Raises:
        SpecError: the files cannot become a plan.
        FindingsError: errors among the findings stopped it.
    """
    from gpuyard.engine.project import find_project
    from gpuyard.planner import choose_stack, plan_program

    project = find_project(directory)
    if stack and not project.stack_file(stack).exists() and project.stacks():
        return _nothing(stack, name)
    planned = plan_program(directory, choose_stack(project, stack))
    if planned.report is None or planned.recording is None:
        raise FindingsError([_at(name, finding) for finding in planned.findings])
    return Source(name=name, kind="revision", report=planned.report, resources=planned.recording.resources)


def _nothing(stack: str, name: str) -> Source:
    from gpuyard.costs.pricing import price_resources
    from gpuyard.report.model import build_report

    return Source(
        name=f"{name} (no such stack)",
        kind="revision",
        report=build_report(stack=stack, costs=price_resources([])),
    )


def _at(name: str, finding: Finding) -> Finding:
    from dataclasses import replace

    return replace(finding, path=f"{name}: {finding.path}" if finding.path else name)


def _resolve(root: Path, revision: str) -> str:
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except EngineError:
        raise SpecError(
            [
                Finding.error(
                    "NO_SUCH_REVISION",
                    revision,
                    "is neither a file nor a git revision of this repository",
                    "check the spelling; in CI, fetch that branch first: `git fetch origin main`",
                )
            ]
        ) from None


@contextmanager
def _worktree(top: Path, commit: str) -> Iterator[Path]:
    """A checkout of ``commit`` outside the repository, without its hooks; gone afterwards, come what may."""
    with tempfile.TemporaryDirectory(prefix="gpuyard-diff-") as parent:
        folder = Path(parent) / "tree"
        _git(
            top,
            "-c",
            "core.hooksPath=/dev/null",
            "worktree",
            "add",
            "--detach",
            "--quiet",
            str(folder),
            commit,
        )
        try:
            yield folder.resolve()
        finally:
            subprocess.run(  # noqa: S603
                ["git", "-C", str(top), "worktree", "remove", "--force", str(folder)],  # noqa: S607
                check=False,
                capture_output=True,
                timeout=_TIMEOUT_SECONDS,
            )


def _git(where: Path, *arguments: str) -> str:
    """What git printed.

    Raises:
        EngineError: git is not there, or refused.
    """
    command = ["git", "-C", str(where), *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
        )
    except FileNotFoundError:
        raise EngineError(
            "git is not installed; compare two files instead, made with `--format json`"
        ) from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"git took longer than {_TIMEOUT_SECONDS} s: {' '.join(command)}") from None
    if done.returncode:
        raise EngineError(f"git: {done.stderr.strip() or 'failed'}")
    return done.stdout.strip()
