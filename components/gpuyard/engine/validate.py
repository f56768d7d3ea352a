"""Planned inputs against the installed provider SDKs: names, types, what is required, allowed words.

The SDKs hold no schema file, but their input types hold names and types. What they do not hold is the
words that a text may be (`capacityType`, `amiType`): the few that matter for GPUs are in `words`.
"""

import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gpuyard.engine.input_types import (
    InputField,
    args_class,
    collection_kind,
    input_fields,
    matches_any,
    name_kind,
    plain_kinds,
)
from gpuyard.engine.sdk import is_input_type, known_tokens, resource_class
from gpuyard.engine.words import WORDS
from gpuyard.errors import EngineError, Finding, Severity, did_you_mean
from gpuyard.resources import SECRET, UNKNOWN, Resource

_SKIP_PACKAGES = frozenset({"pulumi", "pulumi-python", "gpuyard"})
"""The engine's own types, dynamic providers and our components: no provider takes their inputs."""
_FREE_FORM = frozenset({"kubernetes:apiextensions.k8s.io:CustomResource"})
_SOURCE = "input types of the installed provider SDK"


def validate(resources: Iterable[Resource]) -> list[Finding]:
    """A finding for each input that the provider would not take, in the order of the resources.

    Unknown and secret values are passed over, and so are custom resources of Kubernetes, whose types the
    cluster defines.
    """
    return [finding for resource in resources for finding in _check(resource)]


def _check(resource: Resource) -> Iterator[Finding]:
    package = resource.type.split(":", 1)[0]
    has_provider = resource.custom or resource.options.get("remote")
    if not has_provider or package in _SKIP_PACKAGES or resource.options.get("read"):
        return
    try:
        kind = resource_class(resource.type)
    except EngineError as error:
        severity, message = Severity.WARNING, f"its inputs are not checked: {error}"
        yield _finding(resource, "PLAN_SDK_MISSING", "", message, "install it", severity=severity)
        return
    if kind is None:
        if package != "kubernetes" or _is_builtin_group(resource.type):
            message = f'the installed SDK of {package} has no type "{resource.type}"'
            hint = _did_you_mean(resource.type, known_tokens(package))
            yield _finding(resource, "PLAN_TYPE_UNKNOWN", "", message, hint, value=resource.type)
        return
    arguments = None if resource.type in _FREE_FORM else args_class(kind)
    if arguments is not None:
        yield from _object(resource, "", input_fields(arguments), resource.inputs)


def _is_builtin_group(token: str) -> bool:
    """Whether Kubernetes itself, and so its SDK, defines the group; others come from the cluster's CRDs."""
    group = _group(token)
    return "." not in group or group in {_group(known) for known in known_tokens("kubernetes")}


def _group(token: str) -> str:
    return token.split(":")[1].split("/", 1)[0]


def _object(
    resource: Resource, path: str, fields: Mapping[str, InputField], value: Mapping[str, Any]
) -> Iterator[Finding]:
    for name, item in value.items():
        place = f"{path}.{name}" if path else name
        if name not in fields:
            hint = _did_you_mean(name, fields) or "known: " + ", ".join(sorted(fields))
            yield _finding(resource, "PLAN_INPUT_UNKNOWN", place, "there is no such input", hint)
        else:
            yield from _value(resource, place, fields[name].kind, item)
    for name, field in fields.items():
        if field.required and value.get(name) is None:
            place = f"{path}.{name}" if path else name
            yield _finding(resource, "PLAN_INPUT_REQUIRED", place, "is required", "set it")


def _value(resource: Resource, path: str, kind: Any, value: Any) -> Iterator[Finding]:
    if value is UNKNOWN or value is SECRET or value is None:
        return
    options = plain_kinds(kind)
    if not options or Any in options or matches_any(options, value):
        yield from _nested(resource, path, options, value)
        yield from _words(resource, path, value)
        return
    expected = " or ".join(sorted({name_kind(option) for option in options}))
    message = f"must be {expected}, not {_shown(value)}"
    yield _finding(resource, "PLAN_INPUT_TYPE", path, message, f"give it {expected}", value=value)


def _nested(resource: Resource, path: str, options: tuple[Any, ...], value: Any) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        objects = [option for option in options if is_input_type(option)]
        if objects:
            yield from _object(resource, path, input_fields(objects[0]), value)
            return
        for option in options:
            arguments = typing.get_args(option)
            if collection_kind(option) is dict and len(arguments) == 2:
                for key, item in value.items():
                    yield from _value(resource, f"{path}.{key}", arguments[1], item)
                return
    elif isinstance(value, list):
        for option in options:
            arguments = typing.get_args(option)
            if collection_kind(option) is list and arguments:
                for index, item in enumerate(value):
                    yield from _value(resource, f"{path}[{index}]", arguments[0], item)
                return


def _words(resource: Resource, path: str, value: Any) -> Iterator[Finding]:
    words = WORDS.get((resource.type, _without_indices(path))) if isinstance(value, str) else None
    if words is not None and value not in words.allowed:
        hint = _did_you_mean(value, words.allowed) or "allowed: " + ", ".join(words.allowed)
        message = f'"{value}" is not one of the words that the cloud takes'
        found = _finding(resource, "PLAN_INPUT_WORD", path, message, hint, value=value)
        yield replace(found, source=words.source, as_of=words.as_of)


def _without_indices(path: str) -> str:
    return "".join(part.partition("]")[2] if "]" in part else part for part in path.split("["))


def _did_you_mean(text: str, choices: Iterable[str]) -> str:
    """As `did_you_mean`, for names whose capitals people guess wrong; the hint has the right ones."""
    by_lower = {choice.lower(): choice for choice in choices}
    hint = did_you_mean(text, by_lower)
    for lower, choice in by_lower.items():
        hint = hint.replace(f'"{lower}"', f'"{choice}"')
    return hint


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list) else repr(value)


def _finding(
    resource: Resource,
    code: str,
    path: str,
    message: str,
    fix: str,
    *,
    value: Any = None,
    severity: Severity = Severity.ERROR,
) -> Finding:
    return Finding(
        severity=severity,
        code=code,
        path=f"{resource.name} ({resource.type}){': ' + path if path else ''}",
        value=value if isinstance(value, str | int | float | bool) else None,
        message=message,
        fix=fix,
        source=_SOURCE,
    )
