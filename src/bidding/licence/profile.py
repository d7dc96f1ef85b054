"""The certificate of an electronic licence (sealing.md 5.1): its fields, and how it is checked.

`issue` writes the same fields from the same table, so that issuer and verifier cannot drift
apart. The object identifiers are of our own development arc; a real authority's are set in its
adapter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from bidding.licence.uscc import check_uscc
from foundation.problems import Refused
from foundation.settings import DEVELOPMENT_MARKS
from foundation.statements.canonical import Json, parse, parse_time, time_text
from foundation.statements.certificates import (
    BadChain,
    certified_key,
    check_chain,
    load_certificate,
)
from foundation.statements.signed import PublicKey, Statement, check_signature, decode, kid_of

# 2.25 is the arc of random UUIDs (X.667): nobody needs to be asked for it.
ARC: Final = "2.25.174374844643167452665180021407551028040"
LICENCE_USAGE: Final = f"{ARC}.1"
# A person's certificate that the authority issued under a company's licence (经办人).
OPERATOR_USAGE: Final = f"{ARC}.3"
LICENCE_INFO: Final = x509.ObjectIdentifier(f"{ARC}.2")

ORGANISATION_PREFIX: Final = "NTRCN-"
# 24 months; two of them may lie in leap years.
LONGEST_LIFE: Final = timedelta(days=2 * 366)
LARGEST_INFO: Final = 4096
# The upper bound of commonName and organizationName in X.520.
LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A root certificate (DER) that licences end at."""

    certificate: bytes
    development: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceInfo:
    """What the extension `licenceInfo` says about the licence."""

    uscc: str
    name: str
    type: str
    person_tag: str | None
    licence_no: str
    valid_to: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceSubject:
    """Whom a licence certificate speaks for, and its key."""

    uscc: str
    name: str
    kid: str
    info: LicenceInfo
    certificate: x509.Certificate
    public_key: PublicKey

    @property
    def is_operator(self) -> bool:
        """Whether it is a person's certificate, who acts for the company by an implicit mandate."""
        return is_operator(self.certificate)

    @property
    def serial(self) -> int:
        """The certificate's serial number, by which it is revoked."""
        return self.certificate.serial_number


CheckChain = Callable[[Sequence[bytes], Sequence[bytes], datetime], LicenceSubject]


class _InfoShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    uscc: str
    name: str
    type: str
    person_tag: str | None
    licence_no: str
    valid_to: str


def check_licence(chain: Sequence[bytes], anchors: Sequence[bytes], at: datetime) -> LicenceSubject:
    """Check a chain against the profile at a time and return whom it names.

    Refuses what `check_chain` refuses, a wrong usage, a life of more than 24 months, identifiers
    that disagree, and a wrong USCC. Does not ask whether it was revoked: `revocation`.
    """
    found = check_chain(chain, anchors, at, usage=LICENCE_USAGE, subject=licence_names)
    if is_operator(found.certificate):
        raise BadChain("expected the company's licence, got an operator's certificate")
    return licence_subject(found.certificate)


def check_operator_certificate(
    chain: Sequence[bytes], anchors: Sequence[bytes], at: datetime
) -> LicenceSubject:
    """Check an operator's chain as `check_licence` does a licence's; the company is its subject.

    It is an implicit mandate (sealing.md 5.4): every scope, every tender, as long as it lasts.
    """
    found = check_chain(chain, anchors, at, usage=OPERATOR_USAGE, subject=licence_names)
    return licence_subject(found.certificate)


def licence_signers(
    statement: Statement, anchors: Sequence[bytes], at: datetime
) -> list[LicenceSubject]:
    """Everybody who signed a statement with a licence; chains and signatures are checked."""
    return _signers(statement, anchors, at, check_licence)


def bidder_signers(
    statement: Statement, anchors: Sequence[bytes], at: datetime
) -> list[LicenceSubject]:
    """As `licence_signers`, operators with a certificate included: for what they may sign alone.

    That is a bidder's own acts: login, manifest, withdraw, objection, a record.
    """
    return _signers(statement, anchors, at, _check_either)


def _check_either(chain: Sequence[bytes], anchors: Sequence[bytes], at: datetime) -> LicenceSubject:
    check = check_operator_certificate if is_operator(load_certificate(chain[0])) else check_licence
    return check(chain, anchors, at)


