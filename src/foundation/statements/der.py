"""A small strict reader and writer of DER, for what the certificate library does not know: SM2.

Lengths are definite and shortest; other forms are refused with `ValueError`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SEQUENCE: Final = 0x30
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag and content."""

    tag: int
    content: bytes

    @property
    def encoded(self) -> bytes:
        """The element in DER."""
        return encode(self.tag, self.content)

    def children(self) -> list["Element"]:
        """The elements inside a constructed one; refuses a primitive one."""
        if not self.tag & 0x20:
            raise ValueError(f"expected a constructed element, got tag {self.tag:#x}")
        return read_all(self.content)


def read_one(raw: bytes, tag: int) -> Element:
    """Exactly one element of a tag and nothing after it."""
    found = read_all(raw)
    if len(found) != 1 or found[0].tag != tag:
        raise ValueError(f"expected one element of tag {tag:#x}")
    return found[0]


def read_all(raw: bytes) -> list[Element]:
    """The elements that follow each other in some bytes."""
    found, at = [], 0
    while at < len(raw):
        element, at = _read(raw, at)
        found.append(element)
    return found


def read_integer(element: Element, length: int) -> bytes:
    """A non-negative INTEGER as so many bytes; refuses other spellings and larger ones."""
    content = element.content
    padded = len(content) > 1 and content[0] == 0 and content[1] < 0x80
    if element.tag != INTEGER or not content or content[0] >= 0x80 or padded:
        raise ValueError("expected a non-negative integer in its shortest form")
    number = int.from_bytes(content, "big")
    if number.bit_length() > 8 * length:
        raise ValueError(f"expected an integer of at most {length} bytes")
    return number.to_bytes(length, "big")


def encode(tag: int, content: bytes) -> bytes:
    """One element in DER."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(parts: Sequence[bytes]) -> bytes:
    """A SEQUENCE of encoded elements."""
    return encode(SEQUENCE, b"".join(parts))


def integer(value: bytes) -> bytes:
    """A non-negative INTEGER, given as big-endian bytes."""
    number = int.from_bytes(value, "big")
    # One more bit than the number has: the first bit is the sign.
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _read(raw: bytes, at: int) -> tuple[Element, int]:
    if len(raw) < at + 2 or raw[at] & 0x1F == 0x1F:
        raise ValueError("expected a tag and a length")
    tag, size, begin = raw[at], raw[at + 1], at + 2
    if size >= 0x80:
        count = size & 0x7F
        size = int.from_bytes(raw[begin : begin + count], "big")
        # 0x80 alone is the indefinite form of BER.
        if not 1 <= count <= 4 or size < 0x80 or size.bit_length() <= 8 * (count - 1):
            raise ValueError("expected a definite length in its shortest form")
        begin += count
    if len(raw) < begin + size:
        raise ValueError("expected more bytes, the element is cut off")
    return Element(tag, raw[begin : begin + size]), begin + size
