import struct

import numpy as np
import pytest

from ccim_core.conversion.wire import Message, WireError
from tests.ccim_core.conversion.caffe_files import bytes_field, varint


def message(data: bytes) -> Message:
    return Message(memoryview(data))


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**64 - 1])
def test_integers_of_any_size(value: int) -> None:
    assert message(varint(3 << 3) + varint(value)).integers(3) == [value]


def test_repeated_integers_packed_or_not() -> None:
    data = varint(1 << 3) + varint(7) + bytes_field(1, varint(300) + varint(5))
    assert message(data).integers(1) == [7, 300, 5]
    assert message(data).integers(2) == []


def test_the_last_of_a_single_field_counts_and_defaults_are_kept() -> None:
    data = varint(1 << 3) + varint(7) + varint(1 << 3) + varint(8) + bytes_field(2, b"a")
    assert message(data).integer(1, 0) == 8
    assert message(data).integer(9, 4) == 4
    assert message(data).text(2) == "a"
    assert message(data).text(9, "none") == "none"
    assert message(data).message(9).integers(1) == []


def test_floats_are_a_view_in_one_piece_and_joined_in_several() -> None:
    values = np.arange(5, dtype="<f4")
    data = memoryview(b"\x00" + bytes_field(200, values.tobytes()))[1:]
    found = Message(data).floats(200)
    np.testing.assert_array_equal(found, values)
    assert found.base is not None
    single = varint(200 << 3 | 5) + struct.pack("<f", 9)
    both = message(bytes_field(200, values.tobytes()) + single).floats(200)
    np.testing.assert_array_equal(both, [*values, 9])
    assert len(message(b"").floats(200)) == 0


def test_every_truncation_is_seen() -> None:
    data = varint(1 << 3) + varint(300) + bytes_field(2, b"abc") + varint(3 << 3 | 1) + bytes(8)
    whole = {0, 3, 8, len(data)}
    for end in range(len(data)):
        if end in whole:
            message(data[:end])
        else:
            with pytest.raises(WireError, match="ends after the end"):
                message(data[:end])


@pytest.mark.parametrize(
    "data, match",
    [
        (b"\x00\x01", "no field"),
        (varint(1 << 3 | 3), "unknown kind 3"),
        (varint(1 << 3) + b"\xff" * 11, "no number"),
    ],
)
def test_other_bytes_are_refused(data: bytes, match: str) -> None:
    with pytest.raises(WireError, match=match):
        message(data)


def test_what_is_no_text_or_no_whole_numbers_is_refused() -> None:
    with pytest.raises(WireError, match="no text"):
        message(bytes_field(1, b"\xff")).text(1)
    with pytest.raises(WireError, match="do not fill"):
        message(bytes_field(1, b"abc")).floats(1)
