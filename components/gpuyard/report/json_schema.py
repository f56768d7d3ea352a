"""JSON Schema of `gpuyard.report/v1` and `gpuyard.cost/v1`, read off the types that are written.

Where JSON differs from the types (keys renamed or computed), the difference stands here, type by type.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from gpuyard.costs.line_item import LineItem, Loads, Unpriced
from gpuyard.economics.throughput import Setting
from gpuyard.leadtime.lead_time import Gate, Journey, LeadTime, Phase, Shortcut
from gpuyard.report.limits import Limits
from gpuyard.report.model import SCHEMA, Report, RungRow

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
_PLAIN: Mapping[Any, dict[str, Any]] = {
    str: _TEXT,
    int: {"type": "integer"},
    float: _NUMBER,
    bool: {"type": "boolean"},
    Any: {},
}


def report_schema() -> dict[str, Any]:
    """The schema of ``gpuyard report --format json``."""
    properties = {
        "schema": {"const": SCHEMA},
        **_properties(Report, "costs", "lead_times", "rungs", "gates"),
        "ladder": _list(_of(RungRow)),
        "cost": _cost(),
        "lead_time": _by_name(_lead_time()),
        "gates": _limits(),
    }
    return _document("A report of gpuyard", properties)


def cost_schema() -> dict[str, Any]:
    """The schema of ``gpuyard cost --format json``."""
    return _document(
        "What a program costs", {"schema": {"const": "gpuyard.cost/v1"}, **_cost()["properties"]}
    )


def _document(title: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": DIALECT, "title": title, **_object(properties)}


def _object(properties: Mapping[str, Any], *, optional: Sequence[str] = ()) -> dict[str, Any]:
    """Every key is always there but ``optional`` ones; readers skip keys that they do not know."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def _by_name(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": dict(value)}


def _list(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(value)}


def _or_null(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(value), {"type": "null"}]}


def _properties(kind: Any, *without: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: _of(hints[one.name]) for one in fields(kind) if one.name not in without}


def _of(hint: Any) -> dict[str, Any]:
    """What a value of the type is in JSON."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if origin in (Union, types.UnionType):
        return _or_null(_of(next(one for one in arguments if one is not type(None))))
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return _list(_of(arguments[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _by_name(_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [str(one) for one in hint]}
    if hint is Setting:
        return _object(_properties(hint, "shape"))
    assert is_dataclass(hint), hint  # noqa: S101 (a new kind of type needs a line above)
    return _object(_properties(hint))


def _cost() -> dict[str, Any]:
    loads, monthly = _object(_three(_NUMBER)), {"monthly": _NUMBER}
    totals = {
        **_three(_object(monthly)),
        "expected": _object({**monthly, "monthly_p10": _NUMBER, "monthly_p90": _NUMBER}),
        "one_time": _NUMBER,
        "credits": {"type": "number", "maximum": 0},
    }
    return _object(
        {
            "currency": {"const": "USD"},
            "hours_per_month": _WHOLE,
            "reference_date": _TEXT,
            "totals": _object(totals),
            "groups": _by_name(loads),
            "line_items": _list(_line_item()),
            "unknown": _list(_object(_amounts(Unpriced, ("quantity",)))),
            "unknown_types": _by_name(_WHOLE),
            "price_dates": _or_null({**_list(_TEXT), "minItems": 2, "maxItems": 2}),
            "resources": _object({"priced": _WHOLE, "free": _WHOLE}),
        }
    )


def _line_item() -> dict[str, Any]:
    prices = ("list_unit_price", "contracted_unit_price", "unit_price_low", "unit_price_high")
    parts = _amounts(LineItem, ("quantity",), prices)
    parts["unit_price"] = _NUMBER
    parts["unit_price_p10"], parts["unit_price_p90"] = (
        parts.pop("unit_price_low"),
        parts.pop("unit_price_high"),
    )
    parts |= {name: _or_null(_object(_three(_NUMBER))) for name in ("list", "contracted", "effective")}
    parts["category"] = {"enum": ["Usage", "Purchase", "Credit"]}
    parts["pricing_category"] = {"enum": ["Standard", "Dynamic", "Committed", "Other"]}
    parts["frequency"] = {"enum": ["One-Time", "Recurring", "Usage-Based"]}
    return _object(parts, optional=("sku",))


def _amounts(kind: Any, loads: Sequence[str], prices: Sequence[str] = ()) -> dict[str, Any]:
    """Fields of a charge; decimals are numbers, and null where they are not known."""
    hints = get_type_hints(kind)
    found = {}
    for one in fields(kind):
        if one.name in loads:
            found[one.name] = _or_null(_object(_three(_NUMBER)))
        elif one.name in prices:
            found[one.name] = _or_null(_NUMBER)
        elif one.name != "unit_price":
            found[one.name] = _of(hints[one.name])
    return found


def _three(value: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: dict(value) for one in fields(Loads)}


def _lead_time() -> dict[str, Any]:
    phase = {**_properties(Phase), "trust": _TEXT, "start_s": _NUMBER}
    journey = {**_properties(Journey, "name", "starts"), "phases": _list(_object(phase))}
    names = [name for name, hint in get_type_hints(LeadTime).items() if hint is Journey]
    return _object(
        {
            "gates": _list(_of(Gate)),
            "journeys": _object({name: _object(journey) for name in names}),
            "measured": _list(_TEXT),
            "cold_start_usd": _or_null(_NUMBER),
            "shortcuts": _list(_of(Shortcut)),
        }
    )


def _limits() -> dict[str, Any]:
    """Only those that are set."""
    hints = get_type_hints(Limits)
    numbers = {name: _by_name(_NUMBER) if name.startswith("lead_time") else _NUMBER for name in hints}
    return {"type": "object", "properties": numbers, "additionalProperties": False}
