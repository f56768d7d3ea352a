"""This machine: Python, the Pulumi engine, kubectl and what kubeconfigs run to log in."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from gpuyard.discovery.doctor.check import Status, Verdict

COMMAND_SECONDS = 15
PYTHON_MIN = (3, 11)
PULUMI_INSTALL = "install it: https://www.pulumi.com/docs/install/"
NEEDS_PULUMI = Verdict(status=Status.UNKNOWN, message="needs pulumi", fix="see pulumi")


def look_at_python() -> Verdict:
    """The interpreter and the packages that gpuyard requires."""
    found = platform.python_version()
    if sys.version_info < PYTHON_MIN:
        return Verdict(
            status=Status.FAILED, message=f"Python {found} is too old", fix="use Python 3.11 or newer"
        )
    missing = [name for name in _requirements() if not _installed(name)]
    if missing:
        return Verdict(
            status=Status.FAILED,
            message=f"Python {found}, but these packages are missing: {', '.join(missing)}",
            fix="install gpuyard again in this environment",
        )
    return Verdict(
        status=Status.OK,
        message=f"Python {found} on {platform.system()} {platform.machine()}, gpuyard {version('gpuyard')}",
    )


def look_at_pulumi() -> Verdict:
    """The Pulumi command line, against the SDK that is installed."""
    path = shutil.which("pulumi")
    if path is None:
        return Verdict(status=Status.FAILED, message="pulumi is not on PATH", fix=PULUMI_INSTALL)
    said = run(["pulumi", "version"])
    found = re.search(r"v?(\d+)\.(\d+)\.(\d+)", said or "")
    if found is None:
        return Verdict(
            status=Status.WARNING, message=f"{path} does not state its version", fix=PULUMI_INSTALL
        )
    engine, sdk = tuple(map(int, found.groups())), tuple(map(int, version("pulumi").split(".")[:3]))
    words = f"pulumi {'.'.join(found.groups())} (SDK {version('pulumi')})"
    if engine[0] != sdk[0]:
        return Verdict(status=Status.FAILED, message=f"{words}: another major version", fix=PULUMI_INSTALL)
    if engine[:2] < sdk[:2]:
        return Verdict(status=Status.WARNING, message=f"{words}: older than the SDK", fix=PULUMI_INSTALL)
    return Verdict(status=Status.OK, message=words)


def look_at_language_host() -> Verdict:
    """The engine's part that runs Python programs; it comes with pulumi."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return NEEDS_PULUMI
    search = os.pathsep.join([str(Path(pulumi).resolve().parent), os.environ.get("PATH", "")])
    path = shutil.which("pulumi-language-python", path=search)
    if path is None:
        return Verdict(
            status=Status.FAILED,
            message="pulumi-language-python is neither beside pulumi nor on PATH",
            fix="install pulumi from its own archive, which holds it",
        )
    return Verdict(status=Status.OK, message="runs Python programs")


def look_at_plugins() -> Verdict:
    """Provider plugins that the engine would otherwise download during the first deployment."""
    if shutil.which("pulumi") is None:
        return NEEDS_PULUMI
    said = run(["pulumi", "plugin", "ls", "--json"])
    try:
        listed = json.loads(said or "")
        have = {plugin["name"] for plugin in listed if plugin.get("kind") == "resource"}
    except (ValueError, TypeError, KeyError):
        return Verdict(
            status=Status.WARNING, message="`pulumi plugin ls --json` gave no list", fix=PULUMI_INSTALL
        )
    missing = sorted({"aws", "gcp", "kubernetes"} - have)
    if missing:
        return Verdict(
            status=Status.WARNING,
            message=f"not there yet: {', '.join(missing)}; the first deployment downloads them",
            fix="; ".join(f"`pulumi plugin install resource {name} v{_sdk(name)}`" for name in missing),
        )
    return Verdict(status=Status.OK, message="aws, gcp and kubernetes are there")


def look_at_backend() -> Verdict:
    """Where Pulumi keeps state, and whether it is logged in there."""
    if shutil.which("pulumi") is None:
        return NEEDS_PULUMI
    said = run(["pulumi", "whoami", "--json", "--non-interactive"])
    try:
        url = json.loads(said or "")["url"]
    except (ValueError, TypeError, KeyError):
        return Verdict(
            status=Status.FAILED,
            message="pulumi is not logged in to a backend",
            fix="`pulumi login`, or `pulumi login --local` to keep state in files",
        )
    return Verdict(status=Status.OK, message=f"state is kept at {_place(url)}")


