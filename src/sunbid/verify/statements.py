"""Signed statements: identity, signatures and certificate chains (sealing.md 3.2, 3.3, 5.1)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ObjectIdentifier

from sunbid.verify import sm2
from sunbid.verify.canonical import Object, canonical, sha256, time_text, unb64
from sunbid.verify.hpke import ORDER, public_key

SERIAL_NUMBER: Final = ObjectIdentifier("2.5.4.5")
ORGANIZATION_IDENTIFIER: Final = ObjectIdentifier("2.5.4.97")
LICENCE_ROLE: Final = "licence"
# A person's certificate that a licence authority issued under a company's licence (5.4).
OPERATOR_ROLE: Final = "operator"
OPERATOR_USAGE: Final = ObjectIdentifier("2.25.174374844643167452665180021407551028040.3")
UNREADABLE: Final = (ValueError, UnsupportedAlgorithm, TypeError, x509.DuplicateExtension)

Key = CertificatePublicKeyTypes | sm2.Sm2Key


def signed_bytes(statement: Object) -> bytes:
    """Return the bytes that are signed: label, type, newline, canonical body (3.2)."""
    return f"sunbid/v1/{statement['type']}\n".encode() + canonical(statement["body"])


def sid_of(statement: Object) -> str:
    """Return the statement's identity: SHA-256 of the signed bytes (3.3)."""
    return sha256(signed_bytes(statement)).hex()


def check_signature(alg: str, key: Key, message: bytes, signature: bytes) -> None:
    """Check one raw signature; refuse by ValueError (E_SIG)."""
    try:
        if alg == "EdDSA" and isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        elif alg == "ES256" and isinstance(key, ec.EllipticCurvePublicKey):
            if not isinstance(key.curve, ec.SECP256R1):
                raise ValueError("the key of an ES256 signature is not on P-256")
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            if len(signature) != 64 or not 0 < r < ORDER or not 0 < s < ORDER:
                raise ValueError("r or s of the signature is out of range")
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        elif alg == "SM2SM3" and isinstance(key, sm2.Sm2Key):
            key.verify(signature, message)
        else:
            raise ValueError(f"the key does not fit the algorithm {alg}")
    except InvalidSignature:
        raise ValueError("the signature does not fit the statement") from None


