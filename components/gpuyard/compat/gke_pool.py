"""What a GKE node pool says of its driver: default, latest or none of Google's."""

from collections.abc import Mapping
from typing import Any

from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import with_env, without_flags

_VARIABLE = "gpu-driver-version"
"""With or without a prefix."""


def pool_driver(env: Mapping[str, str]) -> str:
    """``default``, ``latest`` or ``installation_disabled``; empty: it says nothing."""
    return env.get(_variable(env), "").lower()


def change_pool_driver(facts: Facts, text: str = "") -> dict[str, Any]:
    """The environment in which the pool says ``text`` instead, or nothing; no change where it is silent."""
    name = _variable(facts.env)
    if not name:
        return {}
    return with_env(facts, name, text) if text else without_flags(facts, name)


def _variable(env: Mapping[str, str]) -> str:
    return next((name for name in env if name.endswith(_VARIABLE)), "")
