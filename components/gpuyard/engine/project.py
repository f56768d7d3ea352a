"""`Pulumi.yaml` and `Pulumi.<stack>.yaml`, read without Pulumi."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gpuyard.errors import Finding, Severity, SpecError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A Pulumi project on disk."""

    root: Path
    name: str
    main: Path
    """Folder of the program."""
    stack_config: Path
    """Folder of the stacks' config files."""
    declared: Mapping[str, Any]
    """Config keys that Pulumi.yaml declares, with their defaults."""

    def stacks(self) -> tuple[str, ...]:
        """Names of the stacks that have a config file, sorted."""
        files = self.stack_config.glob("Pulumi.*.yaml")
        return tuple(sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files))


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """The config of one stack in Pulumi's wire form."""

    values: Mapping[str, str]
    """``namespace:key`` to text; objects as JSON."""
    secret_keys: tuple[str, ...]
    plain: Mapping[str, Any]
    """The same as data, without secrets."""


def find_project(start: Path) -> Project:
    """The project that ``start`` lies in: the nearest Pulumi.yaml upwards.

    Raises:
        SpecError: none, or one that cannot be read.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / "Pulumi.yaml").is_file():
            return load_project(candidate)
    raise SpecError(
        [
            _problem(
                "NO_PROJECT",
                "Pulumi.yaml",
                None,
                "was found neither here nor in any folder above",
                "run in the project, or name it with --directory",
            )
        ]
    )


def load_project(root: Path) -> Project:
    """The project at ``root``.

    Raises:
        SpecError: Pulumi.yaml is unreadable, malformed or lacks a name.
    """
    data = read_mapping(root / "Pulumi.yaml", root)
    name = data.get("name")
    if not isinstance(name, str) or not name:
        raise SpecError(
            [_problem("INVALID", "Pulumi.yaml: name", name, "must be the project's name", "set it")]
        )
    declared = data.get("config") or {}
    return Project(
        root=root,
        name=name,
        main=root / str(data.get("main") or "."),
        stack_config=root / str(data.get("stackConfigDir") or "."),
        declared=declared if isinstance(declared, Mapping) else {},
    )


def load_stack(project: Project, stack: str) -> StackConfig:
    """The config of ``stack``; Pulumi.yaml's defaults filled in, encrypted values unknown.

    Raises:
        SpecError: no such stack, or a file that is malformed.
    """
    file = project.stack_config / f"Pulumi.{stack}.yaml"
    if "/" in stack or not file.is_file():
        known = project.stacks()
        fix = did_you_mean(stack, known) + (
            "  stacks: " + ", ".join(known) if known else "there are none yet"
        )
        problem = _problem("UNKNOWN_STACK", "stack", stack, f'there is no stack "{stack}"', fix.strip())
        raise SpecError([problem])
    config = read_mapping(file, project.root).get("config") or {}
    if not isinstance(config, Mapping):
        problem = _problem("INVALID", f"{file.name}: config", None, "must be a mapping", "see Pulumi's docs")
        raise SpecError([problem])
    values: dict[str, str] = {}
    secrets: list[str] = []
    plain: dict[str, Any] = {}
    for key, declared in project.declared.items():
        if isinstance(declared, Mapping) and "default" in declared:
            plain[_qualified(project, key)] = declared["default"]
    for key, value in config.items():
        name = _qualified(project, str(key))
        if isinstance(value, Mapping) and set(value) == {"secure"}:
            secrets.append(name)
            values[name] = ""
            plain.pop(name, None)
        else:
            plain[name] = value
    for name, value in plain.items():
        values[name] = value if isinstance(value, str) else json.dumps(value)
    return StackConfig(values=values, secret_keys=tuple(secrets), plain=plain)


def read_mapping(file: Path, root: Path) -> Mapping[str, Any]:
    """A YAML file that must hold a mapping; empty counts as one.

    Raises:
        SpecError: with file, line and column.
    """
    name = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problem = _problem("UNREADABLE", name, None, f"cannot be read: {error.__class__.__name__}", "")
        raise SpecError([problem]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        reason = getattr(error, "problem", None) or "it cannot be parsed"
        raise SpecError(
            [_problem("NOT_YAML", place, None, f"is not YAML: {reason}", "mend the line")]
        ) from None
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        problem = _problem("INVALID", name, None, f"must hold a mapping, not {type(data).__name__}", "")
        raise SpecError([problem])
    return data


def _qualified(project: Project, key: str) -> str:
    return key if ":" in key else f"{project.name}:{key}"


def _problem(code: str, path: str, value: Any, message: str, fix: str) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, path=path, value=value, message=message, fix=fix)
