"""Resource types without rules of their own: an id, the inputs, and every output that the SDK promises.

The provider SDKs declare which outputs are always set. Each of those that is no input gets a value of its
declared type: a text that names itself, an empty list or object, 0, false. So a program that reads one runs
on, and no one takes the value for a real one. A type that the SDK does not know is an error.
"""

import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from gpuyard.errors import EngineError, did_you_mean
from gpuyard.simulate.aws_names import common_outputs, make_arn
from gpuyard.simulate.ids import hex_id
from gpuyard.simulate.kind import Kind, Request

_CAPITAL = re.compile("[A-Z]")
_EMPTY: Mapping[type, Any] = {bool: False, int: 0, float: 0}


def generic_kind(type_: str) -> Kind:
    """Rules for ``type_`` from what its SDK promises.

    Raises:
        EngineError: the SDK has no such type.
    """
    outputs = promised_outputs(type_)
    return Kind(compute=lambda request: _compute(request, outputs), name="name" if "name" in outputs else "")


@cache
def promised_outputs(type_: str) -> Mapping[str, type]:
    """Outputs that the SDK declares to be always set, with their plain type, by wire name.

    Raises:
        EngineError: the SDK has no such type, or is not installed.
    """
    from gpuyard.engine.sdk import known_tokens, resource_class  # noqa: PLC0415 (loads the whole SDK)

    found = resource_class(type_) if type_.count(":") == 2 else None
    if found is None:
        package = type_.partition(":")[0]
        near = did_you_mean(type_, known_tokens(package))
        raise EngineError(
            f"the {package} provider has no resource type {type_}" + (f"\n  {near}" if near else "")
        )
    promised: dict[str, type] = {}
    for name, member in inspect.getmembers(found, lambda item: isinstance(item, property)):
        arguments = typing.get_args(typing.get_type_hints(member.fget).get("return"))
        if name in ("urn", "id") or not arguments or type(None) in typing.get_args(arguments[0]):
            continue
        plain = typing.get_origin(arguments[0]) or arguments[0]
        promised[getattr(member.fget, "_pulumi_name", _camel(name))] = plain
    return promised


def _compute(request: Request, outputs: Mapping[str, type]) -> Mapping[str, Any]:
    package, module, _ = request.type.split(":")
    name = str(request.inputs.get("name") or request.name)
    id_ = f"{name}-{hex_id(request.seed, 7)}" if not request.inputs.get("name") else name
    made = {key: _value(key, kind, name) for key, kind in outputs.items() if key not in request.inputs}
    if "name" in made:
        made["name"] = name
    if package == "aws":
        service, _, kind = module.partition("/")
        if "arn" in made:
            made["arn"] = make_arn(service, request.place.require_region(), f"{kind.lower()}/{id_}")
        made |= {key: value for key, value in common_outputs(request).items() if key in outputs}
    if package == "gcp":
        made |= {key: value for key, value in (("project", request.place.project),) if key in made and value}
        made |= {key: value for key, value in (("region", request.place.region),) if key in made and value}
    return {"id": id_, **made}


def _value(key: str, kind: type, name: str) -> Any:
    if kind is str:
        return f"{name}-" + _CAPITAL.sub(lambda letter: f"-{letter[0]}", key).lower()
    if kind in _EMPTY:
        return _EMPTY[kind]
    return [] if isinstance(kind, type) and issubclass(kind, Sequence) else {}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
