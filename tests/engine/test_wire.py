"""What goes over the wire comes back, with its markers and without its secrets."""

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import given
from hypothesis import strategies as some

from gpuyard.engine import protocol
from gpuyard.engine.wire import decode, decode_struct, encode, encode_struct, merge_struct
from gpuyard.resources import SECRET, UNKNOWN

LEAVES = (
    some.none()
    | some.booleans()
    | some.integers(-(2**53), 2**53)
    | some.text().filter(lambda text: text not in protocol.UNKNOWN_SENTINELS)
    | some.just(UNKNOWN)
    | some.just(SECRET)
)
KEYS = some.text(max_size=4)
DATA = some.recursive(
    LEAVES,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)


@given(some.dictionaries(KEYS, DATA, max_size=4))
def test_plain_data_and_markers_survive_the_wire(data):
    struct = Struct.FromString(encode_struct(data).SerializeToString())
    assert decode_struct(struct) == data


@given(some.dictionaries(KEYS, DATA, max_size=6))
def test_keys_come_back_sorted(data):
    assert list(decode_struct(encode_struct(data))) == sorted(data)


@given(some.dictionaries(KEYS, DATA, max_size=4), some.dictionaries(KEYS, DATA, max_size=4))
def test_outputs_lie_over_inputs_and_never_bare_a_secret(inputs, outputs):
    struct = encode_struct(inputs)
    merge_struct(struct, outputs, inputs)
    merged = decode_struct(struct)
    for key, value in outputs.items():
        if inputs.get(key) is SECRET:
            assert merged[key] is SECRET
        elif not isinstance(value, dict):
            assert merged[key] == value
    assert {key: merged[key] for key in inputs if key not in outputs} == {
        key: value for key, value in inputs.items() if key not in outputs
    }


@pytest.mark.parametrize("sentinel", sorted(protocol.UNKNOWN_SENTINELS))
def test_every_kind_of_unknown_is_known_as_such(sentinel):
    assert decode(Value(string_value=sentinel)) is UNKNOWN


def signed(signature, **fields):
    return encode({protocol.SIGNATURE: signature, **fields})


@pytest.mark.parametrize(
    ("value", "hidden", "revealed"),
    [
        (signed(protocol.SECRET_SIGNATURE, value={"a": "x"}), SECRET, {"a": "x"}),
        (signed(protocol.OUTPUT_SIGNATURE, value="x", dependencies=["urn"]), "x", "x"),
        (signed(protocol.OUTPUT_SIGNATURE, value="x", secret=True), SECRET, "x"),
        (signed(protocol.OUTPUT_SIGNATURE), UNKNOWN, UNKNOWN),
        (signed(protocol.RESOURCE_SIGNATURE, urn="urn:a", id="i"), "urn:a", "urn:a"),
        (signed("new"), "[object of signature new]", "[object of signature new]"),
    ],
)
def test_signatures_are_read(value, hidden, revealed):
    assert decode(value) == hidden
    assert decode(value, reveal=True) == revealed


@pytest.mark.parametrize(
    ("number", "kind"), [(90.0, int), (1.5, float), (float("inf"), float), (-0.0, int), (2.0**60, int)]
)
def test_whole_numbers_are_integers(number, kind):
    found = decode(Value(number_value=number))
    assert (found, type(found)) == (number, kind)


def test_a_value_that_has_no_form_on_the_wire_is_named():
    with pytest.raises(TypeError, match="set has no form"):
        encode({"a": {1, 2}})
