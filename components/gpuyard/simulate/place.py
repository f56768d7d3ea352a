"""Where a call goes: what a provider's settings, the stack's config and the call itself say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.errors import EngineError

ACCOUNT = "123456789012"
"""The account of the simulated AWS: the number that AWS's own documentation uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One provider's corner of a cloud."""

    package: str
    """Pulumi package: ``aws``, ``gcp`` or ``kubernetes``."""
    region: str = ""
    zone: str = ""
    project: str = ""
    """GCP project id."""
    settings: Mapping[str, Any]
    """The provider's own settings."""

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
    return Place(package=package, region=region, zone=zone, project=pick("project"), settings=settings)


def _missing(package: str, setting: str) -> str:
    raise EngineError(
        f"the {package} provider knows no {setting}\n"
        f"  fix: give the provider a {setting}, or set {package}:{setting} in the stack's config"
    )
