"""Values on Pulumi's wire: protobuf structs with signatures for secrets, unknowns and references.

Signatures are published protocol (`pulumi/sdk`, resource/resource.go and sig package; read 2026-11).
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from gpuyard.resources import SECRET, UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (protocol constant)
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_SENTINELS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string; the rest are the other kinds
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def decode_struct(struct: Struct, *, reveal: bool = False) -> dict[str, Any]:
    """A wire struct as plain data: UNKNOWN and SECRET markers, whole numbers as int.

    ``reveal`` keeps what is inside secrets; only a simulated cloud that must store them asks for that.
    """
    return {key: decode(value, reveal=reveal) for key, value in struct.fields.items()}


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
        return int(number) if number == int(number) else number
    if kind == "bool_value":
        return value.bool_value
    return None


def _decode_object(struct: Struct, *, reveal: bool) -> Any:
    fields = struct.fields
    if SIGNATURE not in fields:
        return {key: decode(item, reveal=reveal) for key, item in fields.items()}
    signature = fields[SIGNATURE].string_value
    if signature == SECRET_SIGNATURE:
        return decode(fields["value"], reveal=True) if reveal else SECRET
    if signature == OUTPUT_SIGNATURE:
        if fields["secret"].bool_value and not reveal:
            return SECRET
        return decode(fields["value"], reveal=reveal) if "value" in fields else UNKNOWN
    if signature == RESOURCE_SIGNATURE:
        return fields["urn"].string_value
    kind = {ASSET_SIGNATURE: "asset", ARCHIVE_SIGNATURE: "archive"}.get(signature, "object")
    place = next((fields[key].string_value for key in ("path", "uri") if key in fields), "inline")
    return f"[{kind} {place}]"


def encode(value: Any) -> Any:
    """Plain data as something that `Struct.update` takes: markers become sentinels."""
    if value is UNKNOWN:
        return UNKNOWN_STRING
    if value is SECRET:
        return {SIGNATURE: SECRET_SIGNATURE, "value": UNKNOWN_STRING}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def encode_struct(values: Mapping[str, Any]) -> Struct:
    """Plain data as a wire struct."""
    struct = Struct()
    struct.update(encode(values))
    return struct
