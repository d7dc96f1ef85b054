"""Own HPKE (RFC 9180): DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode, one shot.

Own, because a re-deal needs a given ephemeral key and a token needs a callback for its DH; the
library's module takes neither. Key agreement, HMAC and AES-GCM are the library's.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bidding.sealing.refusals import BadWraps, Reason, SealFailed

# What the holder of a private key does for a wrap. INTL-1: takes a point, gives the x coordinate of
# the shared point. GM-1: takes the wrap, gives what it hides. Both refuse a foreign point.
Exchange = Callable[[bytes], bytes]

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
POINT_LENGTH: Final = 65
TAG_LENGTH: Final = 16

_VERSION: Final = b"HPKE-v1"
_KEM_ID: Final = b"KEM" + (0x0010).to_bytes(2, "big")
_HPKE_ID: Final = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (0x0010, 0x0001, 0x0002))


def derive_key_pair(ikm: bytes) -> ec.EllipticCurvePrivateKey:
    """RFC 9180 DeriveKeyPair for P-256."""
    # RFC 9180 7.1.3; the bit mask of P-256 is 0xff, so that no bit is cleared.
    prk = _extract(_KEM_ID, b"", b"dkp_prk", ikm)
    for counter in range(256):
        candidate = _expand(_KEM_ID, prk, b"candidate", bytes([counter]), 32)
        scalar = int.from_bytes(candidate, "big")
        if 0 < scalar < ORDER:
            return ec.derive_private_key(scalar, ec.SECP256R1())
    raise AssertionError("unreachable: 256 candidates above the order")


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The 65-byte uncompressed point of a key."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def read_point(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key of an uncompressed point; refuses one that is not on the curve."""
    try:
        if len(point) == POINT_LENGTH and point[0] == 4:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        pass
    raise BadWraps("expected a point on P-256 (65 bytes, uncompressed), got other bytes")


def seal(public: bytes, info: bytes, value: bytes, ikm_ephemeral: bytes) -> bytes:
    """enc ‖ ciphertext of a value for a public key; the ephemeral key follows from `ikm_ephemeral`.

    The caller answers for never using one `ikm_ephemeral` for two values.
    """
    ephemeral = derive_key_pair(ikm_ephemeral)
    enc = public_point(ephemeral)
    shared = _shared_secret(ephemeral.exchange(ec.ECDH(), read_point(public)), enc, public)
    key, nonce = _key_schedule(shared, info)
    return enc + AESGCM(key).encrypt(nonce, value, None)


def open_(exchange: Exchange, public: bytes, info: bytes, wrapped: bytes) -> bytes:
    """The value in a wrap, by the holder of the private key of `public`.

    Refuses with `SealFailed` (unwrap) a point off the curve and anything that was not sealed for
    this key and this info.
    """
    enc, ciphertext = wrapped[:POINT_LENGTH], wrapped[POINT_LENGTH:]
    try:
        read_point(enc)
        if len(ciphertext) < TAG_LENGTH:
            raise SealFailed(Reason.UNWRAP)
        key, nonce = _key_schedule(_shared_secret(exchange(enc), enc, public), info)
        return AESGCM(key).decrypt(nonce, ciphertext, None)
    except (InvalidTag, BadWraps):
        raise SealFailed(
            Reason.UNWRAP, "expected a wrap for this key and this envelope, got another"
        ) from None


def exchange_of(key: ec.EllipticCurvePrivateKey) -> Exchange:
    """The callback of a key that is in this process."""
    return lambda point: key.exchange(ec.ECDH(), read_point(point))


def _shared_secret(dh: bytes, enc: bytes, public: bytes) -> bytes:
    # RFC 9180 4.1 ExtractAndExpand; both points enter, so that enc cannot be swapped.
    prk = _extract(_KEM_ID, b"", b"eae_prk", dh)
    return _expand(_KEM_ID, prk, b"shared_secret", enc + public, 32)


def _key_schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and base nonce of base mode; one shot, so the nonce of message 0 is the base nonce."""
    # RFC 9180 5.1, mode base (0x00): no pre-shared key, hence its empty id and value.
    context = (
        b"\0"
        + _extract(_HPKE_ID, b"", b"psk_id_hash", b"")
        + _extract(_HPKE_ID, b"", b"info_hash", info)
    )
    secret = _extract(_HPKE_ID, shared, b"secret", b"")
    return (
        _expand(_HPKE_ID, secret, b"key", context, 32),
        _expand(_HPKE_ID, secret, b"base_nonce", context, 12),
    )


def _extract(suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt, _VERSION + suite_id + label + ikm, hashlib.sha256)


def _expand(suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    # RFC 9180 4: the length stands first, so that no output is a prefix of another.
    labelled = length.to_bytes(2, "big") + _VERSION + suite_id + label + info
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=labelled).derive(prk)