def raw_key(alg: str, raw: bytes) -> Key:
    """Read a raw public key as a statement names it: a point, or 32 bytes for EdDSA."""
    if alg == "SM2SM3":
        return sm2.public_key(raw)
    return Ed25519PublicKey.from_public_bytes(raw) if alg == "EdDSA" else public_key(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who a certificate speaks for: role of its anchor, USCC if it states one, and its key."""

    role: str
    uscc: str | None
    key: Key


@dataclass(slots=True)
class Anchors:
    """Trusted roots by role, and the chains that were already followed to them."""

    roots: dict[str, list[bytes]]
    _seen: dict[tuple[str, ...], tuple[list[x509.Certificate], list[str]]] = field(
        default_factory=dict
    )

    def subject(self, chain: list[str], at_ms: int) -> Subject:
        """Follow a chain to an anchor and return its subject; refuse by ValueError.

        Checks signatures, CA flags, key usage and validity at `at_ms`; revocation is what
        the receipts say of it (5.2), because a package carries no revocation lists.
        """
        key = tuple(chain)
        if key not in self._seen:
            self._seen[key] = self._follow(chain)
        certificates, roles = self._seen[key]
        for certificate in certificates:
            _check_time(certificate, at_ms)
        leaf = certificates[0]
        own = sm2.certified(leaf) or leaf.public_key()
        role = OPERATOR_ROLE if roles[0] == LICENCE_ROLE and _is_operator(leaf) else roles[0]
        return Subject(role=role, uscc=_uscc(leaf), key=own)

    def _follow(self, chain: list[str]) -> tuple[list[x509.Certificate], list[str]]:
        try:
            certificates = [x509.load_der_x509_certificate(unb64(der)) for der in chain]
            return certificates, self._follow_certificates(certificates)
        except UNREADABLE as problem:
            raise ValueError(f"E_CERT_CHAIN: {problem}") from None

    def _follow_certificates(self, certificates: list[x509.Certificate]) -> list[str]:
        _check_leaf(certificates[0])
        for certificate, issuer in pairwise(certificates):
            _check_issued(certificate, issuer)
        last = certificates[-1]
        for role, roots in self.roots.items():
            for der in roots:
                root = x509.load_der_x509_certificate(der)
                if root == last:  # a root that the chain repeats, or a pinned certificate
                    return [role]
                if root.subject == last.issuer and _issued(last, root):
                    certificates.append(root)
                    return [role]
        raise ValueError("the chain ends at no trusted root")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        _check_issued(certificate, issuer)
    except UNREADABLE:
        return False
    return True


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise ValueError("an issuer is not marked as an authority") from None
    if not constraints.ca:
        raise ValueError("an issuer is not marked as an authority")
    key = sm2.certified(issuer)
    if key is not None:
        if certificate.issuer != issuer.subject or not sm2.is_issued(certificate, key):
            raise ValueError("a certificate is not signed by the next one")
        return
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        raise ValueError("a certificate is not signed by the next one") from None


def _check_leaf(leaf: x509.Certificate) -> None:
    try:
        constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
        if constraints.ca:
            raise ValueError("the signer's certificate is an authority's")
    except x509.ExtensionNotFound:
        pass  # absent means CA:FALSE
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise ValueError("the signer's certificate states no key usage") from None
    if not usage.digital_signature:
        raise ValueError("the signer's certificate is not for signatures")


def _check_time(certificate: x509.Certificate, at_ms: int) -> None:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise ValueError(
            f"E_CERT_TIME: not valid at {time_text(at_ms)} "
            f"(valid {certificate.not_valid_before_utc:%Y-%m-%d} "
            f"to {certificate.not_valid_after_utc:%Y-%m-%d})"
        )


def _is_operator(leaf: x509.Certificate) -> bool:
    """Say whether a certificate is a person's, who may sign a bidder's own acts alone."""
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return OPERATOR_USAGE in usages


def _uscc(leaf: x509.Certificate) -> str | None:
    """Read the USCC of a licence; two places that disagree are refused (5.1)."""
    stated = {
        str(a.value).removeprefix("NTRCN-")
        for oid in (SERIAL_NUMBER, ORGANIZATION_IDENTIFIER)
        for a in leaf.subject.get_attributes_for_oid(oid)
    }
    if len(stated) > 1:
        raise ValueError("E_CERT_CHAIN: the certificate states two credit codes")
    return stated.pop() if stated else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One signature that a statement must have: by a certificate's role, or by a stated key."""

    who: str
    role: str | None = None
    uscc: str | None = None
    # Operators of the organisation with a certificate of their own will do too (5.4).
    operators: bool = False
    # Any one of these organisations will do.
    any_of: frozenset[str] = frozenset()
    kid: str | None = None
    alg: str = "ES256"
    pk: str | None = None


def check_needs(statement: Object, needs: list[Need], anchors: Anchors, at_ms: int) -> list[str]:
    """Return what is wrong with a statement's signatures; an empty list means all needs met."""
    message = signed_bytes(statement)
    wrong: list[str] = []
    for need in needs:
        reasons = [
            _fails(signature, need, message, anchors, at_ms) for signature in statement["sigs"]
        ]
        if not reasons:
            wrong.append(f"no signature of {need.who}")
        elif all(reasons):
            wrong.append(
                f"no valid signature of {need.who}: {'; '.join(dict.fromkeys(map(str, reasons)))}"
            )
    return wrong


def unexplained(statement: Object, needs: list[Need], anchors: Anchors, at_ms: int) -> int:
    """Return how many signatures are of nobody who may sign, or do not verify."""
    message = signed_bytes(statement)
    return sum(
        all(_fails(signature, need, message, anchors, at_ms) for need in needs)
        for signature in statement["sigs"]
    )


def _fails(
    signature: Object, need: Need, message: bytes, anchors: Anchors, at_ms: int
) -> str | None:
    """Return why a signature does not meet a need, None if it does."""
    try:
        if need.role is None:
            if signature["chain"] or signature["kid"] != need.kid or signature["alg"] != need.alg:
                return "signed by another key"
            key = raw_key(need.alg, unb64(need.pk or ""))
        else:
            if not signature["chain"]:
                return "signed without a certificate"
            subject = anchors.subject(signature["chain"], at_ms)
            is_own = need.operators and subject.role == OPERATOR_ROLE
            if subject.role != need.role and not is_own:
                return f"the certificate is one of role {subject.role}"
            if need.uscc is not None and subject.uscc != need.uscc:
                return f"the certificate is of {subject.uscc}"
            if need.any_of and subject.uscc not in need.any_of:
                return f"the certificate is of {subject.uscc}"
            key = subject.key
        check_signature(signature["alg"], key, message, unb64(signature["sig"]))
    except ValueError as problem:
        return str(problem)
    return None
