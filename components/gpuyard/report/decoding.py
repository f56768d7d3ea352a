"""JSON-like data into frozen dataclasses by their annotations, every problem noted with its place.

Strict where a mistake would change a number (text is no amount, true is no count), lenient where time
passes: a key that nobody knows is skipped, a missing one takes the default, or None where None is allowed.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gpuyard.errors import Finding

RecordT = TypeVar("RecordT")
MOST_PROBLEMS = 50
"""Beyond these the rest is only counted."""


class Decoder:
    """Reads records and keeps the problems; what is returned after a problem is not to be used."""

    def __init__(self) -> None:
        self._problems: list[Finding] = []
        self._more = 0

    @property
    def problems(self) -> list[Finding]:
        """Every problem so far; the last one says how many more there are."""
        if not self._more:
            return self._problems
        rest = Finding.error("INVALID", "", f"and {self._more} more problems", "write the file again")
        return [*self._problems, rest]

    def refuse(self, place: str, message: str, fix: str, *, code: str = "INVALID", value: Any = None) -> None:
        """Note a problem."""
        if len(self._problems) == MOST_PROBLEMS:
            self._more += 1
            return
        self._problems.append(
            Finding.error(
                code, place, message, fix, value=value if isinstance(value, bool | int | float) else None
            )
        )

    def mapping(self, data: Any, place: str) -> Mapping[str, Any]:
        """An object; anything else is a problem and reads as empty."""
        if isinstance(data, Mapping):
            return data
        self._wrong(data, "an object", place)
        return {}

    def sequence(self, data: Any, place: str) -> list[Any]:
        """An array; anything else is a problem and reads as empty."""
        if isinstance(data, list | tuple):
            return list(data)
        self._wrong(data, "an array", place)
        return []

    def record(
        self,
        kind: type[RecordT],
        data: Any,
        place: str,
        *,
        renamed: Mapping[str, str] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> RecordT:
        """A ``kind`` out of an object.

        ``renamed`` gives the keys of fields that are called otherwise in the data; ``given`` the values of
        fields that the caller has read itself.
        """
        if not isinstance(data, Mapping):
            self._wrong(data, "an object", place)
            return _blank(kind)
        before = len(self._problems) + self._more
        values = dict(given or {})
        for name, (hint, default) in _shape(kind).items():
            if name in values:
                continue
            key = (renamed or {}).get(name, name)
            if key in data:
                values[name] = self.value(hint, data[key], join(place, key))
            elif default is not MISSING:
                values[name] = default()
            elif NoneType in get_args(hint):
                values[name] = None
            else:
                self.refuse(join(place, key), "is required", "write the file again", code="REQUIRED")
        if len(self._problems) + self._more > before:
            return _blank(kind)
        return kind(**values)

    def value(self, hint: Any, data: Any, place: str) -> Any:
        """A value of the annotated type ``hint``."""
        if get_origin(hint) in (Union, UnionType):
            if data is None and NoneType in get_args(hint):
                return None
            (hint,) = (option for option in get_args(hint) if option is not NoneType)
        if hint is Any:
            return data
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is tuple:
            return self._tuple(arguments, data, place)
        if origin is not None and issubclass(origin, Mapping):
            return {
                str(key): self.value(arguments[1], item, join(place, str(key)))
                for key, item in self.mapping(data, place).items()
            }
        if isinstance(hint, type) and is_dataclass(hint):
            return self.record(hint, data, place)
        if issubclass(hint, StrEnum):
            return self._member(hint, data, place)
        return self._scalar(hint, data, place)

    def _tuple(self, arguments: tuple[Any, ...], data: Any, place: str) -> tuple[Any, ...]:
        items = self.sequence(data, place)
        if arguments[-1] is Ellipsis:
            kinds = [arguments[0]] * len(items)
        else:
            kinds = list(arguments)
            if len(items) != len(kinds):
                self.refuse(place, f"has {len(items)} entries, not {len(kinds)}", "write the file again")
                return ()
        return tuple(
            self.value(kind, item, f"{place}[{index}]")
            for index, (kind, item) in enumerate(zip(kinds, items, strict=True))
        )

    def _member(self, kind: type[StrEnum], data: Any, place: str) -> StrEnum | None:
        members = [str(member) for member in kind]
        if isinstance(data, str) and data in members:
            return kind(data)
        self.refuse(place, "is not one of the allowed values", "allowed: " + ", ".join(members))
        return None

    def _scalar(self, kind: type, data: Any, place: str) -> Any:
        read, words = _SCALARS[kind]
        value = read(data)
        if value is None:
            self._wrong(data, words, place)
        return value

    def _wrong(self, data: Any, wanted: str, place: str) -> None:
        found = _NAMES.get(type(data), type(data).__name__)
        self.refuse(place, f"is {found}, not {wanted}", "write the file again", value=data)


def join(place: str, key: str) -> str:
    """The place of ``key`` inside ``place``."""
    return f"{place}.{key}" if place else key


def _text(data: Any) -> str | None:
    return data if isinstance(data, str) else None


def _flag(data: Any) -> bool | None:
    return data if isinstance(data, bool) else None


def _count(data: Any) -> int | None:
    """A whole number; 730.0 is one, as some writers know only doubles."""
    if isinstance(data, bool) or not isinstance(data, int | float | Decimal):
        return None
    return int(data) if math.isfinite(data) and data == int(data) else None


def _float(data: Any) -> float | None:
    """Whole numbers stay whole, so that they print as they were written."""
    if isinstance(data, bool) or not isinstance(data, int | float | Decimal) or not math.isfinite(data):
        return None
    return data if isinstance(data, int) else float(data)


def _amount(data: Any) -> Decimal | None:
    """A float counts as the digits it prints."""
    if isinstance(data, bool) or not isinstance(data, int | float | Decimal) or not math.isfinite(data):
        return None
    return data if isinstance(data, Decimal) else Decimal(str(data))


_SCALARS: Mapping[type, tuple[Callable[[Any], Any], str]] = {
    str: (_text, "text"),
    bool: (_flag, "true or false"),
    int: (_count, "a whole number"),
    float: (_float, "a finite number"),
    Decimal: (_amount, "a finite number"),
}
_NAMES = {
    NoneType: "null",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
}


@cache
def _shape(kind: type) -> dict[str, tuple[Any, Any]]:
    """Fields of a dataclass: annotation and a maker of the default (MISSING: there is none)."""
    hints = get_type_hints(kind)
    shape = {}
    for field in fields(kind):
        default: Any = field.default_factory
        if default is MISSING and field.default is not MISSING:
            default = _maker(field.default)
        shape[field.name] = (hints[field.name], default)
    return shape


def _maker(value: Any) -> Callable[[], Any]:
    return lambda: value


def _blank(kind: type[RecordT]) -> RecordT:
    """Stands for a record that could not be read; the caller raises before anyone looks into it."""
    return object.__new__(kind)
