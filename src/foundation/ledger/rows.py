"""Rows that anyone may write and only the signer opens, and names that only it can compute.

Everything follows from the 32 secret bytes of a scope (sealing.md 14.2): a P-256 key pair to
which rows are sealed by HPKE (RFC 9180, base mode), and a key for pseudonyms of subjects.
"""

import hashlib
import hmac
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.problems import Invalid

SECRET_LENGTH: Final = 32
SID_LENGTH: Final = 32
POINT_LENGTH: Final = 65
ACCESS_LABEL: Final = b"sunbid/access/v1\0"
ADDRESS_LABEL: Final = b"sunbid/address/v1\0"
ADDRESS_LENGTH: Final = 256
IDENTITY_LABEL: Final = b"sunbid/bidder-key/v1\0"
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_SUITE: Final = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_KEM_ID: Final = b"HPKE-v1KEM\x00\x10"


class BadRow(Invalid):
    """This row was not sealed for this scope and statement."""

    code = "bad-row"


def derive_key_pair(ikm: bytes) -> ec.EllipticCurvePrivateKey:
    """RFC 9180 DeriveKeyPair for P-256; the library's module has no such function."""
    prk = hmac.digest(b"", _KEM_ID + b"dkp_prk" + ikm, hashlib.sha256)
    for counter in range(256):
        labelled = b"\x00\x20" + _KEM_ID + b"candidate" + bytes([counter])
        candidate = HKDFExpand(hashes.SHA256(), 32, labelled).derive(prk)
        scalar = int.from_bytes(candidate, "big")
        if 0 < scalar < ORDER:
            return ec.derive_private_key(scalar, ec.SECP256R1())
    raise AssertionError("unreachable: 256 candidates above the order")


def access_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The private key that opens the rows of a scope."""
    return derive_key_pair(_derived(secret, ACCESS_LABEL))


def access_public(secret: bytes) -> bytes:
    """The public key to which rows of a scope are sealed: 65 bytes, published with the scope."""
    public = access_key(secret).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def subject_key(secret: bytes, identifier: str) -> bytes:
    """The pseudonym of a subject within a scope; nobody can guess it without the secret."""
    return hmac.digest(_derived(secret, IDENTITY_LABEL), identifier.encode(), hashlib.sha256)


def seal_row(public: bytes, scope: UUID, sid: str, value: bytes) -> bytes:
    """Seals a row to the access public key of a scope, bound to the scope and a statement's sid."""
    return _SUITE.encrypt(value, _public(public), info=row_info(scope, sid))


def open_row(secret: bytes, scope: UUID, sid: str, sealed: bytes) -> bytes:
    """Opens a row; refuses one of another scope or statement, and changed bytes."""
    try:
        return _SUITE.decrypt(sealed, access_key(secret), info=row_info(scope, sid))
    except (InvalidTag, ValueError):
        raise BadRow("expected a row sealed for this scope and statement, got another") from None


def seal_address(public: bytes, scope: UUID, address: str) -> bytes:
    """Seals where somebody wants to be told of changes of a scope; all are of one length.

    The label is not that of rows: who may open the one may not open the other.
    """
    raw = address.encode()
    if not 1 <= len(raw) < ADDRESS_LENGTH:
        raise BadRow(f"expected an address of at most {ADDRESS_LENGTH - 1} bytes, got {len(raw)}")
    padded = raw.ljust(ADDRESS_LENGTH, b"\0")
    return _SUITE.encrypt(padded, _public(public), info=_address_info(scope))


def open_address(secret: bytes, scope: UUID, sealed: bytes) -> str:
    """Opens an address; refuses one of another scope, and changed bytes."""
    try:
        raw = _SUITE.decrypt(sealed, access_key(secret), info=_address_info(scope))
        return raw.rstrip(b"\0").decode()
    except (InvalidTag, ValueError):
        raise BadRow("expected an address sealed for this scope, got something else") from None


def row_info(scope: UUID, sid: str) -> bytes:
    """What a sealed row is bound to."""
    try:
        raw = bytes.fromhex(sid)
    except ValueError:
        raw = b""
    if len(raw) != SID_LENGTH or raw.hex() != sid:
        raise BadRow(f"expected a sid of 64 lower-case hexadecimal digits, got {sid[:70]!r}")
    return ACCESS_LABEL + str(scope).encode() + raw


def _address_info(scope: UUID) -> bytes:
    return ADDRESS_LABEL + str(scope).encode()


def _public(raw: bytes) -> ec.EllipticCurvePublicKey:
    try:
        if len(raw) != POINT_LENGTH:
            raise ValueError
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise BadRow("expected the access public key of the scope: 65 bytes on P-256") from None


def _derived(secret: bytes, label: bytes) -> bytes:
    if len(secret) != SECRET_LENGTH:
        raise BadRow(f"expected a secret of {SECRET_LENGTH} bytes, got {len(secret)}")
    return HKDF(hashes.SHA256(), 32, salt=b"", info=label).derive(secret)
