"""Chains: whom a signature speaks for, and every way in which a chain is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from foundation.statements.certificates import (
    BadChain,
    CertificateNotInTime,
    certificate_signers,
    check_chain,
)
from foundation.statements.signed import BadSignature, KeySigner, sign, unsigned

pytestmark = pytest.mark.domain

NOW = datetime(2026, 11, 21, tzinfo=UTC)
USAGE = "2.25.1.2"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A certificate with one thing wrong at most."""

    ca: bool = False
    signing: bool = True
    certifying: bool | None = None
    usage: str | None = USAGE
    begin: datetime = NOW - timedelta(days=10)
    end: datetime = NOW + timedelta(days=10)
    identifiers: Sequence[str] = ("USCC-1",)
    path_length: int | None = None
    extra: Sequence[tuple[x509.ExtensionType, bool]] = ()


@dataclass
class Authority:
    """A root or an authority below one."""

    name: str = "root"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def certify(self, name: str, key: object, wanted: Wanted) -> bytes:
        """A certificate in DER for a public key."""
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        attributes += [x509.NameAttribute(NameOID.SERIAL_NUMBER, i) for i in wanted.identifiers]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(attributes))
            .issuer_name(self.subject)
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(wanted.begin)
            .not_valid_after(wanted.end)
            .add_extension(
                x509.BasicConstraints(ca=wanted.ca, path_length=wanted.path_length), critical=True
            )
            .add_extension(usage_of(wanted), critical=True)
        )
        if wanted.usage is not None:
            purpose = x509.ExtendedKeyUsage([x509.ObjectIdentifier(wanted.usage)])
            builder = builder.add_extension(purpose, critical=False)
        for extension, critical in wanted.extra:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    @property
    def subject(self) -> x509.Name:
        """The authority's name."""
        identifier = x509.NameAttribute(NameOID.SERIAL_NUMBER, f"ID-{self.name}")
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name), identifier])

    def root(self) -> bytes:
        """Its own certificate."""
        wanted = Wanted(ca=True, usage=None, identifiers=(f"ID-{self.name}",))
        return self.certify(self.name, self.key.public_key(), wanted)


def usage_of(wanted: Wanted) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=wanted.signing,
        content_commitment=wanted.signing,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=wanted.ca if wanted.certifying is None else wanted.certifying,
        crl_sign=wanted.ca,
        encipher_only=False,
        decipher_only=False,
    )


ROOT = Authority()
ANCHOR = ROOT.root()
LEAF_KEY = ec.generate_private_key(ec.SECP256R1())


def leaf(wanted: Wanted | None = None, authority: Authority = ROOT) -> bytes:
    return authority.certify("某公司", LEAF_KEY.public_key(), wanted or Wanted())


def test_a_chain_names_its_subject() -> None:
    for chain in ([leaf()], [leaf(), ANCHOR]):
        subject = check_chain(chain, [ANCHOR], NOW, usage=USAGE)
        assert (subject.identifier, subject.name) == ("USCC-1", "某公司")
        assert subject.kid == KeySigner(LEAF_KEY).kid


def below(
    path_length: int | None = None, *, ca: bool = True, certifying: bool = True
) -> tuple[Authority, bytes]:
    middle = Authority("middle")
    wanted = Wanted(
        ca=ca,
        certifying=certifying,
        usage=None,
        path_length=path_length,
        identifiers=("ID-middle",),
    )
    return middle, ROOT.certify("middle", middle.key.public_key(), wanted)


def test_an_authority_between_is_followed() -> None:
    middle, certificate = below(0)
    chain = [leaf(authority=middle), certificate]
    assert check_chain(chain, [ANCHOR], NOW, usage=USAGE).identifier == "USCC-1"


@pytest.mark.misuse(29)
@pytest.mark.parametrize(("ca", "certifying"), [(False, True), (True, False), (False, False)])
def test_case_29_a_holder_is_no_authority(ca: bool, certifying: bool) -> None:
    middle, certificate = below(ca=ca, certifying=certifying)
    with pytest.raises(BadChain, match="authority"):
        check_chain([leaf(authority=middle), certificate], [ANCHOR], NOW)


