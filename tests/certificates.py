"""Certificates of any kind for tests; each says what it wants otherwise."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509


def certificate(
    subject: x509.Name,
    public: Any,
    issuer: x509.Name | None = None,
    valid: tuple[datetime, datetime] | None = None,
) -> x509.CertificateBuilder:
    """A certificate to be signed: of itself and for a day from now when nothing is said."""
    now = datetime.now(UTC)
    begin, end = valid or (now, now + timedelta(days=1))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def with_usage(
    builder: x509.CertificateBuilder, *, ca: bool, signs: bool = True
) -> x509.CertificateBuilder:
    """Whether it is an authority's, and what its key may sign."""
    return builder.add_extension(
        x509.BasicConstraints(ca=ca, path_length=None), critical=True
    ).add_extension(
        x509.KeyUsage(signs, signs, False, False, False, ca, ca, False, False), critical=True
    )
