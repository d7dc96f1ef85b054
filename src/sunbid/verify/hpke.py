"""DHKEM(P-256) and HPKE in base mode (sealing.md 2.5), as the wraps of INTL-1 use it."""

import hmac
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def hkdf_extract(salt: bytes, ikm: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869)."""
    return hmac.digest(salt or bytes(32), ikm, "sha256")


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869)."""
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=info).derive(prk)


KEM: Final = b"KEM\x00\x10"
HPKE: Final = b"HPKE\x00\x10\x00\x01\x00\x02"


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hkdf_extract(salt, b"HPKE-v1" + suite + label + ikm)


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return hkdf_expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def derive_key_pair(ikm: bytes) -> ec.EllipticCurvePrivateKey:
    """RFC 9180 DeriveKeyPair for DHKEM(P-256, HKDF-SHA256)."""
    prk = _labeled_extract(KEM, b"", b"dkp_prk", ikm)
    for counter in range(256):
        scalar = int.from_bytes(_labeled_expand(KEM, prk, b"candidate", bytes([counter]), 32))
        if 0 < scalar < ORDER:
            return ec.derive_private_key(scalar, ec.SECP256R1())
    raise ValueError("no key in 256 tries")


def point(public: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 65 bytes of an uncompressed point."""
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """Read an uncompressed point; refuse one that is not on the curve."""
    if len(raw) != 65 or raw[0] != 4:
        raise ValueError("not an uncompressed point of 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def wrap(recipient: bytes, info: bytes, value: bytes, ikm_e: bytes) -> bytes:
    """Return enc ‖ ct of a single-shot HPKE seal with the ephemeral key made from ikmE."""
    ephemeral = derive_key_pair(ikm_e)
    enc = point(ephemeral.public_key())
    shared = kem_secret(ephemeral.exchange(ec.ECDH(), public_key(recipient)), enc, recipient)
    context = b"\x00" + _labeled_extract(HPKE, b"", b"psk_id_hash", b"")
    context += _labeled_extract(HPKE, b"", b"info_hash", info)
    secret = _labeled_extract(HPKE, shared, b"secret", b"")
    key = _labeled_expand(HPKE, secret, b"key", context, 32)
    nonce = _labeled_expand(HPKE, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, value, b"")


def kem_secret(dh: bytes, enc: bytes, recipient: bytes) -> bytes:
    """RFC 9180 ExtractAndExpand for DHKEM(P-256, HKDF-SHA256)."""
    prk = _labeled_extract(KEM, b"", b"eae_prk", dh)
    return _labeled_expand(KEM, prk, b"shared_secret", enc + recipient, 32)
