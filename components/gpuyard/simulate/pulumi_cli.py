"""The real Pulumi CLI on simulated clouds: one project copied aside, a local backend, plugins of our own.

Nothing outside the given folder is read or written by the engine but the project's copy and this Python
environment: no access token, no plugin download, no update check, no config file of the user's.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gpuyard.engine.project import Project
from gpuyard.errors import EngineError
from gpuyard.simulate.install import install_plugins
from gpuyard.simulate.plugin import SCENARIO_VARIABLE, STATE_VARIABLE

Event = Mapping[str, Any]
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "preview": (),
    "up": ("--yes", "--skip-preview"),
    "refresh": ("--yes", "--skip-preview"),
    "destroy": ("--yes", "--skip-preview"),
}
PLACEHOLDER = "simulated-secret"
"""Stands for config values that only their owner can decrypt."""
_KEYS = ("encryptionsalt", "encryptedkey", "secretsprovider")
_LEFT_OUT = (
    ".git",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "dist",
    "build",
    ".*_cache",
    ".hypothesis",
)
_PATIENCE_SECONDS = 15
"""How long an interrupted engine gets to end its plugins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRun:
    """One command of the engine."""

    operation: str
    counts: Mapping[str, int]
    """Resources by operation, as the engine sums up: create, update, replace, delete, same, …"""
    failures: tuple[str, ...]
    """What was refused, in the engine's and the clouds' words; empty: it went well."""
    seconds: float
    """Real ones."""
    events: tuple[Event, ...]

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, changed."""
        return any(count and operation not in ("same", "read") for operation, count in self.counts.items())


def find_pulumi() -> str | None:
    """The CLI on PATH; None: there is none."""
    return shutil.which("pulumi")


class PulumiCli:
    """The CLI with a home, a backend and simulated providers below ``folder``."""

    def __init__(self, folder: Path, *, scenario: Path | None = None) -> None:
        cli = find_pulumi()
        if cli is None:
            raise EngineError(
                "pulumi is not on PATH\n  fix: install the Pulumi CLI, or use the in-process engine"
            )
        self.cli, self.folder = cli, folder
        self.state = folder / "state"
        plugins = folder / "plugins"
        for place in (folder / "home", folder / "backend"):
            place.mkdir(parents=True, exist_ok=True)
        install_plugins(plugins)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        path = os.pathsep.join((str(plugins), str(Path(sys.executable).parent), kept.get("PATH", "")))
        self.environment = kept | {
            "PATH": path,
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": (folder / "backend").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "simulated",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
            STATE_VARIABLE: str(self.state),
        }
        self.environment.pop(SCENARIO_VARIABLE, None)
        if scenario:
            self.environment[SCENARIO_VARIABLE] = str(scenario.absolute())

    def make_stack(self, project: Path, stack: str) -> None:
        """Make ``stack`` of the project in the local backend.

        Raises:
            EngineError: the CLI said no.
        """
        self._call(project, "stack", "init", stack, "--non-interactive")

    def run(
        self,
        project: Path,
        stack: str,
        operation: str,
        *flags: str,
        on_event: Callable[[Event], None] | None = None,
    ) -> EngineRun:
        """Run one of `OPERATIONS` on ``stack`` of the project in that folder.

        Raises:
            EngineError: the CLI could not be run, or failed before it began.
        """
        command = (operation, "-s", stack, *OPERATIONS[operation], "--non-interactive", "--json", *flags)
        began = time.monotonic()
        events, errors, code = self._stream(project, command, on_event)
        summary = next((event["summaryEvent"] for event in events if "summaryEvent" in event), None)
        failures = _failures(events)
        if code and not failures:
            raise EngineError(f"pulumi {operation} failed: {errors.strip() or f'exit {code}'}")
        return EngineRun(
            operation=operation,
            counts=dict((summary or {}).get("resourceChanges") or {}),
            failures=failures,
            seconds=time.monotonic() - began,
            events=tuple(events),
        )

    def outputs(self, project: Path, stack: str) -> dict[str, Any]:
        """The stack's outputs, secrets masked."""
        return json.loads(self._call(project, "stack", "output", "--json", "-s", stack))

    def export(self, project: Path, stack: str) -> dict[str, Any]:
        """The stack's state."""
        return json.loads(self._call(project, "stack", "export", "-s", stack))

    def _call(self, project: Path, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 (arguments of ours)
            [self.cli, *arguments],
            cwd=project,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            text = (done.stderr or done.stdout).strip()
            raise EngineError(f"pulumi {' '.join(arguments[:2])} failed: {text}")
        return done.stdout

    def _stream(
        self, project: Path, command: tuple[str, ...], on_event: Callable[[Event], None] | None
    ) -> tuple[list[Event], str, int]:
        """Events, other text and exit code of a command; an interrupt ends the engine first."""
        events: list[Event] = []
        others: list[str] = []
        with subprocess.Popen(  # noqa: S603 (arguments of ours)
            [self.cli, *command],
            cwd=project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # a terminal's Ctrl-C comes to us first, and goes on once
        ) as process:
            try:
                for line in process.stdout or ():
                    event = _read_event(line)
                    if event is None:
                        others.append(line)
                        continue
                    events.append(event)
                    if on_event:
                        on_event(event)
            except BaseException:
                _end(process)
                raise
        return events, "".join(others), process.returncode


def _end(process: subprocess.Popen[str]) -> None:
    """Let the engine end its plugins; kill it when it takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def copy_project(project: Project, folder: Path) -> Path:
    """A copy of the project below ``folder`` that runs in this Python environment; returns its root.

    The engine writes into a stack's config file, so it gets one of its own. Encrypted values of stacks cannot
    be read without their key: `PLACEHOLDER` stands for each.
    """
    root = folder / "project"
    main = project.main if project.main.is_dir() else project.main.parent
    places = {main, project.stack_config}
    ignored = shutil.ignore_patterns(*_LEFT_OUT)
    for place in sorted(places):
        if not any(other != place and place.is_relative_to(other) for other in places):
            shutil.copytree(place, root / place.relative_to(project.root), ignore=ignored, dirs_exist_ok=True)
    for stack in project.stacks():
        _open_config(root / project.stack_file(stack).relative_to(project.root))
    file = root / f"Pulumi{project.suffix}"
    original = project.root / file.name
    settings = yaml.safe_load(original.read_text(encoding="utf-8"))
    options = {"toolchain": "pip"} | ({"virtualenv": sys.prefix} if sys.prefix != sys.base_prefix else {})
    settings["runtime"] = {"name": "python", "options": options}
    for key in ("backend", "plugins", "packages"):
        settings.pop(key, None)
    text = json.dumps(settings) if project.suffix == ".json" else yaml.safe_dump(settings, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return root


def _open_config(file: Path) -> None:
    """Rewrite a copied config file that is encrypted, so that another key can open it."""
    text = file.read_text(encoding="utf-8")
    if not any(word in text for word in (*_KEYS, "secure")):
        return
    data = yaml.safe_load(text) or {}
    for key in _KEYS:
        data.pop(key, None)
    file.write_text(yaml.safe_dump(_without_secrets(data), sort_keys=False), encoding="utf-8")


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return PLACEHOLDER
        return {key: _without_secrets(item) for key, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _read_event(line: str) -> Event | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _failures(events: list[Event]) -> tuple[str, ...]:
    """Error messages of the engine, each once."""
    texts = (
        f"{_name_of(found.get('urn'))}{' '.join(str(found.get('message', '')).split())}"
        for event in events
        if (found := event.get("diagnosticEvent")) and found.get("severity") == "error"
    )
    return tuple(dict.fromkeys(texts))


def _name_of(urn: str | None) -> str:
    return f"{urn.rpartition('::')[2]}: " if urn and "pulumi:pulumi:Stack" not in urn else ""
