"""kubeconfigs: one for a new cluster, where kubectl looks, and whether a context is there.

What a kubeconfig file holds is never repeated, context names apart.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gpuyard.errors import Finding, Severity, did_you_mean


def render_kubeconfig(name: str, server: str, authority: str, command: Mapping[str, Any]) -> str:
    """A kubeconfig of one cluster that runs ``command`` for a token at each use.

    So it never expires and holds no credential. ``authority`` is the certificate in base64, ``command`` an
    `exec` section without its version.
    """
    login = {"apiVersion": "client.authentication.k8s.io/v1beta1", **command}
    cluster = {"server": server, "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": {"exec": login}}],
        }
    )


def kubeconfig_path(given: str = "") -> Path:
    """The kubeconfig file that kubectl reads first: the one given, ``$KUBECONFIG``'s, the home folder's."""
    return kubeconfig_paths(given)[0]


def kubeconfig_paths(given: str = "") -> tuple[Path, ...]:
    """Every file that kubectl would merge, in its order; only ``$KUBECONFIG`` can name several."""
    if given:
        return (Path(given).expanduser(),)
    listed = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(Path(part) for part in listed) or (Path("~/.kube/config").expanduser(),)


def is_contents(given: str) -> bool:
    """Whether someone gave a kubeconfig itself where its path belongs."""
    return "\n" in given or "apiVersion:" in given or given.lstrip().startswith("{")


def check_context(context: str, given: str = "") -> list[Finding]:
    """Findings against ``context`` of the kubeconfig ``given`` (empty: where kubectl looks).

    ``KUBECONFIG_MISSING`` is a warning where nobody named a file: a plan can be made on a machine that
    does not reach the cluster.
    """
    if is_contents(given):
        return [_inline()]
    contexts: set[str] = set()
    findings: list[Finding] = []
    paths = [path for path in kubeconfig_paths(given) if path.exists()]
    for path in paths:
        try:
            contexts |= _contexts(path)
        except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError, AttributeError):
            findings.append(_unreadable(path))
    if not paths:
        return [_missing(context, given)]
    if context not in contexts and not findings:
        findings.append(_no_context(context, contexts))
    return findings


def _contexts(path: Path) -> set[str]:
    data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {str(item["name"]) for item in data.get("contexts") or ()}


def _inline() -> Finding:
    return Finding.error(
        "SECRET_IN_PLAIN_TEXT",
        "kubeconfig",
        "is a kubeconfig itself, credentials included; a path belongs here",
        "write it to a file that only you can read and give its path",
    )


def _missing(context: str, given: str) -> Finding:
    where = f'there is no file "{given}"' if given else "there is no kubeconfig on this machine"
    return Finding(
        severity=Severity.ERROR if given else Severity.WARNING,
        code="KUBECONFIG_MISSING",
        path="kubeconfig",
        value=given or None,
        message=f'{where}, so the context "{context}" cannot be found',
        fix="run where the cluster is reachable, set KUBECONFIG, or name the file in `kubeconfig`",
    )


def _unreadable(path: Path) -> Finding:
    return Finding.error(
        "KUBECONFIG_INVALID",
        "kubeconfig",
        "is not a kubeconfig that can be read",
        "check it with `kubectl config view`, and its permissions",
        value=str(path),
    )


def _no_context(context: str, contexts: set[str]) -> Finding:
    known = sorted(contexts)
    hint = did_you_mean(context, known)
    return Finding.error(
        "KUBE_CONTEXT_MISSING",
        "context",
        f'the kubeconfig has no context "{context}"',
        f"{hint} contexts: {', '.join(known)}".strip() if known else "it has no contexts at all",
        value=context,
    )
