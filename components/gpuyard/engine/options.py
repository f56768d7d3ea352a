"""Resource options of a registration as plain data: only those that were set, by their wire names."""

from collections.abc import Mapping
from typing import Any

from gpuyard.engine.wire import decode

_PLAIN = (
    "deleteBeforeReplace",
    "deletedWith",
    "importId",
    "pluginDownloadURL",
    "version",
    "packageRef",
    "remote",
)
_LISTS = ("ignoreChanges", "replaceOnChanges", "additionalSecretOutputs", "hideDiffs")
_HOOKS = (
    "before_create",
    "after_create",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
    "on_error",
)
_INHERITED_FLAGS = ("protect", "retainOnDelete")
"""Flags that the engine passes from a parent to its children, as it does ``deletedWith`` (Pulumi 3.260,
resmon; read 2026-08)."""


def describe_options(request: Any, inherited: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a RegisterResourceRequest; ``inherited`` are those of its parent.

    False is an option only where the parent said true.
    """
    timeouts = request.customTimeouts
    found: dict[str, Any] = {key: getattr(request, key) for key in _PLAIN}
    found |= {key: list(getattr(request, key)) for key in _LISTS}
    found |= {
        "replaceWith": list(request.replace_with),
        "aliases": [*map(_describe_alias, request.aliases), *request.aliasURNs],
        "customTimeouts": {
            key: getattr(timeouts, key)
            for key in ("create", "update", "delete", "read")
            if getattr(timeouts, key)
        },
        "providers": {key: _provider_urn(request.providers[key]) for key in sorted(request.providers)},
        "envVarMappings": {key: request.envVarMappings[key] for key in sorted(request.envVarMappings)},
        "hooks": {
            _camel(key): list(getattr(request.hooks, key)) for key in _HOOKS if getattr(request.hooks, key)
        },
        "stateMigrations": len(request.state_migrations),
    }
    set_ = {key: value for key, value in found.items() if value}
    if request.HasField("replacement_trigger"):
        set_["replacementTrigger"] = decode(request.replacement_trigger)
    for key in _INHERITED_FLAGS:
        flag = getattr(request, key) if request.HasField(key) else inherited.get(key, False)
        if flag or inherited.get(key):
            set_[key] = flag
    if "deletedWith" in inherited:
        set_.setdefault("deletedWith", inherited["deletedWith"])
    return dict(sorted(set_.items()))


def provider_urn(reference: str) -> str | None:
    """The provider's URN in a reference ``<urn>::<id>``; None where there is none."""
    return _provider_urn(reference) or None


def _provider_urn(reference: str) -> str:
    return reference.rpartition("::")[0]


def _describe_alias(alias: Any) -> Any:
    """A URN, or what of the old place is known: name, type, stack, project, parent."""
    if alias.urn:
        return alias.urn
    spec = alias.spec
    known = {key: getattr(spec, key) for key in ("name", "type", "stack", "project", "parentUrn", "noParent")}
    return {key: value for key, value in known.items() if value}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
