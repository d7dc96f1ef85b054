"""DER, as far as certificates and tokens have to be taken apart: tag, length, content."""

from collections.abc import Iterator


def elements(raw: bytes) -> list[bytes]:
    """Return the DER elements that follow each other, each with tag and length."""
    return list(_elements(raw))


def _elements(raw: bytes) -> Iterator[bytes]:
    while raw:
        size = _head(raw) + _length(raw)
        if len(raw) < size:
            raise ValueError("a DER element is cut off")
        yield raw[:size]
        raw = raw[size:]


def content(element: bytes) -> bytes:
    """Return what stands inside an element."""
    return element[_head(element) :]


def _head(raw: bytes) -> int:
    if len(raw) < 2:
        raise ValueError("a DER element is cut off")
    return 2 if raw[1] < 0x80 else 2 + (raw[1] & 0x7F)


def _length(raw: bytes) -> int:
    return raw[1] if raw[1] < 0x80 else int.from_bytes(raw[2 : _head(raw)])
