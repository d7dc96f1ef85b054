"""Chains and lists of SM2 keys: OpenSSL's are read here, ours are read by OpenSSL."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from foundation.problems import Invalid
from foundation.statements import sm2_certificates
from foundation.statements.certificates import (
    BadChain,
    certificate_signers,
    certified_key,
    check_chain,
    is_issued_by,
)
from foundation.statements.issuing import key_identifier, sign_certificate, sign_list
from foundation.statements.signed import (
    BadSignature,
    KeySigner,
    PrivateKey,
    PublicKey,
    check_signature,
    sign,
    unsigned,
)
from foundation.statements.sm2 import SM2PrivateKey, SM2PublicKey

pytestmark = pytest.mark.domain

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT, LEAF, OTHER = SM2PrivateKey(4711), SM2PrivateKey(815), SM2PrivateKey(9)
IDENTITY = "distid:1234567812345678"
openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")


def named(name: str) -> x509.Name:
    """A subject with a serialNumber, as the profile wants it."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"ID-{len(name)}"),
        ]
    )


def certificate(
    name: str, key: PublicKey, issuer: PrivateKey, *, ca: bool, issuer_name: str = "root"
) -> x509.Certificate:
    """A certificate of a root or of a leaf below it."""
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer_name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(key_identifier(key), critical=False)
    )
    return sign_certificate(builder, key, issuer)


ROOT_CERTIFICATE = certificate("root", ROOT.public_key(), ROOT, ca=True)
LEAF_CERTIFICATE = certificate("某公司", LEAF.public_key(), ROOT, ca=False)


def der_of(made: x509.Certificate) -> bytes:
    return made.public_bytes(Encoding.DER)


def test_a_chain_of_sm2_names_its_subject_and_its_key_signs() -> None:
    chain = (der_of(LEAF_CERTIFICATE), der_of(ROOT_CERTIFICATE))
    subject = check_chain(chain, [der_of(ROOT_CERTIFICATE)], NOW)
    assert (subject.identifier, subject.name) == ("ID-3", "某公司")
    assert subject.public_key == LEAF.public_key()
    statement = sign(unsigned("event", {"v": 1}), KeySigner(LEAF, chain))
    assert statement.sigs[0].alg == "SM2SM3"
    signers = certificate_signers(statement, [der_of(ROOT_CERTIFICATE)], NOW)
    assert [one.kid for one in signers] == [KeySigner(LEAF).kid]


@pytest.mark.misuse(29)
def test_case_29_a_foreign_root_of_the_same_name_is_refused() -> None:
    foreign = certificate("root", OTHER.public_key(), OTHER, ca=True)
    with pytest.raises(BadChain):
        check_chain([der_of(LEAF_CERTIFICATE)], [der_of(foreign)], NOW)
    assert not is_issued_by(LEAF_CERTIFICATE, foreign)
    other_name = certificate("other", ROOT.public_key(), ROOT, ca=True, issuer_name="other")
    assert not is_issued_by(LEAF_CERTIFICATE, other_name)


@pytest.mark.misuse(29)
def test_case_29_a_changed_certificate_is_refused() -> None:
    raw = der_of(LEAF_CERTIFICATE)
    at = raw.index("某公司".encode())
    changed = raw[:at] + "某公私".encode() + raw[at + 9 :]
    with pytest.raises(BadChain):
        check_chain([changed], [der_of(ROOT_CERTIFICATE)], NOW)


@pytest.mark.misuse(30)
def test_case_30_a_signature_of_another_key_or_algorithm_is_refused() -> None:
    chain = (der_of(LEAF_CERTIFICATE),)
    thief = sign(unsigned("event", {"v": 1}), KeySigner(OTHER, chain))
    with pytest.raises(BadSignature):
        certificate_signers(thief, [der_of(ROOT_CERTIFICATE)], NOW)
    p256 = KeySigner(ec.derive_private_key(7, ec.SECP256R1()))
    with pytest.raises(BadSignature):
        check_signature("ES256", LEAF.public_key(), b"m", LEAF.sign(b"m"))
    with pytest.raises(BadSignature):
        check_signature("SM2SM3", p256.public, b"m", p256.sign(b"m"))
    encoded = sm2_certificates.raw_signature(LEAF_CERTIFICATE.signature)
    assert len(encoded) == 64
    with pytest.raises(BadSignature, match="DER"):
        check_signature("SM2SM3", LEAF.public_key(), b"m", LEAF_CERTIFICATE.signature)