def look_at_kubectl() -> Verdict:
    """kubectl, which people need; deployments do not."""
    said = run(["kubectl", "version", "--client", "--output=json"])
    if said is None:
        return Verdict(
            status=Status.WARNING,
            message="kubectl is not on PATH, or does not answer",
            fix="install it to look into clusters: https://kubernetes.io/docs/tasks/tools/",
        )
    try:
        return Verdict(status=Status.OK, message=f"kubectl {json.loads(said)['clientVersion']['gitVersion']}")
    except (ValueError, KeyError):
        return Verdict(status=Status.WARNING, message="kubectl does not state its version")


def look_at_kubeconfig() -> Verdict:
    """Contexts of the kubeconfig, and whether the commands that log in to them are on PATH."""
    paths = [Path(part) for part in _kubeconfig_paths() if part and Path(part).is_file()]
    if not paths:
        return Verdict(status=Status.OK, message="no kubeconfig: none is needed before there is a cluster")
    contexts: list[str] = []
    commands: set[str] = set()
    for path in paths:
        data = _kubeconfig(path)
        if data is None:
            return Verdict(
                status=Status.WARNING,
                message=f"{path} is not a kubeconfig",
                fix="repair it, or point KUBECONFIG elsewhere",
            )
        contexts += [entry["name"] for entry in _entries(data, "contexts") if "name" in entry]
        commands.update(_login_commands(data))
    missing = sorted(command for command in commands if shutil.which(command) is None)
    if missing:
        return Verdict(
            status=Status.WARNING,
            message=f"{len(contexts)} contexts; these login commands are missing: {', '.join(missing)}",
            fix=f"install {' and '.join(missing)}, or remove the contexts that need them",
        )
    return Verdict(status=Status.OK, message=f"{len(contexts)} contexts: {_some(contexts)}")


def look_at_command(name: str, needed_for: str, fix: str) -> Verdict:
    """A command that kubeconfigs of a cloud run to log in."""
    if shutil.which(name) is None:
        return Verdict(status=Status.FAILED, message=f"{name} is not on PATH; {needed_for} needs it", fix=fix)
    said = run([name, "--version"])
    if said is None:
        return Verdict(status=Status.FAILED, message=f"{name} is on PATH but does not run", fix=fix)
    first = said.strip().splitlines()[0][:80] if said.strip() else name
    return Verdict(status=Status.OK, message=first)


def look_at_catalog(today: date) -> Verdict:
    """How old the catalog's tables are."""
    from gpuyard.catalog.freshness import table_ages  # noqa: PLC0415 (reads the tables)

    ages = table_ages(today)
    stale = [age for age in ages if age.is_stale]
    if stale:
        worst = stale[0]
        return Verdict(
            status=Status.WARNING,
            message=f"{len(stale)} of {len(ages)} tables are beyond their limit, most of all {worst.file} "
            f"({worst.age_days} of {worst.fresh_days} days)",
            fix="upgrade gpuyard, or lay newer prices over it: `gpuyard catalog refresh`",
        )
    return Verdict(status=Status.OK, message=f"all {len(ages)} tables are within their limits")


def run(command: Sequence[str]) -> str | None:
    """What the command prints; None: it is missing, fails, or takes too long."""
    path = shutil.which(command[0])
    if path is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 (fixed words, a path of PATH)
            [path, *command[1:]],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
            errors="replace",
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_OPTION_NON_INTERACTIVE": "true"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _requirements() -> Iterator[str]:
    for line in requires("gpuyard") or ():
        name = re.match(r"[\w.-]+", line)
        if name and "extra ==" not in line:
            yield name.group()


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _sdk(name: str) -> str:
    return version(f"pulumi-{name}")


def _place(url: str) -> str:
    """A backend's URL without user and query."""
    return re.sub(r"//[^/@]*@", "//", str(url)).partition("?")[0]


def _kubeconfig_paths() -> list[str]:
    named = os.environ.get("KUBECONFIG", "")
    return named.split(os.pathsep) if named else [str(Path.home() / ".kube" / "config")]


def _kubeconfig(path: Path) -> Mapping[str, Any] | None:
    import yaml  # noqa: PLC0415 (only this check needs it)

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return data if isinstance(data, Mapping) else None


def _entries(data: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    listed = data.get(key)
    return (entry for entry in (listed if isinstance(listed, list) else ()) if isinstance(entry, Mapping))


def _login_commands(data: Mapping[str, Any]) -> Iterator[str]:
    for entry in _entries(data, "users"):
        user = entry.get("user")
        section = user.get("exec") if isinstance(user, Mapping) else None
        if isinstance(section, Mapping) and isinstance(section.get("command"), str):
            yield section["command"]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
