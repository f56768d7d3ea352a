"""Durations that you measured: `measured.<stack>.yaml`, written by `gpuyard up`, read by every report.

A measurement replaces what is published for its phase (`leadtime.merge`). The file only grows: each run adds
its lines, and the percentiles of a phase come from all of them. Format: `docs/reference/measured-file.md`.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, field_validator

from gpuyard.errors import Finding, SpecError, did_you_mean
from gpuyard.files import write_atomically
from gpuyard.leadtime.names import GATES, PHASES
from gpuyard.parsing import Spec, parse_spec

SCHEMA = "gpuyard.measured/v1"
SECONDS_MAX = 366 * 86400.0
"""Nothing that anyone waited for took longer than a year."""


class Measurement(Spec):
    """One duration that somebody saw."""

    phase: str
    """A phase (`leadtime.names.PHASES`), or a gate (`GATES`) for how long someone else took to decide."""
    seconds: float = Field(ge=0, le=SECONDS_MAX, allow_inf_nan=False)
    date: date
    """The day on which it was measured."""
    what: str = Field(max_length=500)
    """What was measured, in words: ``aws:eks/nodeGroup:NodeGroup chat, create``."""
    endpoint: str = ""
    """Only this endpoint's; empty: every endpoint's."""
    machine_type: str = ""
    """Only nodes of this type; empty: any."""
    region: str = ""
    """Only in this region; empty: any."""

    @field_validator("phase")
    @classmethod
    def _known(cls, value: str) -> str:
        known = (*PHASES, *GATES)
        if value not in known:
            hint = did_you_mean(value, known)
            raise ValueError(f'"{value}" is not a phase\n{hint}  phases: {", ".join(known)}'.strip())
        return value

    @field_validator("what")
    @classmethod
    def _one_line(cls, value: str) -> str:
        text = " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())
        if not text:
            raise ValueError("says nothing\nwrite in words what was measured")
        return text

    def applies_to(self, endpoint: str, machine_type: str, region: str) -> bool:
        """Whether it says something about that endpoint on that machine in that region."""
        return (
            self.endpoint in ("", endpoint)
            and self.machine_type in ("", machine_type)
            and self.region in ("", region)
        )


class MeasuredFile(Spec):
    """The whole file, its `schema` apart."""

    stack: str = ""
    measurements: tuple[Measurement, ...] = ()


def measured_file_name(stack: str) -> str:
    """Name of the stack's file, which lies beside `Pulumi.<stack>.yaml`."""
    return f"measured.{stack}.yaml"


def read_measured(path: Path) -> tuple[Measurement, ...]:
    """The measurements of a YAML or JSON file.

    Raises:
        SpecError: unreadable, not YAML, or with problems, every one of them.
    """
    return parse_measured(_load(path), str(path)).measurements


def load_measured(directory: Path, stack: str) -> tuple[Measurement, ...]:
    """The stack's measurements; none where there is no file.

    Raises:
        SpecError: the file is there but broken, or another stack's.
    """
    path = directory / measured_file_name(stack)
    if not path.exists():
        return ()
    found = parse_measured(_load(path), str(path))
    _refuse_other(found, stack, path)
    return found.measurements


def parse_measured(data: Any, path: str = "") -> MeasuredFile:
    """The file from plain data.

    Raises:
        SpecError: with every problem.
    """
    if not isinstance(data, dict):
        raise _refused(path, "MEASURED_SHAPE", "is not a mapping", f"begin with `schema: {SCHEMA}`")
    if data.get("schema") != SCHEMA:
        is_there = "schema" in data
        message = f'"{data["schema"]}" is not a format that this version reads' if is_there else "is required"
        where = f"{path}.schema" if path else "schema"
        raise _refused(where, "MEASURED_SCHEMA", message, f"give a file with `schema: {SCHEMA}`")
    return parse_spec(MeasuredFile, {key: value for key, value in data.items() if key != "schema"}, path)


def record_measurements(path: Path, stack: str, new: Iterable[Measurement]) -> int:
    """Add ``new`` to the stack's file, which is made where it is missing; how many it holds then.

    What it holds already is kept, in order; equal lines are not added twice. Written whole or not at all.

    Raises:
        SpecError: the file is broken, another stack's, or cannot be written. It is then as it was.
    """
    old: tuple[Measurement, ...] = ()
    if path.exists():
        found = parse_measured(_load(path), str(path))
        _refuse_other(found, stack, path)
        old = found.measurements
    kept = tuple(dict.fromkeys((*old, *new)))
    write_atomically(path, render_measured(stack, kept))
    return len(kept)


def render_measured(stack: str, measurements: Sequence[Measurement]) -> str:
    """The file's text: one line per measurement, so that a diff is a run."""
    head = [
        f"# How long things took in {stack}. `gpuyard up` adds lines; reports prefer them to published ones.",
        "# Delete a line that is not typical.",
        f"schema: {SCHEMA}",
        f"stack: {stack}",
        "measurements:" if measurements else "measurements: []",
    ]
    return "\n".join([*head, *(f"  - {_line(found)}" for found in measurements)]) + "\n"


def _line(found: Measurement) -> str:
    values = found.model_dump(mode="json")
    kept = {key: value for key, value in values.items() if value != ""}
    kept["seconds"] = round(found.seconds, 3)
    return json.dumps(kept, ensure_ascii=False)


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        raise _refused(str(path), "NOT_READABLE", reason, "check the path") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise _refused(str(path), "NOT_YAML", f"is not YAML{where}", "mend it") from None


def _refuse_other(found: MeasuredFile, stack: str, path: Path) -> None:
    if found.stack not in ("", stack):
        fix = f"give the file of {stack}, or remove its line `stack:`"
        raise _refused(str(path), "MEASURED_FOREIGN", f'was measured on stack "{found.stack}"', fix)


def _refused(path: str, code: str, message: str, fix: str) -> SpecError:
    return SpecError([Finding.error(code, path, message, fix)])