def test_two_kinds_of_key_are_not_mixed_in_a_chain() -> None:
    p256 = ec.derive_private_key(7, ec.SECP256R1())
    with pytest.raises(Invalid):
        certificate("root", LEAF.public_key(), p256, ca=False)
    with pytest.raises(Invalid):
        certificate("root", p256.public_key(), ROOT, ca=False)


def test_a_key_that_is_not_on_the_curve_is_refused() -> None:
    raw = der_of(LEAF_CERTIFICATE)
    at = raw.index(LEAF.public_key().point) + 64
    with pytest.raises(BadChain, match="cannot read"):
        certified_key(
            x509.load_der_x509_certificate(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        )


def run_openssl(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a folder; a failure is the test's."""
    return subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=True)


@openssl
def test_certificates_that_openssl_made_are_verified(tmp_path: Path) -> None:
    curve = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2")
    for name in ("root", "leaf"):
        run_openssl(tmp_path, *curve, "-out", f"{name}.key")
    named_root = ("-subj", "/CN=root/serialNumber=ID-root")
    sm3 = ("-sm3", "-sigopt", IDENTITY)
    run_openssl(tmp_path, "req", "-x509", "-key", "root.key", *named_root, *sm3, "-out", "root.pem")
    named_leaf = ("-subj", "/CN=leaf/serialNumber=ID-leaf")
    run_openssl(tmp_path, "req", "-new", "-key", "leaf.key", *named_leaf, *sm3, "-out", "leaf.csr")
    (tmp_path / "usage").write_text("keyUsage=critical,digitalSignature,nonRepudiation\n")
    issued = ("x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key")
    serial = ("-set_serial", "7", "-extfile", "usage", "-vfyopt", IDENTITY)
    run_openssl(tmp_path, *issued, *serial, *sm3, "-out", "leaf.pem")
    root, leaf = (
        x509.load_pem_x509_certificate((tmp_path / f"{name}.pem").read_bytes())
        for name in ("root", "leaf")
    )
    assert isinstance(certified_key(root), SM2PublicKey)
    subject = check_chain([der_of(leaf)], [der_of(root)], datetime.now(UTC) + timedelta(minutes=1))
    assert subject.identifier == "ID-leaf"


@openssl
def test_openssl_verifies_our_certificates_and_lists(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ROOT_CERTIFICATE.public_bytes(Encoding.PEM))
    (tmp_path / "leaf.pem").write_bytes(LEAF_CERTIFICATE.public_bytes(Encoding.PEM))
    (tmp_path / "foreign.pem").write_bytes(
        certificate("root", OTHER.public_key(), OTHER, ca=True).public_bytes(Encoding.PEM)
    )
    verify = ("verify", "-vfyopt", IDENTITY)
    good = run_openssl(tmp_path, *verify, "-CAfile", "root.pem", "leaf.pem")
    assert good.stdout == b"leaf.pem: OK\n"
    with pytest.raises(subprocess.CalledProcessError):
        run_openssl(tmp_path, *verify, "-CAfile", "foreign.pem", "leaf.pem")
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(named("root"))
        .last_update(NOW)
        .next_update(NOW + timedelta(days=1))
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    raw = sign_list(builder, ROOT)
    listed = x509.load_der_x509_crl(raw)
    assert sm2_certificates.is_signed_by(listed, ROOT.public_key())
    assert not sm2_certificates.is_signed_by(listed, OTHER.public_key())
    (tmp_path / "crl.der").write_bytes(raw)
    shown = run_openssl(tmp_path, "crl", "-inform", "DER", "-in", "crl.der", "-noout", "-text")
    assert b"SM2-with-SM3" in shown.stdout
