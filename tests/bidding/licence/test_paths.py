"""Where a certificate says whose it is: one place, several that agree, two that do not."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bidding.licence.paths import BadPath, CertificatePath, read_uscc
from certificates import certificate
from foundation.statements.certificates import BadChain
from licences import a_uscc

USCC, OTHER = a_uscc(1), a_uscc(2)
OWN = x509.ObjectIdentifier("1.2.156.10260.4.1.4")


def a_certificate(
    *subject: tuple[x509.ObjectIdentifier, str], extension: bytes | None = None
) -> x509.Certificate:
    """A certificate with these attributes and perhaps an extension of the authority's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = certificate(name, key.public_key())
    if extension is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(OWN, extension), critical=False)
    return builder.sign(key, hashes.SHA256())


def paths(*texts: str) -> tuple[CertificatePath, ...]:
    return tuple(CertificatePath.read(text) for text in texts)


SERIAL = "subject:2.5.4.5"
ORGANISATION = "subject:2.5.4.97,NTRCN-(.*)"
EXTENSION = f"ext:{OWN.dotted_string}"


@pytest.mark.parametrize("extension", [USCC.encode(), b"\x0c\x12" + USCC.encode()])
def test_places_that_agree(extension: bytes) -> None:
    found = a_certificate(
        (NameOID.SERIAL_NUMBER, USCC),
        (NameOID.ORGANIZATION_IDENTIFIER, f"NTRCN-{USCC}"),
        extension=extension,
    )
    for some in ((SERIAL,), (ORGANISATION,), (EXTENSION,), (SERIAL, ORGANISATION, EXTENSION)):
        assert read_uscc(found, paths(*some)) == USCC


@pytest.mark.misuse(29)
@pytest.mark.parametrize(
    "made",
    [
        a_certificate((NameOID.SERIAL_NUMBER, USCC), extension=OTHER.encode()),
        a_certificate((NameOID.SERIAL_NUMBER, USCC)),
        a_certificate((NameOID.SERIAL_NUMBER, USCC), extension=b"\xff\xfe"),
        a_certificate(
            (NameOID.SERIAL_NUMBER, USCC), (NameOID.SERIAL_NUMBER, OTHER), extension=USCC.encode()
        ),
        a_certificate((NameOID.SERIAL_NUMBER, USCC[:-1] + "0"), extension=USCC.encode()),
    ],
)
def test_places_that_disagree_or_are_missing(made: x509.Certificate) -> None:
    with pytest.raises(BadChain):
        read_uscc(made, paths(SERIAL, EXTENSION))


@pytest.mark.misuse(29)
def test_a_value_of_another_form_or_code() -> None:
    made = a_certificate(
        (NameOID.SERIAL_NUMBER, "lower"), (NameOID.ORGANIZATION_IDENTIFIER, f"VATCN-{USCC}")
    )
    for path in (SERIAL, ORGANISATION):
        with pytest.raises(BadChain):
            read_uscc(made, paths(path))


@pytest.mark.parametrize(
    "text", ["", "issuer:2.5.4.5", "subject:", "subject:2.5.4.5,(", "ext:1.2,x"]
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(BadPath):
        CertificatePath.read(text)
    with pytest.raises(BadPath):
        read_uscc(a_certificate((NameOID.SERIAL_NUMBER, USCC)), ())
