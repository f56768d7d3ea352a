"""`Pulumi.yaml` and `Pulumi.<stack>.yaml`, read without Pulumi."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gpuyard.engine.stack_config import StackConfig, read_config
from gpuyard.engine.yaml_file import describe_kind, read_mapping
from gpuyard.errors import Finding, SpecError, did_you_mean
from gpuyard.records import record

_PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")
_PROJECT_KEYS = (
    "name",
    "runtime",
    "main",
    "description",
    "author",
    "website",
    "license",
    "config",
    "stackConfigDir",
    "template",
    "backend",
    "options",
    "plugins",
    "packages",
    "requiredPulumiVersion",
)
_STACK_KEYS = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")


@record
class Project:
    """A Pulumi project on disk."""

    root: Path
    name: str
    main: Path
    """Folder of the program, or its file."""
    stack_config: Path
    """Folder of the stacks' config files."""
    declared: Mapping[str, Any]
    """Config keys that Pulumi.yaml declares, with their types and defaults, as written there."""
    suffix: str = ".yaml"
    """Of Pulumi.yaml, and so of the stacks' files."""

    def stacks(self) -> tuple[str, ...]:
        """Names of the stacks that have a config file, sorted."""
        files = self.stack_config.glob(f"Pulumi.*{self.suffix}")
        return tuple(sorted(file.name.removeprefix("Pulumi.").removesuffix(self.suffix) for file in files))

    def stack_file(self, stack: str) -> Path:
        """The config file of ``stack``, there or not."""
        return self.stack_config / f"Pulumi.{stack}{self.suffix}"


def find_project(start: Path) -> Project:
    """The project that ``start`` lies in: the nearest Pulumi.yaml upwards, as `pulumi` finds it.

    Raises:
        SpecError: none, or one that cannot be read.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        if any((candidate / name).is_file() for name in _PROJECT_FILES):
            return load_project(candidate)
    raise SpecError(
        [
            Finding.error(
                "NO_PROJECT",
                "Pulumi.yaml",
                "was found neither here nor in any folder above",
                "run in the project, or name it with --directory",
            )
        ]
    )


def load_project(root: Path) -> Project:
    """The project at ``root``.

    Raises:
        SpecError: Pulumi.yaml is unreadable or malformed; every problem in it.
    """
    root = root.resolve()
    names = [name for name in _PROJECT_FILES if (root / name).is_file()]
    name = names[0] if names else _PROJECT_FILES[0]
    data = read_mapping(root / name, root)
    problems = [*_misspelt(name, data, _PROJECT_KEYS), *_check_project(name, data, root)]
    if problems:
        raise SpecError(problems)
    declared = data.get("config") or {}
    folder = declared if isinstance(declared, str) else data.get("stackConfigDir") or "."
    return Project(
        root=root,
        name=data["name"],
        main=root / (data.get("main") or "."),
        stack_config=root / folder,
        declared={} if isinstance(declared, str) else declared,
        suffix=Path(name).suffix,
    )


def load_stack(project: Project, stack: str) -> StackConfig:
    """The config of ``stack``; Pulumi.yaml's defaults filled in, encrypted values unknown.

    Raises:
        SpecError: no such stack, or a file that is malformed or lacks what Pulumi.yaml declares.
    """
    file = project.stack_file(stack)
    if not stack or "/" in stack or "\\" in stack or not file.is_file():
        raise SpecError([_unknown_stack(project, stack)])
    data = read_mapping(file, project.root)
    name = file.relative_to(project.root).as_posix()
    problems = list(_misspelt(name, data, _STACK_KEYS))
    config = {} if data.get("config") is None else data["config"]
    if not isinstance(config, Mapping):
        message = f"must be a mapping, not {describe_kind(config)}"
        problems.append(
            Finding.error("INVALID", f"{name}: config", message, "write one key per line below it")
        )
        config = {}
    read, more = read_config(project.name, project.declared, config, name)
    if problems or more:
        raise SpecError([*problems, *more])
    return read


def _check_project(file: str, data: Mapping[str, Any], root: Path) -> Iterator[Finding]:
    name, runtime = data.get("name"), data.get("runtime")
    if not isinstance(name, str) or not name:
        yield Finding.error("INVALID", f"{file}: name", "must be the project's name", "set it", value=name)
    language = runtime.get("name") if isinstance(runtime, Mapping) else runtime
    if language != "python":
        reason = "is required" if language is None else f'must be python, not "{language}"'
        yield Finding.error(
            "INVALID", f"{file}: runtime", reason, "set it to python: the program is run in-process"
        )
    for key in ("main", "stackConfigDir"):
        value = data.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            yield Finding.error(
                "INVALID", f"{file}: {key}", f"must be a path, not {describe_kind(value)}", "name it"
            )
        elif not (root / value).resolve().is_relative_to(root):
            yield Finding.error(
                "INVALID",
                f"{file}: {key}",
                "lies outside the project",
                "move it below Pulumi.yaml",
                value=value,
            )
        elif not (root / value).exists():
            yield Finding.error(
                "INVALID", f"{file}: {key}", "is not there", "create it, or name another place", value=value
            )
    config = data.get("config")
    if not isinstance(config, Mapping | str | None):
        message = f"must be a mapping, not {describe_kind(config)}"
        yield Finding.error("INVALID", f"{file}: config", message, "declare one key per line below it")


def _misspelt(file: str, data: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[Finding]:
    """Keys that nobody reads and that look like one that is read."""
    for key in data:
        hint = "" if key in known else did_you_mean(key, known)
        if hint:
            yield Finding.error("UNKNOWN_KEY", f"{file}: {key}", f'there is no key "{key}" here', hint)


def _unknown_stack(project: Project, stack: str) -> Finding:
    known = project.stacks()
    listing = (
        "stacks: " + ", ".join(known)
        if known
        else f"there are none yet; write {project.stack_file('dev').name}"
    )
    fix = "  ".join(filter(None, (did_you_mean(stack, known), listing)))
    return Finding.error("UNKNOWN_STACK", "stack", f'there is no stack "{stack}"', fix, value=stack)
