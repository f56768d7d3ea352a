"""Frozen values that are cheap to have.

A command waits for the classes of some two hundred tables and values, and `dataclass(frozen=True)` compiles
six methods for each: a millisecond or more. Here all but the constructor are written once, the constructor
is compiled for the first value, and type checkers hold the values frozen; nothing does at run time.
"""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Signature, signature
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(cls: type[T]) -> type[T]:
    """A row of a table, or a value of one run: made by keyword, compared by what it holds."""
    made: Any = dataclass(slots=True, kw_only=True, init=False, eq=False, repr=False)(cls)
    names = made.__slots__
    values = attrgetter(*names)

    def begin(self: Any, *wrong: Any, **given: Any) -> None:
        made.__init__ = _constructor(made)
        made.__init__(self, *wrong, **given)

    def equal(self: Any, other: Any) -> bool:
        return values(self) == values(other) if other.__class__ is made else NotImplemented

    def digest(self: Any) -> int:
        return hash(values(self))

    def show(self: Any) -> str:
        return f"{made.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    made.__init__, made.__eq__, made.__hash__, made.__repr__ = begin, equal, digest, show
    made.__signature__ = _Signature()
    return made


class _Signature:
    """What `inspect` is told of a record, whether or not there is a value yet."""

    def __get__(self, _value: Any, cls: Any) -> Signature:
        whole = signature(_constructor(cls))
        return whole.replace(parameters=list(whole.parameters.values())[1:])


def _constructor(cls: Any) -> Callable[..., None]:
    """What a dataclass has for ``__init__``."""
    parameters, body, scope = [], [], {}
    for item in fields(cls):
        name, parameter, value = item.name, item.name, item.name
        if item.default is not MISSING:
            scope[f"{name}_"], parameter = item.default, f"{name}={name}_"
        elif item.default_factory is not MISSING:
            scope[f"{name}_"], parameter = item.default_factory, f"{name}=missing_"
            value = f"{name}_() if {name} is missing_ else {name}"
        parameters.append(parameter)
        body.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    scope["missing_"] = MISSING
    exec(f"def __init__(self, *, {', '.join(parameters)}):\n " + "\n ".join(body), scope)  # noqa: S102 (as dataclasses do)
    made: Any = scope["__init__"]
    made.__annotations__ = {item.name: item.type for item in fields(cls)} | {"return": None}
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    return made
