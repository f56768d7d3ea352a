"""What a GKE node pool says of its driver: default, latest or none of Google's."""

import re
from collections.abc import Mapping
from typing import Any

from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import with_env, without_flags
from gpuyard.compat.spelling import plain

_VARIABLE = "gpu-driver-version"
"""With or without a prefix."""
_DISABLED = re.compile(r"installation[_-]disabled|driver-version\W*disabled")
_INSTALLED = re.compile(r"gpu-driver-version\W+(default|latest)")


def pool_driver(env: Mapping[str, str]) -> str:
    """``default``, ``latest`` or ``installation_disabled``; empty: it says nothing."""
    return env.get(_variable(env), "").lower()


def change_pool_driver(facts: Facts, text: str = "") -> dict[str, Any]:
    """The environment in which the pool says ``text`` instead, or nothing; no change where it is silent."""
    name = _variable(facts.env)
    if not name:
        return {}
    return with_env(facts, name, text) if text else without_flags(facts, name)


def says_disabled(text: str) -> bool:
    """Whether words on the image say that the pool installs no driver."""
    return _DISABLED.search(text) is not None


def has_googles_driver(facts: Facts) -> bool:
    """Whether the pool installs a driver: by its label, or by words on the image or on who installs it."""
    words = f"{plain(facts.given.driver_managed_by)} {facts.node_image}"
    return _INSTALLED.search(words) is not None or pool_driver(facts.env) in ("default", "latest")


def _variable(env: Mapping[str, str]) -> str:
    return next((name for name in env if name.endswith(_VARIABLE)), "")
