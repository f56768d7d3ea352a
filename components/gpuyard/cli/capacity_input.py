"""What `gpuyard lock` and `gpuyard capacity` read: the stack's deployment, and the evidence file."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpuyard.catalog.evidence import Evidence
    from gpuyard.stack.spec import Deployment


def load_deployment(directory: Path, stack: str) -> "tuple[str, Deployment, Path]":
    """The stack's name, its deployment, and the folder of its lock: that of the program.

    Raises:
        SpecError: no such project or stack, or a deployment that cannot be read.
    """
    from gpuyard.engine.project import find_project, load_stack
    from gpuyard.planner import choose_stack, program_folder
    from gpuyard.stack.spec import parse_deployment

    project = find_project(directory)
    name = choose_stack(project, stack)
    config = load_stack(project, name)
    return name, parse_deployment(config.plain.get("gpuyard:deployment")), program_folder(project)


def load_evidence(file: Path | None, folder: Path) -> "Evidence":
    """The evidence in ``file``, or in the one beside the lock; empty where there is none.

    Raises:
        SpecError: a file that was named is missing, or one that is there is broken.
    """
    from gpuyard.catalog.evidence_file import EVIDENCE_FILE, read_evidence
    from gpuyard.errors import Finding, SpecError

    if file is not None and not file.is_file():
        raise SpecError(
            [
                Finding.error(
                    "NO_EVIDENCE",
                    str(file),
                    "is not there",
                    "write one with `gpuyard capacity --live`, or leave --evidence out",
                )
            ]
        )
    return read_evidence(file or folder / EVIDENCE_FILE)
