"""Check: physical names where a program gives none, and limits that the clouds hold names to."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuyard.simulate.kind import Kind
from gpuyard.simulate.kubernetes_kinds import RELEASE
from gpuyard.simulate.place import Place

DEFAULTS = "__defaults"
"""Inputs that the provider filled in, as bridged providers note them."""
AUTONAMED = "pulumi.com/autonamed"
"""Annotation of Kubernetes objects that the provider named."""
_SUFFIX = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Inputs as the provider will use them."""

    inputs: Mapping[str, Any]
    failures: tuple[tuple[str, str], ...]
    """Property and reason of each that the provider refuses."""


def check_inputs(
    type_: str,
    name: str,
    inputs: Mapping[str, Any],
    place: Place,
    kind: Kind,
    *,
    old: Mapping[str, Any],
    seed: str,
) -> Checked:
    """``inputs`` named; a name that Pulumi once made is kept for as long as the resource lives."""
    if place.package == "kubernetes" and type_ != RELEASE:
        return Checked(inputs=_name_object(name, inputs, old, seed), failures=())
    if not kind.name:
        return Checked(
            inputs={**inputs, DEFAULTS: []} if place.package != "kubernetes" else dict(inputs), failures=()
        )
    if inputs.get(kind.name) or inputs.get(f"{kind.name}Prefix"):
        given = str(inputs.get(kind.name) or "")
        fixed = {**inputs, DEFAULTS: []} if place.package != "kubernetes" else dict(inputs)
        return Checked(inputs=fixed, failures=_too_long(kind, given))
    kept = old.get(kind.name) if is_autonamed(type_, kind, old) else None
    made = str(kept or f"{name}-{_random(seed)}")
    named = {**inputs, kind.name: made, DEFAULTS: [kind.name]}
    return Checked(inputs=named, failures=_too_long(kind, made))


def is_autonamed(type_: str, kind: Kind, inputs: Mapping[str, Any]) -> bool:
    """Whether Pulumi made the physical name in ``inputs``."""
    if type_.startswith("kubernetes:") and type_ != RELEASE:
        annotations = (inputs.get("metadata") or {}).get("annotations") or {}
        return annotations.get(AUTONAMED) == "true"
    return kind.name in (inputs.get(DEFAULTS) or ())


def _too_long(kind: Kind, name: str) -> tuple[tuple[str, str], ...]:
    if not kind.name_length or len(name) <= kind.name_length:
        return ()
    return ((kind.name, f'"{name}" has {len(name)} characters; at most {kind.name_length} are allowed'),)


def _name_object(name: str, inputs: Mapping[str, Any], old: Mapping[str, Any], seed: str) -> dict[str, Any]:
    metadata = dict(inputs.get("metadata") or {})
    if metadata.get("name") or metadata.get("generateName"):
        return dict(inputs)
    before = old.get("metadata") or {}
    was_made = (before.get("annotations") or {}).get(AUTONAMED) == "true"
    metadata["name"] = before.get("name") if was_made else f"{name}-{_random(seed, 8)}"
    metadata["annotations"] = {**(metadata.get("annotations") or {}), AUTONAMED: "true"}
    return {**inputs, "metadata": metadata}


def _random(seed: str, length: int = _SUFFIX) -> str:
    return hashlib.sha256(f"name {seed}".encode()).hexdigest()[:length]
