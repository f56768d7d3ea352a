"""YAML as Pulumi reads it: YAML 1.2's words for true and false, dates as text, no key twice; JSON-ready data.

PyYAML follows YAML 1.1, where ``on`` is true and ``1:30`` ninety, and it lets the last of two equal keys
win. Pulumi's reader (Go, yaml.v3) does none of that, and what it takes for a time becomes the text that Go
prints: ``2026-11-24`` is ``2026-11-24 00:00:00 +0000 UTC``, in its copy of the file too (engine 3.260).
"""

import json
import re
from collections.abc import Hashable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from gpuyard.errors import Finding, SpecError


class _Loader(yaml.SafeLoader):
    """A safe loader with the resolvers below."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """As PyYAML's, but a key that is there twice is an error and every key is text."""
        self.flatten_mapping(node)
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            name = key if isinstance(key, str) else json.dumps(key)
            if name in mapping:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key "{name}" is there twice', key_node.start_mark
                )
            mapping[name] = self.construct_object(value_node, deep=deep)
        return mapping


_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?"
_TIME = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[Tt]{_CLOCK}(Z|[-+]\d\d:\d\d)|[ ]{_CLOCK})?")


def _print_time(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    """A time as Go prints it; what has the form and is none, such as a 13th month, stays as written."""
    found = _TIME.fullmatch(node.value)
    if found is None:
        return node.value
    groups = found.groups(default="")
    fraction, zone = groups[6] or groups[11], groups[7].replace(":", "")
    clock = groups[3:6] if zone else groups[8:11]
    year, month, day, hour, minute, second = (int(part or 0) for part in (*groups[:3], *clock))
    try:
        time = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 (its zone is text)
    except ValueError:
        return node.value
    zone = "+0000 UTC" if zone in ("", "Z") else f"{zone} {zone}"
    return f"{time:%Y-%m-%d %H:%M:%S}{fraction.rstrip('0').rstrip('.')} {zone}"


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _print_time)
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:timestamp", _TIME.pattern, "0123456789"),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "-+0123456789.",
    ),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))


def read_mapping(file: Path, root: Path) -> Mapping[str, Any]:
    """A YAML file that must hold a mapping; an empty one counts as such.

    Raises:
        SpecError: with file, line and column.
    """
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a safe loader's subclass)
        json.dumps(data, allow_nan=False)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _error("UNREADABLE", name, f"cannot be read: {reason}", "make it readable") from None
    except UnicodeDecodeError as error:
        raise _error(
            "NOT_YAML", name, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8"
        ) from None
    except yaml.YAMLError as error:
        raise _error("NOT_YAML", *_describe(name, error)) from None
    except (ValueError, TypeError, RecursionError) as error:
        reason = f"holds something that JSON cannot ({error})"
        raise _error("NOT_YAML", name, reason, "write plain mappings, lists, texts and numbers") from None
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise _error("INVALID", name, f"must hold a mapping, not {describe_kind(data)}", "write key: value")
    return data


def describe_kind(value: Any) -> str:
    """A YAML value's kind in words."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(type(value), "text")


def _describe(name: str, error: yaml.YAMLError) -> tuple[str, str, str]:
    mark = getattr(error, "problem_mark", None)
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    fix = "mend the line"
    if "\\t" in reason:
        reason, fix = "a tab where YAML wants spaces", "indent with spaces"
    return place, f"is not YAML: {reason}", fix


def _error(code: str, path: str, message: str, fix: str) -> SpecError:
    return SpecError([Finding.error(code, path, message, fix)])
