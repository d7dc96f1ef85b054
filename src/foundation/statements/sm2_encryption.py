"""SM2 public-key encryption (GB/T 32918.4), raw: 04 ‖ x ‖ y ‖ C3 ‖ C2.

DER, as devices speak it (GM/T 0009), is converted at their boundary and never read from a file.
"""

import hmac
from typing import Final

from foundation.statements import der, sm2
from foundation.statements.sm2 import POINT_LENGTH, SM2PrivateKey, SM2PublicKey, sm3

DIGEST_LENGTH: Final = 32
OVERHEAD: Final = POINT_LENGTH + DIGEST_LENGTH


class NotDecrypted(ValueError):
    """These bytes were not encrypted for this key, or were changed."""


class NoKeyStream(ValueError):
    """The key stream of this ephemeral key is all zero; take another."""


def encrypt(public: SM2PublicKey, message: bytes, k: int) -> bytes:
    """Encrypt with the ephemeral scalar k, 0 < k < n, which nobody ever uses for another message.

    Refuses with `NoKeyStream` where k gives no key stream.
    """
    shared = sm2.multiply(sm2.read_point(public.point), k)
    stream = _key_stream(shared, len(message))
    if not any(stream):
        raise NoKeyStream("expected a key stream, got zeros alone; take other random values")
    first = sm2.point_bytes(sm2.multiply_base(k))
    return first + _digest(shared, message) + _xor(message, stream)


def decrypt(key: SM2PrivateKey, ciphertext: bytes) -> bytes:
    """The message; refuses with `NotDecrypted`, in this order: point, key stream, C3."""
    try:
        point = sm2.read_point(ciphertext[:POINT_LENGTH])
    except ValueError:
        raise NotDecrypted("expected a point on the SM2 curve, got other bytes") from None
    digest, hidden = ciphertext[POINT_LENGTH:OVERHEAD], ciphertext[OVERHEAD:]
    shared = key.shared_point(point)
    stream = _key_stream(shared, len(hidden))
    if not any(stream):
        raise NotDecrypted("expected a key stream, got zeros alone")
    message = _xor(hidden, stream)
    if not hmac.compare_digest(_digest(shared, message), digest):
        raise NotDecrypted("expected bytes encrypted for this key, got others")
    return message


def to_der(ciphertext: bytes) -> bytes:
    """A raw ciphertext as a device takes it: SEQUENCE of x, y, C3, C2."""
    return der.sequence(
        [
            der.integer(ciphertext[1:33]),
            der.integer(ciphertext[33:POINT_LENGTH]),
            der.encode(der.OCTET_STRING, ciphertext[POINT_LENGTH:OVERHEAD]),
            der.encode(der.OCTET_STRING, ciphertext[OVERHEAD:]),
        ]
    )


def from_der(ciphertext: bytes) -> bytes:
    """The raw form of a device's ciphertext; refuses with `ValueError` other forms."""
    parts = der.read_one(ciphertext, der.SEQUENCE).children()
    if [part.tag for part in parts] != [der.INTEGER, der.INTEGER, *[der.OCTET_STRING] * 2]:
        raise ValueError("expected x, y, C3 and C2 of an SM2 ciphertext")
    x, y = (der.read_integer(part, 32) for part in parts[:2])
    if len(parts[2].content) != DIGEST_LENGTH:
        raise ValueError("expected a C3 of 32 bytes")
    return b"\4" + x + y + parts[2].content + parts[3].content


def _key_stream(shared: sm2.Point, length: int) -> bytes:
    seed = sm2.point_bytes(shared)[1:]
    blocks = -(-length // DIGEST_LENGTH)
    return b"".join(sm3(seed + n.to_bytes(4, "big")) for n in range(1, blocks + 1))[:length]


def _digest(shared: sm2.Point, message: bytes) -> bytes:
    x, y = (value.to_bytes(32, "big") for value in shared)
    return sm3(x + message + y)


def _xor(first: bytes, second: bytes) -> bytes:
    both = int.from_bytes(first, "big") ^ int.from_bytes(second, "big")
    return both.to_bytes(len(first), "big")
