"""Making certificates of the profile: the root and the licences of the development authority."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from bidding.licence.profile import (
    LICENCE_INFO,
    LICENCE_USAGE,
    LONGEST_NAME,
    LicenceInfo,
    info_json,
    subject_fields,
)
from bidding.licence.uscc import check_uscc
from foundation.problems import Invalid
from foundation.statements.canonical import canonical
from foundation.statements.issuing import key_identifier, sign_certificate
from foundation.statements.keyfile import CurveKey
from foundation.statements.signed import PublicKey

ISSUED_LIFE: Final = timedelta(days=730)

# The root outlives every clock that a demonstration may be set to.
ROOT_SINCE: Final = datetime(2010, 1, 1, tzinfo=UTC)
ROOT_UNTIL: Final = datetime(2060, 1, 1, tzinfo=UTC)
# `foundation.settings` knows a development authority by these words in its name.
ROOT_NAME: Final = "Sunbid development licence authority (开发用)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An authority's key with its certificate."""

    key: CurveKey
    certificate: x509.Certificate


def issue_root(key: CurveKey) -> x509.Certificate:
    """The self-signed root of a development authority; its name says what it is."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ROOT_NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, ROOT_NAME),
        ]
    )
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(ROOT_SINCE)
        .not_valid_after(ROOT_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(key_identifier(public), critical=False)
    )
    return sign_certificate(builder, public, key)


def issue_licence(
    issuer: Issuer,
    public_key: PublicKey,
    info: LicenceInfo,
    since: datetime,
    crl_url: str,
    *,
    usage: str = LICENCE_USAGE,
) -> x509.Certificate:
    """A licence certificate for a key; refuses a wrong USCC and a name that X.509 cannot hold.

    With `OPERATOR_USAGE` it is that of a person who acts for the organisation.
    """
    check_uscc(info.uscc)
    if not 1 <= len(info.name) <= LONGEST_NAME:
        raise Invalid(f"expected a name of 1 to {LONGEST_NAME} characters, got {len(info.name)}")
    root_key_id = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject_name(info))
        .issuer_name(issuer.certificate.subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(info.valid_to)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), critical=False)
        .add_extension(key_identifier(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_key_id.value),
            critical=False,
        )
        .add_extension(_distribution_point(crl_url), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(LICENCE_INFO, canonical(info_json(info))), critical=False
        )
    )
    return sign_certificate(builder, public_key, issuer.key)


def _subject_name(info: LicenceInfo) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in subject_fields(info)])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _distribution_point(url: str) -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url)],
        relative_name=None,
        reasons=None,
        crl_issuer=None,
    )
    return x509.CRLDistributionPoints([point])
