"""Revocation lists: which licences are no longer good, and since when.

A whole list is fetched, never the answer about one certificate: between an act and the closing
such a question would tell the authority who bids (sealing.md 5.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from bidding.licence.authority import Good, Revoked, Status, Unknown
from bidding.licence.issue import Issuer
from foundation.problems import NotAllowed
from foundation.statements import sm2_certificates
from foundation.statements.certificates import BadChain, is_issued_by, load_certificate
from foundation.statements.issuing import sign_list

OLDEST_LIST: Final = timedelta(hours=24)
REASONS: Final = tuple(reason.value for reason in x509.ReasonFlags)


class LicenceRevoked(NotAllowed):
    """The licence certificate was revoked."""

    code = "E_CERT_REVOKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One revoked certificate."""

    serial: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """A list of one authority, as of a time."""

    issuer: x509.Certificate
    made_at: datetime
    revoked: dict[int, Revocation]

    def status(self, certificate: x509.Certificate, at: datetime) -> Status:
        """Whether a certificate was revoked at or before `at`; later revocations let acts stand."""
        # Not by name alone: two development authorities have the same name.
        if not is_issued_by(certificate, self.issuer):
            return Unknown("the list is of another authority")
        found = self.revoked.get(certificate.serial_number)
        if found is not None and found.at <= at:
            return Revoked(found.at, found.reason)
        if self.made_at < at - OLDEST_LIST:
            return Unknown(f"the newest list is of {self.made_at:%Y-%m-%d %H:%MZ}")
        return Good()


def read_list(der: bytes, anchors: Sequence[bytes]) -> RevocationList:
    """Read a revocation list; refuses one that no anchor signed."""
    try:
        crl = x509.load_der_x509_crl(der)
    except ValueError:
        raise BadChain("expected a revocation list in DER, got other bytes") from None
    trusted = [load_certificate(anchor) for anchor in anchors]
    issuer = next((anchor for anchor in trusted if _signed_by(crl, anchor)), None)
    if issuer is None:
        raise BadChain("expected a revocation list signed by a trusted authority, got another's")
    return RevocationList(
        issuer=issuer,
        made_at=crl.last_update_utc,
        revoked={entry.serial_number: _revocation(entry) for entry in crl},
    )


def make_list(issuer: Issuer, revoked: Sequence[Revocation], at: datetime) -> bytes:
    """The revocation list of a development authority, in DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(at + OLDEST_LIST)
        # A list's number only has to rise.
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
    )
    for revocation in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(revocation.serial)
            .revocation_date(revocation.at)
            .add_extension(x509.CRLReason(x509.ReasonFlags(revocation.reason)), critical=False)
            .build()
        )
    return sign_list(builder, issuer.key)


def refuse_revoked(status: Status) -> None:
    """Refuse a certificate that was revoked; what is unknown passes and is flagged elsewhere."""
    if isinstance(status, Revoked):
        raise LicenceRevoked(
            f"expected a licence in force, got one revoked at {status.at:%Y-%m-%d %H:%M:%SZ} "
            f"({status.reason}); get a new licence from its authority"
        )


def _signed_by(crl: x509.CertificateRevocationList, anchor: x509.Certificate) -> bool:
    if crl.issuer != anchor.subject:
        return False
    sm2 = sm2_certificates.sm2_key(anchor)
    if sm2 is not None:
        return sm2_certificates.is_signed_by(crl, sm2)
    key = anchor.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        return False
    return crl.is_signature_valid(key)


def _revocation(entry: x509.RevokedCertificate) -> Revocation:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        reason = "unspecified"
    return Revocation(serial=entry.serial_number, at=entry.revocation_date_utc, reason=reason)
