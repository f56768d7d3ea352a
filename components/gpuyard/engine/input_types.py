"""Input types of the provider SDKs as data: fields by wire name, and which plain values each may hold."""

import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, SimpleNamespace, UnionType
from typing import Any

import pulumi

from gpuyard.engine.sdk import is_input_type, wire_names


@dataclass(frozen=True, slots=True)
class InputField:
    """One field of an input type."""

    owner: type
    name: str
    """In Python."""
    required: bool

    @property
    def kind(self) -> Any:
        """Its annotation, resolved when it is asked for: most fields of most types are left out."""
        return _kind(self.owner, self.name)


@cache
def args_class(kind: type) -> type | None:
    """The input type of a resource class; None where its constructor takes no typed arguments."""
    module = inspect.getmodule(kind)
    for suffix in ("Args", "InitArgs"):
        found = getattr(module, kind.__name__ + suffix, None)
        if found is not None:
            return found
    return None


@cache
def input_fields(input_type: type) -> Mapping[str, InputField]:
    """Fields of an input type by wire name."""
    parameters = inspect.signature(input_type.__init__).parameters
    return {
        wire: InputField(input_type, python, parameters[python].default is inspect.Parameter.empty)
        for python, wire in wire_names(input_type).items()
        if python in parameters
    }


@cache
def _kind(input_type: type, name: str) -> Any:
    constructor: Any = input_type.__init__
    one = SimpleNamespace(__annotations__={name: constructor.__annotations__.get(name, Any)})
    names = {"Output": pulumi.Output, "T": Any}
    return typing.get_type_hints(one, globalns=constructor.__globals__, localns=names)[name]


@cache
def plain_kinds(kind: Any) -> tuple[Any, ...]:
    """The plain alternatives of an annotation: unions opened, outputs, awaitables and None left out."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, UnionType):
        return tuple(option for argument in typing.get_args(kind) for option in plain_kinds(argument))
    if kind is NoneType or origin is pulumi.Output or kind is pulumi.Output:
        return ()
    if inspect.isclass(origin) and issubclass(origin, typing.Awaitable):
        return ()
    if typing.is_typeddict(kind):
        return ()  # the same shape as the input type beside it
    return (kind,)


def collection_kind(option: Any) -> Any:
    """``dict`` or ``list`` for any mapping or sequence type; else the origin of the annotation."""
    origin = typing.get_origin(option)
    if inspect.isclass(origin):
        if issubclass(origin, Mapping):
            return dict
        if issubclass(origin, typing.Sequence):
            return list
    return origin


def matches_any(options: tuple[Any, ...], value: Any) -> bool:
    """Whether a plain value is of one of the kinds; what is inside it is not looked at."""
    return any(_matches(option, value) for option in options)


def _matches(option: Any, value: Any) -> bool:
    if typing.get_origin(option) is typing.Literal:
        return value in typing.get_args(option)
    origin = collection_kind(option)
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


def name_kind(option: Any) -> str:
    """A kind in words."""
    if typing.get_origin(option) is typing.Literal:
        return " or ".join(repr(item) for item in typing.get_args(option))
    if is_input_type(option) or collection_kind(option) is dict:
        return "an object"
    if collection_kind(option) is list:
        return "a list"
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(
        option, str(option)
    )
