"""Making certificates and revocation lists with keys of every kind that signs statements."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from foundation.problems import Invalid
from foundation.statements import sm2_certificates
from foundation.statements.signed import PrivateKey, PublicKey
from foundation.statements.sm2 import SM2PrivateKey, SM2PublicKey


def key_identifier(key: PublicKey) -> x509.SubjectKeyIdentifier:
    """The identifier of a key in certificates (RFC 5280, 4.2.1.2)."""
    if isinstance(key, SM2PublicKey):
        return sm2_certificates.key_identifier(key)
    return x509.SubjectKeyIdentifier.from_public_key(key)


def sign_certificate(
    builder: x509.CertificateBuilder, key: PublicKey, issuer: PrivateKey
) -> x509.Certificate:
    """The certificate of a key; refuses an SM2 key under an issuer of another kind and reverse."""
    if isinstance(key, SM2PublicKey) and isinstance(issuer, SM2PrivateKey):
        stand_in = sm2_certificates.STAND_IN.public_key()
        return sm2_certificates.sign_certificate(builder.public_key(stand_in), key, issuer)
    if isinstance(key, SM2PublicKey) or isinstance(issuer, SM2PrivateKey):
        raise Invalid("expected an SM2 key under an SM2 authority, got two kinds of key")
    return builder.public_key(key).sign(issuer, _hash(issuer))


def sign_list(builder: x509.CertificateRevocationListBuilder, issuer: PrivateKey) -> bytes:
    """A revocation list in DER."""
    if isinstance(issuer, SM2PrivateKey):
        return sm2_certificates.sign_list(builder, issuer)
    return builder.sign(issuer, _hash(issuer)).public_bytes(Encoding.DER)


def _hash(
    issuer: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> hashes.SHA256 | None:
    # Ed25519 has its hash inside.
    return None if isinstance(issuer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
