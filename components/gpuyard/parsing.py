"""Args to specs: one parse at the edge, every problem at once.

`parse_spec(Model, args, path)` validates plain data against a frozen pydantic model and turns each
problem into a finding with path, value, reason and remedy. Models derive from `Spec`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gpuyard.errors import Finding, SpecError, did_you_mean


class Spec(BaseModel):
    """Base of every spec: frozen, complete, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


SpecT = TypeVar("SpecT", bound=Spec)
_LABEL = re.compile(r"\^\[a-z\]\(\[a-z0-9-\]\{0,(\d+)\}\[a-z0-9\]\)\?\$")
"""Patterns of DNS labels, as the specs write them."""


def parse_spec(model: type[SpecT], args: Any, path: str = "") -> SpecT:
    """Validate ``args`` (plain data) as ``model``.

    Raises:
        SpecError: with one finding per problem; ``path`` prefixes every place.
    """
    if isinstance(args, Mapping):
        args = dict(args)
    try:
        return model.model_validate(args)
    except ValidationError as error:
        raise SpecError([_finding(model, problem, path) for problem in _causes(error.errors())]) from None


def _causes(problems: Sequence[Any]) -> list[Any]:
    """Without lists that are too short only because their entries are wrong."""
    places = [problem["loc"] for problem in problems]
    return [
        problem
        for problem in problems
        if problem["type"] != "too_short"
        or not any(
            len(place) > len(problem["loc"]) and place[: len(problem["loc"])] == problem["loc"]
            for place in places
        )
    ]


def _finding(model: type[BaseModel], problem: Any, prefix: str) -> Finding:
    place = _join(prefix, problem["loc"])
    value = problem.get("input")
    kind, context = problem["type"], problem.get("ctx", {})
    fix = ""
    if kind == "extra_forbidden":
        key = str(problem["loc"][-1])
        fields = sorted(_fields_at(model, problem["loc"][:-1]))
        code, message = "UNKNOWN_KEY", f'there is no key "{key}" here'
        fix = did_you_mean(key, fields) or "remove it"
        if fields:
            fix += "  known keys: " + ", ".join(fields)
        value = None  # may hold anything, a secret among it
    elif kind == "missing":
        code, message, fix, value = "REQUIRED", "is required", "add it", None
    elif kind in ("enum", "literal_error"):
        expected = [
            part.strip("' ") for part in str(context.get("expected", "")).replace(" or ", ",").split(",")
        ]
        code, message = "NOT_ALLOWED", f'"{value}" is not one of the allowed values'
        fix = (did_you_mean(str(value), expected) + "  allowed: " + ", ".join(expected)).strip()
    elif kind == "value_error":
        code, message = "INVALID", str(context.get("error", problem["msg"]))
        message, _, fix = message.partition("\n")
    elif kind == "string_pattern_mismatch" and (label := _LABEL.fullmatch(str(context.get("pattern")))):
        code, message = "INVALID", f'"{value}" is no name'
        longest = int(label[1]) + 2
        fix = f"use at most {longest} lower-case letters, digits and hyphens: a letter first, no hyphen last"
    elif kind == "too_short" and isinstance(value, list | tuple | Mapping):
        least = context.get("min_length", 1)
        code, message, fix = (
            "INVALID",
            "at least 1 entry is needed" if least == 1 else f"at least {least} entries are needed",
            "add one",
        )
    elif kind == "string_type" and isinstance(value, bool):
        code, message = "INVALID", f"must be text, and YAML reads {str(value).lower()} as yes or no"
        fix = "write it in quotes"
    elif kind == "string_type" and isinstance(value, int | float):
        code, message = "INVALID", f"must be text, and YAML reads {value} as a number"
        fix = "write it in quotes, with every digit"
    elif kind in ("tuple_type", "list_type"):
        code, message = "INVALID", "must be a list"
        fix = f"write it as one: [{value}]" if isinstance(value, str) else "write it as one"
    elif kind.startswith("date_"):
        code, message, fix = "INVALID", f'"{value}" is no day', "write it as YYYY-MM-DD"
    else:
        code, message = "INVALID", problem["msg"][:1].lower() + problem["msg"][1:]
        fix = f"change it; got {type(value).__name__}" + ("" if _is_bulky(value) else f" {value!r}")
    return Finding.error(code, place, message, fix, value=None if _is_bulky(value) else value)


def _is_bulky(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple | set | BaseModel)


def _join(prefix: str, location: tuple[Any, ...]) -> str:
    place = prefix
    for part in location:
        if part == "[key]":  # pydantic's word for a key that is wrong itself
            continue
        place += f"[{part}]" if isinstance(part, int) else (f".{part}" if place else str(part))
    return place


def _fields_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Field names of the model that the location points into; empty when it cannot be told."""
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            return []
        current = _model_in(field.annotation)
        if current is None:
            return []
    return list(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
