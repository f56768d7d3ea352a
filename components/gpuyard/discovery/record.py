"""Laying a survey over the evidence file, which is never left half-written or poorer."""

from pathlib import Path

from gpuyard.catalog.evidence import Evidence, merge
from gpuyard.catalog.evidence_file import read_evidence, render_evidence
from gpuyard.files import write_atomically


def record(found: Evidence, path: Path) -> Evidence:
    """Merge ``found`` into the file at ``path`` and return what it holds then.

    A survey that found nothing and met no gap leaves the file as it is.

    Raises:
        SpecError: the file is there but broken or newer (it stays as it is), or cannot be written.
    """
    held = read_evidence(path)
    if found == Evidence():
        return held
    merged = merge(held, found)
    write_atomically(path, render_evidence(merged))
    return merged
