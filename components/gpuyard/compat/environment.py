"""The environment of a combination: variables, flags and Helm values, however they are written."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

Flags = tuple[tuple[str, str], ...]
"""Names with values, in order; empty: a bare flag."""
_CHART = "gpu-operator."
"""What stands before a value where the GPU Operator is part of another chart."""
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*|[a-z]\w*(\.\w+)+|[a-z]+(_[a-z0-9]+)+|([\w.-]+/)?[a-z]+(-[a-z0-9]+)+")
"""Names of variables; lower-case ones are values of Helm charts with dots, arguments of Python with
underscores, and labels of nodes with hyphens."""
_SET = re.compile(r"^--set(-string|-json)?(=|$)")
_VALUES_APART = re.compile(r",(?=[a-z][\w-]*(?:\.\w+)+=)")
"""Between Helm values that share one ``--set``."""
_PAIR = re.compile(r"([\w.]+\.env\[\d+\])\.(name|value)")
"""A variable as Helm sets it: ``toolkit.env[0].name=…``, then its value."""
_BARE = re.compile(r"^\(?([^()]*)\)?$")
"""A word without the brackets of a remark: ``helm install (driver.enabled=true)``."""


def read_env(value: object) -> tuple[Mapping[str, str], Flags]:
    """Environment variables and command-line flags (with their values) of a mapping, a list or one line.

    Helm values count as variables, nested or with dots, with ``--set`` or without.
    """
    if not value:
        return {}, ()
    if isinstance(value, Mapping):
        env, words = _of_mapping(value)
    elif isinstance(value, list | tuple):
        env, words = _of_list(value)
    else:
        env, words = {}, str(value).replace(";", " ").replace(", ", " ").split()
    told, flags = _of_words(words)
    return {**env, **told}, flags


def _of_mapping(given: Mapping[Any, Any]) -> tuple[dict[str, str], list[str]]:
    """Variables, and the words of command lines."""
    env: dict[str, str] = {}
    words: list[str] = []
    for key, item in given.items():
        if str(key).startswith("-"):
            words += [str(key), *([] if item in (None, True) else [str(item)])]
        elif isinstance(item, list | tuple | Mapping):
            inner, flags = read_env(item)
            below = f"{key}." if isinstance(item, Mapping) else ""
            env |= {
                name if name.isupper() else f"{below}{name}".removeprefix(_CHART): text
                for name, text in inner.items()
            }
            words += chain.from_iterable(flags)
        else:
            env[str(key).removeprefix(_CHART)] = "" if item is None else str(item)
            words += str(item).split() if "--" in str(item) else []
    return env, words


def _of_list(given: Iterable[Any]) -> tuple[dict[str, str], list[str]]:
    """The same of words, mappings, and pairs as Kubernetes has them (``name``, ``value``)."""
    env: dict[str, str] = {}
    words: list[str] = []
    for item in given:
        if isinstance(item, Mapping):
            name = item.get("name")
            inner, flags = read_env({str(name): item.get("value")} if name else dict(item))
            env |= inner
            words += chain.from_iterable(flags)
        else:
            words += str(item).split()
    return env, words


def _of_words(words: Iterable[str]) -> tuple[dict[str, str], Flags]:
    """Variables and flags of a command line."""
    env: dict[str, str] = {}
    names: dict[str, str] = {}
    flags: list[tuple[str, str]] = []
    parts = [
        part for word in words for part in _VALUES_APART.split(_SET.sub("", _BARE.sub(r"\1", word))) if part
    ]
    for word, follows in zip(parts, [*parts[1:], ""], strict=False):
        if re.match(r"-{1,2}[a-zA-Z]", word):
            name, _, inline = word.partition("=")
            flags.append((name, inline or ("" if follows.startswith("-") else follows)))
        else:
            name, sign, text = word.removeprefix(_CHART).strip("\"'").partition("=")
            if sign and _VARIABLE.fullmatch(name):
                env[name] = text.strip("\"'")
            elif sign and (pair := _PAIR.fullmatch(name)):
                if pair[2] == "name":
                    names[pair[1]] = text
                elif pair[1] in names:
                    env[names[pair[1]]] = text.strip("\"'")
    return env, tuple(flags)
