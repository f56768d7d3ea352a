"""What differs between two sets of inputs, and which differences a provider answers with a replacement."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gpuyard.resources import UNKNOWN
from gpuyard.simulate.kubernetes_kinds import RELEASE, api_of

_DATA = Path(__file__).parent / "data" / "replacements.yaml"
_ALWAYS = {"aws": ("region",), "gcp": ("project",), "kubernetes": ("metadata.name", "metadata.namespace")}


class ChangeKind(StrEnum):
    """What happened to a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs."""

    path: str
    """As Pulumi writes it: ``scalingConfig.desiredSize``, ``subnetIds[0]``, ``labels["a.b"]``."""
    kind: ChangeKind
    replaces: bool = False


def compare(
    old: Mapping[str, Any], new: Mapping[str, Any], replacing: Iterable[str] = (), ignored: Iterable[str] = ()
) -> tuple[Change, ...]:
    """Properties that differ, sorted by path; ``replacing`` and ``ignored`` cover what is below them too.

    A value that is not known yet counts as changed. Keys of Pulumi's own (``__defaults``) do not count.
    """
    replacing, ignored = tuple(replacing), tuple(ignored)
    return tuple(
        Change(path, kind, replaces=_covered(path, replacing))
        for path, kind in sorted(_walk(old, new, ""))
        if not _covered(path, ignored)
    )


def replacing_paths(type_: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Inputs of ``type_`` whose change replaces the resource.

    A type that the table lacks has only the general ones: region, project, or name and namespace.
    """
    package = type_.partition(":")[0]
    if package == "kubernetes":
        if type_ == RELEASE:
            return _table()[package]["helm.sh/Release"]
        api, kind = api_of(type_, inputs)
        key = f"{api.partition('/')[0] if '/' in api else ''}/{kind}"
    else:
        key = type_
    return (*_ALWAYS.get(package, ()), *_table().get(package, {}).get(key, ()))


def is_covered(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of ``patterns`` is ``path`` or above it."""
    return _covered(path, tuple(patterns))


@cache
def _table() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(_DATA.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a safe loader)
    return {
        package: {key: tuple(paths) for key, paths in types.items()}
        for package, types in data.items()
        if isinstance(types, Mapping)
    }


def _covered(path: str, patterns: tuple[str, ...]) -> bool:
    plain = _without_indexes(path)
    return any(
        pattern in ("*", candidate) or (candidate.startswith(pattern) and candidate[len(pattern)] in ".[")
        for pattern in patterns
        for candidate in (path, plain)
    )


def _without_indexes(path: str) -> str:
    """``a[0].b`` as ``a.b``: the tables name no list positions."""
    kept, depth = [], 0
    for sign in path:
        depth += sign == "["
        if not depth:
            kept.append(sign)
        depth -= sign == "]"
    return "".join(kept)


def _walk(old: Any, new: Any, path: str) -> Iterator[tuple[str, ChangeKind]]:
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        old, new = dict(enumerate(old)), dict(enumerate(new))
    elif not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if new is UNKNOWN or old != new:
            yield path, ChangeKind.UPDATE
        return
    for key in sorted({*old, *new}):
        place = _join(path, key)
        if str(key).startswith("__"):
            continue
        if key not in new:
            yield from _leaves(old[key], place, ChangeKind.DELETE)
        elif key not in old:
            yield from _leaves(new[key], place, ChangeKind.ADD)
        else:
            yield from _walk(old[key], new[key], place)


def _leaves(value: Any, path: str, kind: ChangeKind) -> Iterator[tuple[str, ChangeKind]]:
    """An object that appears or goes is one change per property, for each may replace or not."""
    if value is None:
        return
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from _leaves(value[key], _join(path, key), kind)
    else:
        yield path, kind


def _join(path: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not key or any(sign in key for sign in '.["]'):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key
