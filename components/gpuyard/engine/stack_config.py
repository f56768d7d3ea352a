"""A stack's config in Pulumi's wire form: keys with their namespace, every value as text.

Objects and lists are JSON with sorted keys, as the engine hands them to a program. Encrypted values cannot
be read without the stack's key: they are unknown secrets here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gpuyard.engine.protocol import UNKNOWN_STRING
from gpuyard.engine.yaml_file import describe_kind
from gpuyard.errors import Finding
from gpuyard.records import record
from gpuyard.resources import SECRET, to_json

_DECLARATION = frozenset({"type", "description", "default", "value", "secret", "items"})
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (Mapping,),
}


@record
class StackConfig:
    """The config of one stack in Pulumi's wire form."""

    values: Mapping[str, str]
    """``namespace:key`` to text; objects as JSON."""
    secret_keys: tuple[str, ...]
    """Keys of `values` that hold something encrypted, at the top or further in; its text is unknown."""
    plain: Mapping[str, Any]
    """The same as data: without secrets, and "[secret]" where one lies inside an object."""


def read_config(
    project: str, declared: Mapping[str, Any], config: Mapping[str, Any], file: str
) -> tuple[StackConfig, list[Finding]]:
    """The config that Pulumi.yaml's ``declared`` and the stack's ``config`` give; what is wrong with it."""
    declarations = {_qualify(project, key): _declaration(value) for key, value in declared.items()}
    given = {_qualify(project, key): value for key, value in config.items()}
    defaults = {
        key: found.get("value", found.get("default"))
        for key, found in declarations.items()
        if found.keys() & {"value", "default"}
    }
    problems = [*_check_keys(given, file), *_check_declared(declarations, {**defaults, **given}, given, file)]
    values: dict[str, str] = {}
    secrets, plain = [], {}
    for key, value in sorted({**defaults, **given}.items()):
        hidden = _hide(value)
        if hidden != value:
            secrets.append(key)
        if hidden is not SECRET:
            plain[key] = to_json(hidden)
        values[key] = _wire_text(_on_wire(hidden))
    return StackConfig(values=values, secret_keys=tuple(secrets), plain=plain), problems


def _qualify(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _declaration(value: Any) -> Mapping[str, Any]:
    """What Pulumi.yaml says of a key; a bare value there is the value itself."""
    if isinstance(value, Mapping) and value and set(value) <= _DECLARATION:
        return value
    return {"value": value}


def _check_keys(given: Mapping[str, Any], file: str) -> Iterator[Finding]:
    for key, value in given.items():
        parts = key.split(":")
        if len(parts) != 2 or not all(parts):
            yield Finding.error(
                "INVALID", f"{file}: config.{key}", "is no config key", 'write "namespace:key"'
            )
        if value is None:
            yield Finding.error(
                "INVALID", f"{file}: config.{key}", "has no value", "give it one, or remove the key"
            )


def _check_declared(
    declarations: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any],
    given: Mapping[str, Any],
    file: str,
) -> Iterator[Finding]:
    for key, declared in declarations.items():
        place = f"{file}: config.{key}"
        if key not in values:
            about = declared.get("description")
            yield Finding.error(
                "REQUIRED",
                place,
                "Pulumi.yaml declares it without a default, and the stack does not set it",
                "set it" + (f": {about}" if about else ""),
            )
            continue
        value, kind = values[key], str(declared.get("type", ""))
        is_encrypted = _hide(value) is SECRET
        if declared.get("secret") and key in given and not is_encrypted and value is not None:
            fix = f"remove it and run: pulumi config set --secret {key}"
            yield Finding.error(
                "SECRET_IN_PLAIN_TEXT", place, "is declared secret, but stands there in plain text", fix
            )
        elif kind in _TYPES and not is_encrypted and value is not None and not _is_of(kind, value):
            message = f"must be of type {kind}, not {describe_kind(value)}"
            yield Finding.error("INVALID", place, message, "change it, or its type in Pulumi.yaml")


def _is_of(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, str) and kind in ("integer", "number", "boolean"):
        # `pulumi config set` writes numbers and booleans as text
        return _reads_as(kind, value)
    return isinstance(value, _TYPES[kind])


def _reads_as(kind: str, text: str) -> bool:
    try:
        return isinstance(json.loads(text), _TYPES[kind])
    except ValueError:
        return False


def _hide(value: Any) -> Any:
    """The value with the SECRET marker for each encrypted part."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"} and isinstance(value["secure"], str):
            return SECRET
        return {key: _hide(item) for key, item in value.items()}
    return [_hide(item) for item in value] if isinstance(value, list) else value


def _on_wire(value: Any) -> Any:
    if value is SECRET:
        return UNKNOWN_STRING
    if isinstance(value, Mapping):
        return {key: _on_wire(item) for key, item in value.items()}
    return [_on_wire(item) for item in value] if isinstance(value, list) else value


def _wire_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