def _signers(
    statement: Statement, anchors: Sequence[bytes], at: datetime, check: CheckChain
) -> list[LicenceSubject]:
    signers = []
    for signature in statement.sigs:
        if signature.chain:
            signer = check(signature.chain, anchors, at)
            check_signature(signature.alg, signer.public_key, statement.signed_bytes, signature.sig)
            signers.append(signer)
    return signers


def is_operator(certificate: x509.Certificate) -> bool:
    """Say whether a certificate is a person's, by its usage; a licence never carries it."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return x509.ObjectIdentifier(OPERATOR_USAGE) in usages


def is_development(anchor: bytes) -> bool:
    """Whether a root (DER) is that of a development authority, which says so in its name."""
    names = load_certificate(anchor).subject
    said = " ".join(str(part.value).lower() for part in names)
    return any(mark in said for mark in DEVELOPMENT_MARKS)


def licence_names(certificate: x509.Certificate) -> tuple[str, str]:
    """(USCC, name) of a licence; the reader that `check_chain` takes."""
    info, _ = _checked_info(certificate)
    return info.uscc, info.name


def licence_subject(certificate: x509.Certificate) -> LicenceSubject:
    """Whom a certificate names, by its profile alone: neither chain nor time is checked."""
    info, key = _checked_info(certificate)
    return LicenceSubject(
        uscc=info.uscc,
        name=info.name,
        kid=kid_of(key),
        info=info,
        certificate=certificate,
        public_key=key,
    )


def subject_fields(info: LicenceInfo) -> list[tuple[x509.ObjectIdentifier, str]]:
    """The attributes of the certificate's subject that a licence has."""
    return [
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, info.name),
        (NameOID.COMMON_NAME, info.name),
        (NameOID.SERIAL_NUMBER, info.uscc),
        (NameOID.ORGANIZATION_IDENTIFIER, f"{ORGANISATION_PREFIX}{info.uscc}"),
    ]


def info_json(info: LicenceInfo) -> dict[str, Json]:
    """The canonical content of the extension `licenceInfo`."""
    return {
        "v": 1,
        "uscc": info.uscc,
        "name": info.name,
        "type": info.type,
        "person_tag": info.person_tag,
        "licence_no": info.licence_no,
        "valid_to": time_text(info.valid_to),
    }


def _checked_info(certificate: x509.Certificate) -> tuple[LicenceInfo, PublicKey]:
    """Read the licence's fields; refuses where two places that name one thing disagree."""
    info = _read_info(certificate)
    _check_subject(certificate, info)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise BadChain("expected the extension key usage; this is no licence") from None
    if not (usage.digital_signature and usage.content_commitment):
        raise BadChain("expected key usage digitalSignature and nonRepudiation; use the licence")
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if life > LONGEST_LIFE:
        raise BadChain(f"expected a licence of at most 24 months, got one of {life.days} days")
    return info, certified_key(certificate)


def _check_subject(certificate: x509.Certificate, info: LicenceInfo) -> None:
    for oid, value in subject_fields(info):
        found = [part.value for part in certificate.subject.get_attributes_for_oid(oid)]
        if found != [value]:
            raise BadChain(
                f"expected {oid.dotted_string} = {value!r} in the licence's subject, as its "
                f"licenceInfo says, got {found!r}; the licence must be issued again"
            )


def _read_info(certificate: x509.Certificate) -> LicenceInfo:
    try:
        extension = certificate.extensions.get_extension_for_oid(LICENCE_INFO).value
    except x509.ExtensionNotFound:
        raise BadChain("expected the extension licenceInfo; this is no licence") from None
    raw = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
    try:
        shape = decode(parse(raw, limit=LARGEST_INFO), _InfoShape)
        valid_to = parse_time(shape.valid_to)
    except Refused as refused:
        raise BadChain(f"the licence's licenceInfo does not read: {refused.message}") from None
    if shape.v != 1:
        raise BadChain(f"expected licenceInfo of version 1, got {shape.v}; update the program")
    return LicenceInfo(
        uscc=check_uscc(shape.uscc),
        name=shape.name,
        type=shape.type,
        person_tag=shape.person_tag,
        licence_no=shape.licence_no,
        valid_to=valid_to,
    )
