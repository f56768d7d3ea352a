"""Values on Pulumi's wire: protobuf structs with signatures for secrets, unknowns and references."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value

from gpuyard.engine.protocol import (
    ARCHIVE_SIGNATURE,
    ASSET_SIGNATURE,
    OUTPUT_SIGNATURE,
    RESOURCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE,
    UNKNOWN_SENTINELS,
    UNKNOWN_STRING,
)
from gpuyard.resources import SECRET, UNKNOWN


def decode_struct(struct: Struct, *, reveal: bool = False) -> dict[str, Any]:
    """A wire struct as plain data: UNKNOWN and SECRET markers, whole numbers as int, keys sorted.

    The wire does not keep the order of keys; sorting them makes equal structs equal in bytes.
    ``reveal`` keeps what is inside secrets; only a simulated cloud that must store them asks for that.
    """
    fields = struct.fields
    return {key: decode(fields[key], reveal=reveal) for key in sorted(fields)}


def decode(value: Value, *, reveal: bool = False) -> Any:
    """One wire value as plain data."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_object(value.struct_value, reveal=reveal)
    if kind == "list_value":
        return [decode(item, reveal=reveal) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_SENTINELS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if math.isfinite(number) and number == int(number) else number
    if kind == "bool_value":
        return value.bool_value
    return None


def _decode_object(struct: Struct, *, reveal: bool) -> Any:
    fields = struct.fields
    if SIGNATURE not in fields:
        return decode_struct(struct, reveal=reveal)
    signature = fields[SIGNATURE].string_value
    if signature == SECRET_SIGNATURE:
        return decode(fields["value"], reveal=True) if reveal else SECRET
    if signature == OUTPUT_SIGNATURE:
        if fields["secret"].bool_value and not reveal:
            return SECRET
        return decode(fields["value"], reveal=reveal) if "value" in fields else UNKNOWN
    if signature == RESOURCE_SIGNATURE:
        return fields["urn"].string_value
    kind = {ASSET_SIGNATURE: "asset", ARCHIVE_SIGNATURE: "archive"}.get(signature)
    return f"[{kind} {_describe_content(struct)}]" if kind else f"[object of signature {signature}]"


def _describe_content(struct: Struct) -> str:
    """What an asset or archive holds: its path or address, the names in it, or a digest of its text."""
    fields = struct.fields
    if "path" in fields:
        path = fields["path"].string_value
        # an absolute path is of this machine; only its last part means something elsewhere
        return path.replace("\\", "/").rpartition("/")[2] if path.startswith(("/", "\\")) else path
    if "uri" in fields:
        return fields["uri"].string_value
    if "assets" in fields:
        return "of " + ", ".join(sorted(fields["assets"].struct_value.fields))
    digest = hashlib.sha256(fields["text"].string_value.encode()).hexdigest()
    return f"of text, sha256 {digest[:12]}"


def encode(value: Any) -> Value:
    """Plain data as a wire value: markers become sentinels."""
    result = Value()
    _fill(result, value)
    return result


def encode_struct(values: Mapping[str, Any]) -> Struct:
    """Plain data as a wire struct."""
    struct = Struct()
    for key, value in values.items():
        _fill(struct.fields[key], value)
    return struct


def merge_struct(target: Struct, values: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Lay ``values`` over ``target``, which reads ``known``; what is secret there stays as it is."""
    for key, value in values.items():
        if key in known and known[key] == value:
            continue
        there = target.fields[key]
        inner = there.struct_value if there.HasField("struct_value") else None
        if inner is not None and SIGNATURE in inner.fields:
            if inner.fields[SIGNATURE].string_value == SECRET_SIGNATURE:
                continue
        elif inner is not None and isinstance(value, Mapping) and isinstance(known.get(key), Mapping):
            merge_struct(inner, value, known[key])
            continue
        _fill(there, value)


def _fill(target: Value, value: Any) -> None:
    if value is None:
        target.null_value = NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = UNKNOWN_STRING
    elif value is SECRET:
        _fill(target, {SIGNATURE: SECRET_SIGNATURE, "value": UNKNOWN})
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, Mapping):
        target.struct_value.Clear()
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[str(key)], item)
    elif isinstance(value, list | tuple):
        target.list_value.Clear()
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)
    else:
        raise TypeError(f"{type(value).__name__} has no form on Pulumi's wire")
