"""The lock as a file: read whole, written so that a diff of two shows what changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gpuyard.capacity.lock import LOCK_VERSION, Lock
from gpuyard.errors import Finding, SpecError
from gpuyard.parsing import parse_spec

_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is built in: ten times faster."""


class _Loader(_Fast):
    """PyYAML's, but a key that is there twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping; its keys are told apart."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            seen = set()
            for key, _ in node.value:
                if key.value in seen:
                    text = f'the key "{key.value}" is there twice'
                    raise yaml.constructor.ConstructorError(None, None, text, key.start_mark)
                seen.add(key.value)
        return mapping


def render_lock(lock: Lock) -> str:
    """The file's text: a diff of one line per changed value."""
    head = (
        f"# Where {lock.stack} runs, and where next. Written by `gpuyard lock -s {lock.stack}`; "
        "review its diff like code.\n"
        "# `active` is the rung in use, counted from 0. Prices are USD per machine-hour, dated.\n"
    )
    data = lock.model_dump(mode="json", exclude_defaults=True)
    return head + yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Lists of words and flat mappings on one line each, so that a rung is a few lines."""

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        flat = not any(isinstance(item, list | dict) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style or flat)

    def represent_float(self, data: float) -> yaml.ScalarNode:
        """192 instead of 192.0; reading makes it a float again."""
        whole = data.is_integer() and abs(data) < 1e15
        return self.represent_int(int(data)) if whole else super().represent_float(data)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flat = (
            not any(isinstance(value, list | dict) for value in mapping.values()) and "cloud" not in mapping
        )
        return super().represent_mapping(tag, mapping, flow_style or flat)


_Dumper.add_representer(float, _Dumper.represent_float)


def read_lock(path: Path) -> Lock:
    """The lock at ``path``.

    Raises:
        SpecError: unreadable, malformed, hand-broken, or made by a newer gpuyard.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([_broken(path.name, f"cannot be read: {error.__class__.__name__}")]) from None
    return parse_lock_text(text, path.name)


def parse_lock_text(text: str, name: str) -> Lock:
    """The lock from the text of the file ``name``.

    Raises:
        SpecError: as `read_lock`.
    """
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        reason = getattr(error, "problem", None) or "cannot be parsed"
        raise SpecError([_broken(place, f"is not YAML: {reason}")]) from None
    return parse_lock(data, name)


def parse_lock(data: Any, place: str = "capacity lock") -> Lock:
    """The lock from its data (as the file holds it).

    Raises:
        SpecError: as `read_lock`.
    """
    version = data.get("version") if isinstance(data, Mapping) else None
    if isinstance(version, int) and version > LOCK_VERSION:
        message = f"was written by a newer gpuyard (lock version {version}, this one reads {LOCK_VERSION})"
        fix = "upgrade gpuyard; the file was left as it is"
        raise SpecError([_broken(place, message, fix, code="LOCK_NEWER")])
    lock = parse_spec(Lock, data, place)
    problems = [
        _broken(
            f"{place}.endpoints.{name}.active",
            f"there is no rung {endpoint.active}; the ladder has {len(endpoint.rungs)}",
            f"use 0 to {len(endpoint.rungs) - 1}",
        )
        for name, endpoint in lock.endpoints.items()
        if endpoint.active >= len(endpoint.rungs)
    ]
    if problems:
        raise SpecError(problems)
    return lock


def _broken(
    path: str,
    message: str,
    fix: str = "run `gpuyard lock` again and review the diff",
    code: str = "LOCK_INVALID",
) -> Finding:
    return Finding.error(code, path, message, fix)
