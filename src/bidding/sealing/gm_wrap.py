"""The wrap of GM-1: SM2 encryption of the value and of SM3(info), 161 raw bytes.

The holder's callback decrypts the whole ciphertext, because a device gives out no shared point.
"""

import hmac
from typing import Final

from bidding.sealing.kem import Exchange
from bidding.sealing.refusals import BadWraps, Reason, SealFailed
from foundation.statements import sm2, sm2_encryption
from foundation.statements.sm2 import SM2PrivateKey, SM2PublicKey, sm3
from foundation.statements.sm2_encryption import NotDecrypted

DIGEST_LENGTH: Final = 32


def derive_key_pair(ikm: bytes) -> SM2PrivateKey:
    """The key of 40 bytes: 1 + OS2IP(ikm) mod (n − 1)."""
    return SM2PrivateKey(_scalar(ikm))


def read_point(point: bytes) -> SM2PublicKey:
    """The key of an uncompressed point; refuses one that is not on the curve."""
    try:
        return SM2PublicKey.from_bytes(point)
    except ValueError:
        raise BadWraps(
            "expected a point on the SM2 curve (65 bytes, uncompressed), got other bytes"
        ) from None


def seal(public: bytes, info: bytes, value: bytes, ikm_ephemeral: bytes) -> bytes:
    """The wrap of a value for a public key; its random number follows from `ikm_ephemeral`.

    The caller answers for never using one `ikm_ephemeral` for two values. Refuses with
    `NoKeyStream` (a `ValueError`) the one in 2^512 that hides nothing.
    """
    key = read_point(public)
    return sm2_encryption.encrypt(key, value + sm3(info), _scalar(ikm_ephemeral))


def open_(exchange: Exchange, _public: bytes, info: bytes, wrapped: bytes) -> bytes:
    """The value in a wrap, by the holder of the private key.

    Refuses with `SealFailed` (unwrap), in this order: a point off the curve, a key stream of
    zeros, a wrong C3, another info. The value is not used before all four.
    """
    try:
        read_point(wrapped[: sm2.POINT_LENGTH])
        content = exchange(wrapped)
    except (NotDecrypted, BadWraps):
        raise SealFailed(Reason.UNWRAP, _EXPECTED) from None
    value, bound = content[:-DIGEST_LENGTH], content[-DIGEST_LENGTH:]
    if not hmac.compare_digest(bound, sm3(info)):
        raise SealFailed(Reason.UNWRAP, _EXPECTED)
    return value


_EXPECTED: Final = "expected a wrap for this key and this envelope, got another"


def _scalar(ikm: bytes) -> int:
    return 1 + int.from_bytes(ikm, "big") % (sm2.ORDER - 1)
