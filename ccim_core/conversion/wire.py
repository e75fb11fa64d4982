"""Protobuf's wire format, read without copying: enough for a caffemodel's hundreds of megabytes.

A message is a sequence of (key, value); the key holds the field's number and the value's wire
type. What a field means is the reader's to know: nothing here needs a schema or a package.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

__all__ = ["Message", "WireError"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_VARINT_BYTES = 10


class WireError(ValueError):
    """Bytes that are no whole message; says where and what."""


class Message:
    """The fields of one message, by number, as views into its bytes.

    Args:
        data: the message's bytes, such as a view of a memory map.

    Raises:
        WireError: truncated, or no protobuf message.
    """

    def __init__(self, data: memoryview) -> None:
        self._numbers: dict[int, list[int]] = defaultdict(list)
        self._views: dict[int, list[memoryview]] = defaultdict(list)
        for number, value in _read_fields(data):
            if isinstance(value, int):
                self._numbers[number].append(value)
            else:
                self._views[number].append(value)

    def integers(self, number: int) -> list[int]:
        """A repeated integer field, packed or not; the empty list where it is absent."""
        found = list(self._numbers.get(number, ()))
        for view in self._views.get(number, ()):
            position = 0
            while position < len(view):
                value, position = _read_varint(view, position)
                found.append(value)
        return found

    def integer(self, number: int, default: int) -> int:
        """A single integer field; the last one counts."""
        found = self._numbers.get(number)
        return found[-1] if found else default

    def floats(self, number: int, *, dtype: str = "<f4") -> np.ndarray:
        """A repeated floating-point field as one vector: a view where it lies in one piece."""
        width = np.dtype(dtype).itemsize
        parts = self._views.get(number, [])
        if any(len(part) % width for part in parts):
            raise WireError(f"numbers of {width} bytes that do not fill field {number}")
        arrays = [np.frombuffer(part, dtype) for part in parts]
        if not arrays:
            return np.zeros(0, dtype)
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def texts(self, number: int) -> list[str]:
        """A repeated string field."""
        try:
            return [bytes(view).decode("utf-8") for view in self._views.get(number, ())]
        except UnicodeDecodeError:
            raise WireError(f"no text in field {number}") from None

    def text(self, number: int, default: str = "") -> str:
        """A single string field; the last one counts."""
        return [default, *self.texts(number)][-1]

    def messages(self, number: int) -> Iterator[Message]:
        """A repeated message field, each read when its turn comes."""
        return (Message(view) for view in self._views.get(number, ()))

    def message(self, number: int) -> Message:
        """A single message field; an empty message where it is absent, as its defaults say."""
        views = self._views.get(number)
        return Message(views[-1] if views else memoryview(b""))


def _read_fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position = 0
    while position < len(data):
        start = position
        key, position = _read_varint(data, position)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError(f"no field at byte {start:,}")
        if kind == _VARINT:
            value, position = _read_varint(data, position)
            yield number, value
            continue
        if kind == _BYTES:
            length, position = _read_varint(data, position)
        elif kind in _WIDTHS:
            length = _WIDTHS[kind]
        else:
            raise WireError(f"a field of unknown kind {kind} at byte {start:,}")
        if position + length > len(data):
            raise WireError(f"field {number} at byte {start:,} ends after the end")
        yield number, data[position : position + length]
        position += length


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    """A base-128 number and the position after it."""
    value = 0
    for shift in range(_VARINT_BYTES):
        if position >= len(data):
            raise WireError(f"a number at byte {position:,} ends after the end")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position
    raise WireError(f"no number at byte {position:,}")
