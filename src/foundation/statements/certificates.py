"""Certificate chains of signers: who a signature speaks for.

Small on purpose: no revocation (a source of its own decides that), no network, no name rules.
The subject's identifier is its serialNumber attribute (2.5.4.5).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtensionOID, NameOID

from foundation.problems import NotAllowed
from foundation.statements import sm2_certificates
from foundation.statements.signed import (
    LONGEST_CHAIN,
    PublicKey,
    Statement,
    check_signature,
    kid_of,
)
from foundation.statements.sm2 import SM2PublicKey

_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
    }
)


# What the library raises for bytes that are no certificate we could use.
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class BadChain(NotAllowed):
    """The certificate does not lead to a trusted authority or may not be used for this."""

    code = "E_CERT_CHAIN"


class CertificateNotInTime(NotAllowed):
    """The certificate was not valid at that time."""

    code = "E_CERT_TIME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who holds a certificate: identifier (the subject's serialNumber), name, and its key."""

    identifier: str
    name: str
    kid: str
    certificate: x509.Certificate

    @property
    def public_key(self) -> PublicKey:
        """The certified key, P-256, Ed25519 or SM2."""
        return certified_key(self.certificate)


SubjectReader = Callable[[x509.Certificate], tuple[str, str]]


def load_certificate(der: bytes) -> x509.Certificate:
    """Read a certificate in DER; refuses anything else."""
    try:
        return _load(der)
    except _UNREADABLE:
        raise BadChain("expected a certificate in DER, got other bytes; send the chain") from None


def check_chain(
    chain: Sequence[bytes],
    anchors: Sequence[bytes],
    at: datetime,
    *,
    usage: str | None = None,
    subject: SubjectReader | None = None,
) -> Subject:
    """Check a chain (DER, leaf first) up to one of the anchors (DER) at a time.

    `usage` is the extended key usage (dotted OID) the leaf must carry. Refuses a certificate out
    of time, a foreign root, a leaf that is an authority, a wrong usage, an unknown critical
    extension. Does not ask whether it was revoked.
    """
    if not 1 <= len(chain) <= LONGEST_CHAIN:
        raise BadChain(f"expected 1 to {LONGEST_CHAIN} certificates, got {len(chain)}")
    trusted = {load_certificate(der) for der in anchors}
    path = [load_certificate(der) for der in chain]
    if path[-1] not in trusted:
        path.append(_anchor_of(path[-1], trusted))
    leaf = path[0]
    _check_leaf(leaf, usage)
    for position, (child, parent) in enumerate(pairwise(path)):
        _check_issued(child, parent, below=position)
    for certificate in path:
        _check_time(certificate, at)
        _check_critical(certificate)
    identifier, name = (subject or subject_names)(leaf)
    return Subject(
        identifier=identifier, name=name, kid=kid_of(certified_key(leaf)), certificate=leaf
    )


def certificate_signers(
    statement: Statement,
    anchors: Sequence[bytes],
    at: datetime,
    *,
    usage: str | None = None,
    subject: SubjectReader | None = None,
) -> list[Subject]:
    """Everybody who signed with a certificate, chain and signature checked, in the order of `sigs`.

    Signatures by a key named by `kid` are left to `signed.find_signature`.
    """
    signers = []
    message = statement.signed_bytes
    for signature in statement.sigs:
        if signature.chain:
            signer = check_chain(signature.chain, anchors, at, usage=usage, subject=subject)
            check_signature(signature.alg, signer.public_key, message, signature.sig)
            signers.append(signer)
    return signers


def subject_names(certificate: x509.Certificate) -> tuple[str, str]:
    """(serialNumber, common name) of the subject; refuses when one is missing or twice."""
    return (
        _only(certificate, NameOID.SERIAL_NUMBER, "serialNumber"),
        _only(certificate, NameOID.COMMON_NAME, "common name"),
    )


def _only(certificate: x509.Certificate, oid: x509.ObjectIdentifier, what: str) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    if len(found) != 1 or not isinstance(found[0].value, str) or not found[0].value:
        raise BadChain(
            f"expected exactly one {what} in the certificate's subject, got {len(found)}"
        )
    return found[0].value


@lru_cache(maxsize=1024)
def _load(der: bytes) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(der)
    _ = certificate.extensions, certificate.subject, certificate.issuer  # parse lazily read parts
    return certificate


def certified_key(certificate: x509.Certificate) -> PublicKey:
    """The key of a certificate: P-256, Ed25519 or SM2; refuses another kind."""
    try:
        sm2 = sm2_certificates.sm2_key(certificate)
        if sm2 is not None:
            return sm2
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise BadChain("expected a P-256, Ed25519 or SM2 key, got one we cannot read") from None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise BadChain("expected a P-256, Ed25519 or SM2 key in the certificate, got another kind")


def _anchor_of(last: x509.Certificate, trusted: set[x509.Certificate]) -> x509.Certificate:
    for anchor in trusted:
        if is_issued_by(last, anchor):
            return anchor
    raise BadChain("expected a chain to an authority trusted here, got another root; use its chain")


# Of two certificates alone, and asked again at login, act, closing and release.
@lru_cache(maxsize=1024)
def is_issued_by(child: x509.Certificate, parent: x509.Certificate) -> bool:
    """Whether names and signature say so; a broken hash does not count as a signature."""
    try:
        key = sm2_certificates.sm2_key(parent)
        if key is not None:
            return _issued_by_sm2(child, parent, key)
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    # An authority may also use a larger curve or RSA; its hash must not be a broken one.
    return not isinstance(child.signature_hash_algorithm, hashes.SHA1 | hashes.MD5)


def _issued_by_sm2(child: x509.Certificate, parent: x509.Certificate, key: SM2PublicKey) -> bool:
    return child.issuer == parent.subject and sm2_certificates.is_signed_by(child, key)


def _check_leaf(leaf: x509.Certificate, usage: str | None) -> None:
    basic = _extension(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        raise BadChain("expected the certificate of a holder, got that of an authority")
    key_usage = _extension(leaf, x509.KeyUsage)
    if key_usage is None or not key_usage.digital_signature:
        raise BadChain(
            "expected key usage digitalSignature, got another; use a signing certificate"
        )
    if usage is None:
        return
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is None or x509.ObjectIdentifier(usage) not in extended:
        raise BadChain(
            f"expected extended key usage {usage}, which this certificate does not carry"
        )


def _check_issued(child: x509.Certificate, parent: x509.Certificate, *, below: int) -> None:
    """Refuse unless `parent` is an authority that issued `child`; `below`: authorities between."""
    basic = _extension(parent, x509.BasicConstraints)
    key_usage = _extension(parent, x509.KeyUsage)
    if basic is None or not basic.ca or (key_usage is not None and not key_usage.key_cert_sign):
        raise BadChain("expected an authority's certificate above the leaf, got one that is none")
    if basic.path_length is not None and below > basic.path_length:
        raise BadChain(f"expected at most {basic.path_length} authorities below this one")
    if not is_issued_by(child, parent):
        raise BadChain("expected each certificate to be signed by the next, got a broken chain")


def _check_time(certificate: x509.Certificate, at: datetime) -> None:
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not since <= at <= until:
        raise CertificateNotInTime(
            f"expected a certificate valid at {at:%Y-%m-%d %H:%M:%SZ}, got one valid from "
            f"{since:%Y-%m-%d} to {until:%Y-%m-%d}; renew it"
        )


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise BadChain(f"expected no critical extension {extension.oid.dotted_string}")


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