def test_the_path_length_is_kept() -> None:
    middle, certificate = below(0)
    second = Authority("second")
    wanted = Wanted(ca=True, usage=None, identifiers=("ID-second",))
    between = middle.certify("second", second.key.public_key(), wanted)
    with pytest.raises(BadChain, match="at most 0"):
        check_chain([leaf(authority=second), between, certificate], [ANCHOR], NOW)


@pytest.mark.misuse(29)
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("CA flag", Wanted(ca=True)),
        ("cannot sign", Wanted(signing=False)),
        ("other usage", Wanted(usage="2.25.9")),
        ("no usage", Wanted(usage=None)),
        ("no identifier", Wanted(identifiers=())),
        ("two identifiers", Wanted(identifiers=("A", "B"))),
        (
            "unknown critical extension",
            Wanted(
                extra=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.7"), b"x"), True)]
            ),
        ),
    ],
)
def test_case_29_leaves_of_another_kind_are_refused(name: str, wanted: Wanted) -> None:
    with pytest.raises(BadChain):
        check_chain([leaf(wanted)], [ANCHOR], NOW, usage=USAGE)


@pytest.mark.misuse(26)
@pytest.mark.parametrize(
    "wanted", [Wanted(end=NOW - timedelta(seconds=1)), Wanted(begin=NOW + timedelta(seconds=1))]
)
def test_case_26_a_certificate_out_of_time_is_refused(wanted: Wanted) -> None:
    with pytest.raises(CertificateNotInTime):
        check_chain([leaf(wanted)], [ANCHOR], NOW, usage=USAGE)


@pytest.mark.misuse(29)
def test_case_29_a_foreign_root_is_refused() -> None:
    stranger = Authority()  # the same name, another key
    for chain in ([leaf(authority=stranger)], [leaf(authority=stranger), stranger.root()]):
        with pytest.raises(BadChain):
            check_chain(chain, [ANCHOR], NOW)
    with pytest.raises(BadChain):
        check_chain([leaf()], [], NOW)


@pytest.mark.parametrize("chain", [[], [b"x"], [b""], [leaf()] * 6])
def test_chains_of_other_forms_are_refused(chain: list[bytes]) -> None:
    with pytest.raises(BadChain):
        check_chain(chain, [ANCHOR], NOW)


def test_keys_of_other_kinds_are_refused() -> None:
    other: list[object] = [
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP384R1()).public_key(),
    ]
    for key in other:
        with pytest.raises(BadChain, match="P-256, Ed25519 or SM2"):
            check_chain([ROOT.certify("x", key, Wanted())], [ANCHOR], NOW)
    edwards = ed25519.Ed25519PrivateKey.generate()
    check_chain([ROOT.certify("x", edwards.public_key(), Wanted())], [ANCHOR], NOW)


def test_every_flipped_bit_of_a_certificate_is_a_refusal() -> None:
    der = leaf()
    for position in range(len(der)):
        flipped = bytearray(der)
        flipped[position] ^= 0x10
        with pytest.raises((BadChain, CertificateNotInTime)):
            check_chain([bytes(flipped)], [ANCHOR], NOW, usage=USAGE)


def test_signers_of_a_statement_are_named_in_order() -> None:
    signer = KeySigner(LEAF_KEY, (leaf(),))
    signed = sign(sign(unsigned("event", {"v": 1}), KeySigner(LEAF_KEY)), signer, NOW)
    assert [s.identifier for s in certificate_signers(signed, [ANCHOR], NOW)] == ["USCC-1"]


def test_a_certificate_does_not_lend_its_name_to_another_key() -> None:
    thief = KeySigner(ec.generate_private_key(ec.SECP256R1()), (leaf(),))
    with pytest.raises(BadSignature):
        certificate_signers(sign(unsigned("event", {"v": 1}), thief), [ANCHOR], NOW)
