"""Input and output types of the provider SDKs, each made when it is first looked at.

A provider's modules hold thousands of such classes, of which a program needs a few dozen; most of the time
of an import goes into the annotations of the others. Here a class is there at once, with its own name and
bases, but the body of its ``class`` statement runs when somebody asks for what is in it. That concerns
modules that `execute` runs; nothing of Pulumi or Python is changed for anybody else.
"""

import builtins
import threading
import types
from abc import ABCMeta
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any, TypedDict

import pulumi

_BASES = ((), (dict,), (TypedDict,))
"""Of input types, output types and input types as dictionaries."""
_DECORATORS = ("input_type", "output_type")
_BODILESS = frozenset(
    {"__name__", "__qualname__", "__module__", "__class__", "__bases__", "__mro__", "__origin__"}
)
"""What can be said of a class before its body has run; typing asks each for an origin, which none has."""


@dataclass(frozen=True, slots=True)
class _Body:
    """What is left to do for a class."""

    code: CodeType
    scope: dict[str, Any]
    decorators: list[Callable[[type], type]] = field(default_factory=list)


_WAITING: dict[type, _Body] = {}
_SETTLING = threading.RLock()


def execute(code: CodeType, module: ModuleType) -> None:
    """Run a module of a provider SDK; its input and output types wait for their first use."""
    scope, made = vars(module), list[type]()
    stand_in = _Pulumi("pulumi")

    def build(function: Any, name: str, *bases: Any, **options: Any) -> Any:
        """What a ``class`` statement calls."""
        if bases not in _BASES or options or function.__closure__:
            return builtins.__build_class__(function, name, *bases, **options)
        kind = _announce(name, module.__name__, bases)
        _WAITING[kind] = _Body(function.__code__, scope)
        made.append(kind)
        return kind

    def load(name: str, *more: Any) -> Any:
        """What an ``import`` statement calls."""
        found = __import__(name, *more)
        return stand_in if found is pulumi else found

    scope["__builtins__"] = {**vars(builtins), "__build_class__": build, "__import__": load}
    exec(code, scope)  # noqa: S102 (as every loader does)
    scope["__builtins__"] = builtins
    scope.update({name: pulumi for name, value in scope.items() if value is stand_in})
    _settle_unmarked(made)


def settle(kind: type) -> None:
    """Run the body of a class if it still waits."""
    with _SETTLING:
        body = _WAITING.pop(kind, None)
        if body is None:
            return
        if isinstance(kind, _WaitingDict):
            _fill_dict(kind, body)
        else:
            _fill(kind, body)


class _Mixable(ABCMeta):
    """A metaclass beside which a program may name `abc.ABC`; the SDK's own classes have nothing abstract."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return type.__subclasscheck__(cls, subclass)


class _Waiting(_Mixable):
    """The type of a class whose body has not run."""

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any], **options: Any) -> type:
        """A class of somebody's own on top of one that waits."""
        for base in bases:
            settle(base)
        return types.new_class(name, bases, options, lambda scope: scope.update(names))

    def __getattribute__(cls, name: str) -> Any:
        if name not in _BODILESS:
            settle(cls)
        return type.__getattribute__(cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        settle(cls)
        type.__setattr__(cls, name, value)

    def __delattr__(cls, name: str) -> None:
        settle(cls)
        type.__delattr__(cls, name)

    def __call__(cls, *values: Any, **named: Any) -> Any:
        settle(cls)
        return cls(*values, **named)


class _Settled(_Mixable):
    """The type of such a class from then on; as ``type``, to which Python lets no class return."""

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any], **options: Any) -> Any:
        """A class on top of one, abstract only where a base is."""
        made_by = ABCMeta if any(hasattr(base, "_abc_impl") for base in bases) else type
        return made_by.__new__(cls, name, bases, names, **options)


_DictType: Any = type(TypedDict("_", {}))


class _WaitingDict(_Waiting, _DictType):
    """The same for a TypedDict, which is one before its body has run."""

    __instancecheck__ = _DictType.__instancecheck__
    __subclasscheck__ = _DictType.__subclasscheck__


class _Pulumi(ModuleType):
    """What ``pulumi`` is while a module is being run: its decorators wait with the class."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(pulumi, name)
        return _later(found) if name in _DECORATORS else found


def _later(decorator: Callable[[type], type]) -> Callable[[type], type]:
    def decorate(kind: type) -> type:
        if kind not in _WAITING:
            return decorator(kind)
        _WAITING[kind].decorators.append(decorator)
        return kind

    return decorate


def _announce(name: str, module: str, bases: tuple[Any, ...]) -> type:
    """A class without its body. A TypedDict's only base is ``dict``, whatever its statement says."""
    names = {"__module__": module, "__qualname__": name}
    if bases == (TypedDict,):
        return type.__new__(_WaitingDict, name, (dict,), names)
    return type.__new__(_Waiting, name, bases, names)


def _fill(kind: type, body: _Body) -> None:
    names: dict[str, Any] = {}
    exec(body.code, body.scope, names)  # noqa: S102
    cell = names.pop("__classcell__", None)
    if cell is not None:
        cell.cell_contents = kind
    for name, value in names.items():
        type.__setattr__(kind, name, value)
    for decorator in body.decorators:
        decorator(kind)
    kind.__class__ = _Settled  # last: another thread that meets the class before that waits for `settle`


def _fill_dict(kind: type, body: _Body) -> None:
    """Have typing make the class, and take its contents."""
    made = types.new_class(
        kind.__name__,
        (TypedDict,),
        {},
        lambda names: exec(body.code, body.scope, names),  # noqa: S102
    )
    for name, value in vars(made).items():
        if name not in ("__dict__", "__weakref__"):
            type.__setattr__(kind, name, value)
    kind.__class__ = _DictType


def _settle_unmarked(kinds: Iterable[type]) -> None:
    """A class without a decorator is no input or output type, and may count on its body being run."""
    for kind in kinds:
        if kind in _WAITING and not isinstance(kind, _DictType) and not _WAITING[kind].decorators:
            settle(kind)
