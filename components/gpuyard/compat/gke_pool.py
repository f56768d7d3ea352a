"""What a GKE node pool says of its driver: default, latest or none of Google's."""

import re
from collections.abc import Mapping
from typing import Any

from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import with_env, without_flags
from gpuyard.compat.spelling import plain

_NAME = r"gpu[-_]?driver[-_]?version"
_VARIABLE = re.compile(rf"{_NAME}$", re.IGNORECASE)
"""With or without a prefix, as node labels, gcloud, Terraform and the API spell it."""
_SAID = re.compile(
    rf"[,;]?\s*(?:[\w./-]*{_NAME}\W+)((?:installation_)?disabled|default|latest)\b|\b(installation_disabled)\b",
    re.IGNORECASE,
)
"""The same inside of a flag's value or a block of Terraform."""
_PROVISIONED = re.compile(r"auto[-_ ]?provision|\bnap\b")
_DISABLED = re.compile(r"installation[_-]disabled|driver-version\W*disabled")
_INSTALLED = re.compile(r"gpu-driver-version\W+(default|latest)")
_INSTALLER = (
    r"((gpu|nvidia|driver)[ -]installer|(cos|ubuntu)/daemonset[a-z0-9-]*\.ya?ml|daemonset-preloaded"
    r"|driver[ -]daemon ?-?set)"
)
"""Google's DaemonSets that install a driver, by name or file (its container-engine-accelerators)."""
_NO_INSTALLER = re.compile(
    rf"\b(no|without|missing|lacks?|not) (the |an? |any )?([a-z]+[- ])?{_INSTALLER}"
    rf"|{_INSTALLER}[a-z :='\"-]{{0,20}}"
    r"\b(missing|absent|none|false|not (yet )?(applied|installed|deployed|there|set))"
)


def pool_driver(env: Mapping[str, str], words: str = "") -> str:
    """``default``, ``latest`` or ``installation_disabled``; empty: it says nothing.

    ``words``: the whole environment as one text.
    """
    told = env.get(_variable(env), "").lower()
    if told in ("default", "latest") or "disabled" in told:
        return told
    found = _SAID.search(words) if "driver" in words or "disabled" in words else None
    return (found[1] or found[2]).lower() if found else ""


def change_pool_driver(facts: Facts, text: str = "") -> dict[str, Any]:
    """The environment in which the pool says ``text`` instead, or nothing; no change where it is silent."""
    name = _variable(facts.env)
    if name:
        return with_env(facts, name, text) if text else without_flags(facts, name)
    line = facts.given.env
    if isinstance(line, str) and _SAID.search(line):
        return {"env": _other_words(line, text)}
    whole = {**dict(facts.flags), **facts.env}
    mended = {key: _other_words(value, text) for key, value in whole.items()}
    return {"env": mended} if mended != whole else {}


def _other_words(words: str, text: str) -> str:
    """The same with ``text`` for what they say of the driver; empty: without it."""
    return _SAID.sub(lambda said: said[0].replace(said[1] or said[2], text) if text else "", words)


def is_provisioned(text: str) -> bool:
    """Whether words, in lower case, tell of node auto-provisioning."""
    return _PROVISIONED.search(text) is not None


def says_disabled(text: str) -> bool:
    """Whether words on the image say that the pool installs no driver."""
    return _DISABLED.search(text) is not None


def names_installer(text: str) -> bool:
    """Whether words tell of a DaemonSet that installs the driver, and not that there is none."""
    return re.search(_INSTALLER, text) is not None and _NO_INSTALLER.search(text) is None


def has_googles_driver(facts: Facts) -> bool:
    """Whether the pool installs a driver: by its label, or by words on the image or on who installs it."""
    words = f"{plain(facts.given.driver_managed_by)} {facts.node_image}"
    return _INSTALLED.search(words) is not None or pool_driver(facts.env) in ("default", "latest")


def _variable(env: Mapping[str, str]) -> str:
    return next((name for name in env if _VARIABLE.search(name)), "")
