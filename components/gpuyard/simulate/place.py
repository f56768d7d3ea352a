"""Where a call goes: what a provider's settings, the stack's config and the call itself say of it."""

import json
import threading
from collections.abc import Mapping
from typing import Any

import yaml

from gpuyard.errors import EngineError
from gpuyard.records import record
from gpuyard.resources import Resource

ACCOUNT = "123456789012"
"""The account of the simulated AWS: the number that AWS's own documentation uses."""


@record
class Place:
    """One provider's corner of a cloud."""

    package: str
    """Pulumi package: ``aws``, ``gcp`` or ``kubernetes``."""
    region: str = ""
    zone: str = ""
    project: str = ""
    """GCP project id."""
    cluster: str = ""
    """Address of the Kubernetes cluster's API server, or the name of its context."""
    settings: Mapping[str, Any]
    """The provider's own settings."""

    @property
    def scope(self) -> str:
        """What keeps ids apart: a region, a project or a cluster."""
        return {"aws": self.region, "gcp": self.project}.get(self.package, self.cluster) or "default"

    @property
    def is_unknown(self) -> bool:
        """Whether a preview cannot tell yet which cluster it is."""
        return self.package == "kubernetes" and not self.cluster

    def require_region(self) -> str:
        """The region.

        Raises:
            EngineError: neither provider nor call names one.
        """
        return self.region or _missing(self.package, "region")

    def require_project(self) -> str:
        """The GCP project id.

        Raises:
            EngineError: neither provider nor call names one.
        """
        return self.project or _missing(self.package, "project")


class ProviderBook:
    """The providers that a program has made, by URN: where its function calls go."""

    def __init__(self, config: Mapping[str, str]) -> None:
        self._config = config
        self._settings: dict[str, Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def note(self, resource: Resource) -> None:
        """Remember a provider; other resources pass."""
        if resource.type.startswith("pulumi:providers:"):
            with self._lock:
                self._settings[resource.urn] = read_settings(resource.inputs)

    def place(self, token: str, provider: str | None, args: Mapping[str, Any]) -> Place:
        """Where a resource or function of ``token`` is asked for."""
        with self._lock:
            settings = self._settings.get(provider or "", {})
        return make_place(token.partition(":")[0], settings, self._config, args)


def read_settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A provider's settings as plain data: on the wire each is a text, JSON where it is no text."""
    return {key: _read_setting(value) for key, value in inputs.items()}


def _read_setting(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in ("{", "[", "t", "f"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def make_place(
    package: str,
    settings: Mapping[str, Any],
    config: Mapping[str, str] | None = None,
    args: Mapping[str, Any] | None = None,
) -> Place:
    """The place of a call: its own arguments win over the provider, the provider over the stack's config."""
    config, args = config or {}, args or {}

    def pick(key: str) -> str:
        found = (args.get(key), settings.get(key), config.get(f"{package}:{key}"))
        return next((text for text in found if isinstance(text, str) and text), "")

    zone = pick("zone")
    region = pick("region") or (zone.rpartition("-")[0] if package == "gcp" else "")
    cluster = cluster_of(settings) if package == "kubernetes" else ""
    return Place(
        package=package, region=region, zone=zone, project=pick("project"), cluster=cluster, settings=settings
    )


def cluster_of(settings: Mapping[str, Any]) -> str:
    """The API server that a Kubernetes provider's kubeconfig points at, without ``https://``.

    A kubeconfig that is a path, or none at all, stands for the context that the provider names.
    """
    context = str(settings.get("context") or "")
    config = settings.get("kubeconfig")
    if isinstance(config, str):
        try:
            config = yaml.safe_load(config)
        except yaml.YAMLError:
            config = None
    if not isinstance(config, Mapping):
        return context or str(config or "")
    wanted = context or config.get("current-context")
    contexts = {item.get("name"): item.get("context") or {} for item in config.get("contexts") or ()}
    clusters = {item.get("name"): item.get("cluster") or {} for item in config.get("clusters") or ()}
    server = clusters.get(contexts.get(wanted, {}).get("cluster"), {}).get("server")
    return str(server or wanted or "").removeprefix("https://")


def _missing(package: str, setting: str) -> str:
    raise EngineError(
        f"the {package} provider knows no {setting}\n"
        f"  fix: give the provider a {setting}, or set {package}:{setting} in the stack's config"
    )
