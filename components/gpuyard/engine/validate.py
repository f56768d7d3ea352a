"""Planned inputs against the installed provider SDKs: names, types, what is required, allowed words.

The SDKs hold no schema file, but their input types hold names and types. What they do not hold is the
words that a string may be (`capacityType`, `amiType`): the few that matter for GPUs are in `_WORDS`.
"""

import inspect
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any

import pulumi

from gpuyard.engine.sdk import is_input_type, resource_class, wire_names
from gpuyard.errors import Finding, Severity, did_you_mean
from gpuyard.resources import SECRET, UNKNOWN, Resource

_SKIP_PACKAGES = frozenset({"pulumi", "gpuyard"})
_FREE_FORM = frozenset({"kubernetes:apiextensions.k8s.io:CustomResource"})

_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("aws:eks/nodeGroup:NodeGroup", "capacityType"): ("ON_DEMAND", "SPOT", "CAPACITY_BLOCK"),
    ("aws:eks/nodeGroup:NodeGroup", "amiType"): (
        "AL2023_x86_64_STANDARD",
        "AL2023_ARM_64_STANDARD",
        "AL2023_x86_64_NVIDIA",
        "AL2023_ARM_64_NVIDIA",
        "AL2023_x86_64_NEURON",
        "BOTTLEROCKET_x86_64",
        "BOTTLEROCKET_ARM_64",
        "BOTTLEROCKET_x86_64_NVIDIA",
        "BOTTLEROCKET_ARM_64_NVIDIA",
        "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
        "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
        "AL2_x86_64_GPU",
        "CUSTOM",
    ),
    ("aws:ec2/launchTemplate:LaunchTemplate", "instanceMarketOptions.marketType"): (
        "spot",
        "capacity-block",
        "interruptible-capacity-reservation",
    ),
    (
        "gcp:container/nodePool:NodePool",
        "nodeConfig.guestAccelerators.gpuDriverInstallationConfig.gpuDriverVersion",
    ): ("DEFAULT", "LATEST", "INSTALLATION_DISABLED"),
    ("gcp:container/nodePool:NodePool", "nodeConfig.reservationAffinity.consumeReservationType"): (
        "NO_RESERVATION",
        "ANY_RESERVATION",
        "SPECIFIC_RESERVATION",
        "ANY_RESERVATION_THEN_FAIL",
    ),
    ("gcp:container/nodePool:NodePool", "autoscaling.locationPolicy"): ("ANY", "BALANCED"),
}
"""EKS API model of botocore 1.44 and container v1 rev 2026-10-27, both read 2026-11."""


def validate(resources: Iterable[Resource]) -> list[Finding]:
    """A finding for each input that the provider would not take, in the order of the resources."""
    return [finding for resource in resources for finding in _check(resource)]


def _check(resource: Resource) -> Iterator[Finding]:
    package = resource.type.split(":", 1)[0]
    if not resource.custom or package in _SKIP_PACKAGES or resource.options.get("read"):
        return
    kind = resource_class(resource.type)
    if kind is None:
        if package != "kubernetes" or _is_builtin_group(resource.type):
            yield _finding(
                resource,
                "",
                resource.type,
                f'the installed SDK of {package} has no type "{resource.type}"',
                "",
            )
        return
    if resource.type in _FREE_FORM:
        return
    fields = _fields(_args_class(kind))
    yield from _object(resource, "", fields, resource.inputs)


def _is_builtin_group(token: str) -> bool:
    """Groups of Kubernetes itself have no dot, or end in k8s.io; others are custom resources."""
    group = token.split(":")[1].split("/", 1)[0]
    return "." not in group or group.endswith(".k8s.io")


@dataclass(frozen=True, slots=True)
class _Field:
    kind: Any
    required: bool


def _object(
    resource: Resource, path: str, fields: Mapping[str, _Field], value: Mapping[str, Any]
) -> Iterator[Finding]:
    for name, item in value.items():
        place = f"{path}.{name}" if path else name
        if name not in fields:
            hint = did_you_mean(name, fields) or "known: " + ", ".join(sorted(fields))
            yield _finding(resource, place, None, "there is no such input", hint)
        else:
            yield from _value(resource, place, fields[name].kind, item)
    for name, field in fields.items():
        if field.required and value.get(name, None) is None and name not in value:
            place = f"{path}.{name}" if path else name
            yield _finding(resource, place, None, "is required", "set it")


