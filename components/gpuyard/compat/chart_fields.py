"""Fields that Helm values of the GPU Operator and its charts' versions state, where no field does."""

import re
from collections.abc import Mapping
from typing import Any

from gpuyard.compat.combination import Combination, changed

_RELEASE = r"v?(\d+\.\d+(?:\.\d+)?(?:-rc\.\d+)?)"
_OPERATOR = re.compile(
    rf"gpu[-_ ]operator(?:(?!dra-driver|device-plugin|[;|]|&&|\n).)*?\s--version[ =]+{_RELEASE}"
    rf"|gpu[-_ ]operator (?:chart |version |release )?{_RELEASE}\b",
    re.IGNORECASE,
)
"""The operator's release, of its chart or in words."""
_DRA = re.compile(
    rf"dra-driver(?:(?!gpu-operator|device-plugin|[;|]|&&|\n).)*?\s--version[ =]+{_RELEASE}"
    r"|helm (?:upgrade|install)[^;|&\n]*\bdra-driver",
    re.IGNORECASE,
)
"""The DRA driver's, or that it is installed."""
_OFF = frozenset({"false", "no", "0", "off"})


def with_chart_fields(given: Combination, env: Mapping[str, str]) -> Combination:
    """The combination with what charts say of driver, kernel module, toolkit and releases."""
    if given.env is None:
        return given
    told = {name: value for name, value in _told(given, env).items() if getattr(given, name) is None}
    return changed(given, told) if told else given


def _told(given: Combination, env: Mapping[str, str]) -> dict[str, Any]:
    words = str(given.env)
    told: dict[str, Any] = {}
    if operator := _OPERATOR.search(words):
        told["gpu_operator"] = operator[1] or operator[2]
    if dra := _DRA.search(words):
        told["dra_driver"] = dra[1] or True
    if toolkit := env.get("toolkit.version"):
        told["toolkit"] = toolkit
    if env.get("driver.enabled", "").lower() in _OFF or given.driver_managed_by is not None:
        return told | (_of_driver(env) if _is_operators(given) else {})
    if driver := _of_driver(env):
        told |= {"driver_managed_by": "operator", **driver}
    return told


def _is_operators(given: Combination) -> bool:
    return str(given.driver_managed_by or "").lower().startswith("operator")


def _of_driver(env: Mapping[str, str]) -> dict[str, Any]:
    """The driver that the operator is to install, and its kernel module."""
    told: dict[str, Any] = {}
    if version := env.get("driver.version"):
        told["driver"] = version
    module = env.get("driver.kernelModuleType", "").lower()
    if module in ("open", "proprietary"):
        told["kernel_module"] = module
    elif opened := env.get("driver.useOpenKernelModules", "").lower():
        told["kernel_module"] = "proprietary" if opened in _OFF else "open"
    return told
