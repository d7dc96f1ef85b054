"""X.509 of SM2: what the certificate library reads but cannot verify, and what it cannot make.

The library parses names, times and extensions; key and signature are read and checked here. A
certificate or list is made by the library with a stand-in key, whose place ours then takes.
"""

import base64
import hashlib
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from foundation.statements import der
from foundation.statements.sm2 import SM2PrivateKey, SM2PublicKey

_EC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")
_SM2_CURVE: Final = bytes.fromhex("06082a811ccf5501822d")  # 1.2.156.10197.1.301
_SM2_WITH_SM3: Final = x509.ObjectIdentifier("1.2.156.10197.1.501")
_SM2_WITH_SM3_DER: Final = bytes.fromhex("300a06082a811ccf55018375")
_KEY_ALGORITHM: Final = der.sequence([_EC_KEY, _SM2_CURVE])

# Places inside the signed part of a certificate (version 3) and of a list (version 2).
_CERTIFICATE_ALGORITHM: Final = 2
_CERTIFICATE_KEY: Final = 6
_LIST_ALGORITHM: Final = 1
_VERSION: Final = 0xA0
_PEM_BEGIN: Final = b"-----BEGIN PRIVATE KEY-----\n"
_PEM_END: Final = b"-----END PRIVATE KEY-----\n"

# Stands in while the library builds; its signature is thrown away and it protects nothing.
STAND_IN: Final = ec.derive_private_key(1, ec.SECP256R1())


def sm2_key(certificate: x509.Certificate) -> SM2PublicKey | None:
    """The SM2 key of a certificate, None where it has another kind; refuses a point off the curve.

    Raises `ValueError` for a malformed key.
    """
    parts = der.read_one(certificate.tbs_certificate_bytes, der.SEQUENCE).children()
    # Only version 3 has its number, and with it these places.
    if len(parts) <= _CERTIFICATE_KEY or parts[0].tag != _VERSION:
        return None
    info = parts[_CERTIFICATE_KEY].children()
    if len(info) != 2 or info[0].encoded != _KEY_ALGORITHM or info[1].tag != der.BIT_STRING:
        return None
    if info[1].content[:1] != b"\0":
        raise ValueError("expected a key of whole bytes")
    return SM2PublicKey.from_bytes(info[1].content[1:])


def is_signed_by(
    signed: x509.Certificate | x509.CertificateRevocationList, key: SM2PublicKey
) -> bool:
    """Whether an SM2 key signed a certificate or list, with SM3 and the one identity."""
    if signed.signature_algorithm_oid != _SM2_WITH_SM3:
        return False
    body = (
        signed.tbs_certificate_bytes
        if isinstance(signed, x509.Certificate)
        else signed.tbs_certlist_bytes
    )
    try:
        key.verify(raw_signature(signed.signature), body)
    except (InvalidSignature, ValueError):
        return False
    return True


def raw_signature(signature: bytes) -> bytes:
    """r‖s of a signature as certificates and devices have it (DER); raises `ValueError`."""
    parts = der.read_one(signature, der.SEQUENCE).children()
    if len(parts) != 2:
        raise ValueError("expected r and s")
    return b"".join(der.read_integer(part, 32) for part in parts)


def key_identifier(key: SM2PublicKey) -> x509.SubjectKeyIdentifier:
    """The identifier of a key in certificates, as RFC 5280 makes it of the point."""
    return x509.SubjectKeyIdentifier(hashlib.sha1(key.point, usedforsecurity=False).digest())


def sign_certificate(
    builder: x509.CertificateBuilder, key: SM2PublicKey, issuer: SM2PrivateKey
) -> x509.Certificate:
    """The certificate of an SM2 key; the builder has the stand-in's public key."""
    made = builder.sign(STAND_IN, hashes.SHA256())
    parts = [p.encoded for p in der.read_one(made.tbs_certificate_bytes, der.SEQUENCE).children()]
    parts[_CERTIFICATE_ALGORITHM] = _SM2_WITH_SM3_DER
    parts[_CERTIFICATE_KEY] = public_key_info(key)
    return x509.load_der_x509_certificate(_signed(der.sequence(parts), issuer))


def sign_list(builder: x509.CertificateRevocationListBuilder, issuer: SM2PrivateKey) -> bytes:
    """A revocation list of an SM2 authority, in DER."""
    made = builder.sign(STAND_IN, hashes.SHA256())
    parts = [p.encoded for p in der.read_one(made.tbs_certlist_bytes, der.SEQUENCE).children()]
    parts[_LIST_ALGORITHM] = _SM2_WITH_SM3_DER
    return _signed(der.sequence(parts), issuer)


def public_key_info(key: SM2PublicKey) -> bytes:
    """SubjectPublicKeyInfo of a key."""
    return der.sequence([_KEY_ALGORITHM, der.encode(der.BIT_STRING, b"\0" + key.point)])


def private_key_info(key: SM2PrivateKey) -> bytes:
    """A private key in PKCS #8, not encrypted."""
    point = der.encode(der.BIT_STRING, b"\0" + key.public_key().point)
    scalar = der.encode(der.OCTET_STRING, key.scalar.to_bytes(32, "big"))
    inner = der.sequence([der.integer(b"\1"), scalar, der.encode(0xA1, point)])
    return der.sequence([der.integer(b"\0"), _KEY_ALGORITHM, der.encode(der.OCTET_STRING, inner)])


def read_private_key_info(raw: bytes) -> SM2PrivateKey:
    """Read an SM2 key in PKCS #8; raises `ValueError` for anything else."""
    parts = der.read_one(raw, der.SEQUENCE).children()
    if len(parts) < 3 or parts[1].encoded != _KEY_ALGORITHM or parts[2].tag != der.OCTET_STRING:
        raise ValueError("expected an SM2 key in PKCS #8")
    inner = der.read_one(parts[2].content, der.SEQUENCE).children()
    if len(inner) < 2 or inner[1].tag != der.OCTET_STRING or len(inner[1].content) != 32:
        raise ValueError("expected a scalar of 32 bytes")
    return SM2PrivateKey(int.from_bytes(inner[1].content, "big"))


def private_key_pem(key: SM2PrivateKey) -> bytes:
    """A private key in PKCS #8 as PEM, not encrypted."""
    return _PEM_BEGIN + base64.encodebytes(private_key_info(key)) + _PEM_END


def read_private_key_pem(raw: bytes) -> SM2PrivateKey:
    """Read an SM2 key in PEM; raises `ValueError` for anything else."""
    begin, end = raw.find(_PEM_BEGIN), raw.find(_PEM_END)
    if begin < 0 or end < begin:
        raise ValueError("expected a private key in PEM")
    return read_private_key_info(base64.b64decode(raw[begin + len(_PEM_BEGIN) : end]))


def _signed(body: bytes, issuer: SM2PrivateKey) -> bytes:
    signature = issuer.sign(body)
    value = der.sequence([der.integer(signature[:32]), der.integer(signature[32:])])
    return der.sequence([body, _SM2_WITH_SM3_DER, der.encode(der.BIT_STRING, b"\0" + value)])