def _value(resource: Resource, path: str, kind: Any, value: Any) -> Iterator[Finding]:
    if value is UNKNOWN or value is SECRET or value is None:
        return
    options = _options(kind)
    if Any in options or _matches_any(options, value):
        yield from _nested(resource, path, options, value)
        yield from _words(resource, path, value)
        return
    expected = " or ".join(sorted({_name(option) for option in options}))
    yield _finding(resource, path, value, f"must be {expected}, not {_shown(value)}", "")


def _nested(resource: Resource, path: str, options: tuple[Any, ...], value: Any) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        objects = [option for option in options if is_input_type(option)]
        if objects:
            yield from _object(resource, path, _fields(objects[0]), value)
            return
        for option in options:
            arguments = typing.get_args(option)
            if _origin(option) is dict and len(arguments) == 2:
                for key, item in value.items():
                    yield from _value(resource, f"{path}.{key}", arguments[1], item)
                return
    elif isinstance(value, list):
        for option in options:
            arguments = typing.get_args(option)
            if _origin(option) is list and arguments:
                for index, item in enumerate(value):
                    yield from _value(resource, f"{path}[{index}]", arguments[0], item)
                return


def _words(resource: Resource, path: str, value: Any) -> Iterator[Finding]:
    plain = "".join(part.split("]")[-1] for part in path.split("["))
    allowed = _WORDS.get((resource.type, plain))
    if allowed and value not in allowed:
        hint = did_you_mean(str(value), allowed) or "allowed: " + ", ".join(allowed)
        yield _finding(resource, path, value, "is not one of the words that the cloud takes", hint)


def _matches_any(options: tuple[Any, ...], value: Any) -> bool:
    return any(_matches(option, value) for option in options)


def _matches(option: Any, value: Any) -> bool:
    if typing.get_origin(option) is typing.Literal:
        return value in typing.get_args(option)
    origin = _origin(option)
    if is_input_type(option) or origin is dict:
        return isinstance(value, Mapping)
    if origin is list:
        return isinstance(value, list)
    if option is str:
        return isinstance(value, str)
    if option is bool:
        return isinstance(value, bool)
    if option is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if option is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(option, type) and issubclass(option, pulumi.Asset | pulumi.Archive):
        return isinstance(value, str)
    return True  # a kind that this table does not know is the provider's to judge


@cache
def _options(kind: Any) -> tuple[Any, ...]:
    """The plain alternatives of an annotation: unions opened, outputs, awaitables and None left out."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, UnionType):
        return tuple(option for argument in typing.get_args(kind) for option in _options(argument))
    if kind is NoneType or origin is pulumi.Output or kind is pulumi.Output:
        return ()
    if inspect.isclass(origin) and issubclass(origin, typing.Awaitable):
        return ()
    if typing.is_typeddict(kind):
        return ()  # the same shape as the input type beside it
    return (kind,)


def _origin(option: Any) -> Any:
    origin = typing.get_origin(option)
    if inspect.isclass(origin):
        if issubclass(origin, Mapping):
            return dict
        if issubclass(origin, typing.Sequence):
            return list
    return origin


@cache
def _args_class(kind: type) -> type:
    module = inspect.getmodule(kind)
    for suffix in ("Args", "InitArgs"):
        found = getattr(module, kind.__name__ + suffix, None)
        if found is not None:
            return found
    raise LookupError(f"{kind} has no input type; its provider SDK is built in a way that is not known")


@cache
def _fields(input_type: type) -> Mapping[str, _Field]:
    """Fields of an input type by wire name."""
    hints = typing.get_type_hints(input_type.__init__, localns={"Output": pulumi.Output, "T": Any})
    parameters = inspect.signature(input_type.__init__).parameters
    return {
        wire: _Field(hints.get(python, Any), parameters[python].default is inspect.Parameter.empty)
        for python, wire in wire_names(input_type).items()
        if python in parameters
    }


def _name(option: Any) -> str:
    if typing.get_origin(option) is typing.Literal:
        return " or ".join(repr(item) for item in typing.get_args(option))
    if is_input_type(option) or _origin(option) is dict:
        return "an object"
    if _origin(option) is list:
        return "a list"
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(
        option, str(option)
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list) else repr(value)


def _finding(resource: Resource, path: str, value: Any, message: str, fix: str) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        code="INPUT_INVALID",
        path=f"{resource.name} ({resource.type}){': ' + path if path else ''}",
        value=value if isinstance(value, str | int | float | bool) else None,
        message=message,
        fix=fix,
        source="input types of the installed provider SDK",
    )
