"""The certificate profile, and misuse cases 26, 27, 29-32 of the specification."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bidding.licence.authority import Good, Revoked, Unknown
from bidding.licence.folder import (
    AuthorityFolder,
    FolderUnusable,
    Licence,
    LicenceExists,
    open_folder,
)
from bidding.licence.issue import Issuer, issue_licence
from bidding.licence.profile import (
    LICENCE_INFO,
    LICENCE_USAGE,
    LicenceInfo,
    check_licence,
    info_json,
    licence_signers,
    subject_fields,
)
from bidding.licence.revocation import LicenceRevoked, make_list, read_list, refuse_revoked
from bidding.licence.uscc import WrongUscc
from foundation.problems import Invalid
from foundation.settings import is_development_anchor
from foundation.statements.canonical import canonical
from foundation.statements.certificates import BadChain, CertificateNotInTime
from foundation.statements.issuing import sign_certificate
from foundation.statements.keyfile import generate
from foundation.statements.signed import BadSignature, Statement, sign, unsigned
from licences import a_uscc

HOLDER = a_uscc(1)
NOW = datetime.now(UTC).replace(microsecond=0)
ASKED = unsigned("objection", {"v": 1, "text": "一句话"})


@pytest.fixture
def licence(folder: AuthorityFolder) -> Licence:
    return folder.licence(HOLDER)


def test_a_licence_names_its_holder(folder: AuthorityFolder, licence: Licence) -> None:
    found = check_licence(licence.signer.chain, [folder.root], datetime.now(UTC))
    assert (found.uscc, found.info.type) == (HOLDER, "enterprise")
    certificate = found.certificate
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life <= timedelta(days=731)
    [signer] = licence_signers(sign(ASKED, licence.signer), [folder.root], datetime.now(UTC))
    assert signer.uscc == HOLDER


@pytest.mark.misuse(26)
@pytest.mark.parametrize("days", [-1, 731])
def test_misuse_26_out_of_time(folder: AuthorityFolder, licence: Licence, days: int) -> None:
    with pytest.raises(CertificateNotInTime) as refused:
        check_licence(licence.signer.chain, [folder.root], NOW + timedelta(days=days))
    assert refused.value.code == "E_CERT_TIME"


@pytest.mark.misuse(27)
def test_misuse_27_revoked_before_counts_and_after_does_not(
    folder: AuthorityFolder, licence: Licence
) -> None:
    uscc = a_uscc(27)
    certificate = folder.issue(uscc, "示例", "enterprise", NOW, "http://x.example/crl")
    folder.revoke(uscc, NOW, "superseded")
    known = read_list(folder.revocation_list(NOW + timedelta(minutes=1)), [folder.root])
    revoked = known.status(certificate.subject.certificate, NOW)
    assert isinstance(revoked, Revoked)
    with pytest.raises(LicenceRevoked) as refused:
        refuse_revoked(revoked)
    assert refused.value.code == "E_CERT_REVOKED"
    before = known.status(certificate.subject.certificate, NOW - timedelta(seconds=1))
    assert isinstance(before, Good)
    refuse_revoked(before)
    assert isinstance(known.status(licence.subject.certificate, NOW), Good)


@pytest.mark.misuse(28)
def test_misuse_28_a_list_older_than_a_day_says_nothing(
    folder: AuthorityFolder, licence: Licence
) -> None:
    old = read_list(folder.revocation_list(NOW), [folder.root])
    status = old.status(licence.subject.certificate, NOW + timedelta(hours=24, seconds=1))
    assert isinstance(status, Unknown)
    refuse_revoked(status)


def test_a_list_of_another_authority_is_refused(folder: AuthorityFolder, tmp_path: Path) -> None:
    foreign = open_folder(tmp_path / "foreign")
    with pytest.raises(BadChain):
        read_list(foreign.revocation_list(NOW), [folder.root])
    # Same name, another key: the name alone must not do.
    forged = Issuer(key=foreign.issuer.key, certificate=folder.issuer.certificate)
    with pytest.raises(BadChain):
        read_list(make_list(forged, [], NOW), [folder.root])


@pytest.mark.misuse(29)
def test_misuse_29_foreign_root(folder: AuthorityFolder, tmp_path: Path) -> None:
    foreign = open_folder(tmp_path / "foreign")
    made = foreign.issue(HOLDER, "示例建设甲有限公司", "enterprise", NOW, "http://x.example/crl")
    with pytest.raises(BadChain) as refused:
        check_licence(made.signer.chain, [folder.root], NOW)
    assert refused.value.code == "E_CERT_CHAIN"


def test_misuse_29_production_knows_the_development_root(
    folder: AuthorityFolder, tmp_path: Path
) -> None:
    path = tmp_path / "root.der"
    path.write_bytes(folder.root)
    assert is_development_anchor(path)


Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def a_certificate(
    folder: AuthorityFolder,
    *,
    info: LicenceInfo | None = None,
    fields: list[tuple[x509.ObjectIdentifier, str]] | None = None,
    leave_out: str = "",
    usage: str = LICENCE_USAGE,
    is_authority: bool = False,
    days: int = 100,
    rsa_key: bool = False,
) -> list[bytes]:
    """A certificate by the true root that departs from the profile in one point."""
    said = info or LicenceInfo(
        uscc=HOLDER,
        name="示例",
        type="enterprise",
        person_tag=None,
        licence_no="DEV-1",
        valid_to=NOW + timedelta(days=days),
    )
    pairs = subject_fields(said) if fields is None else fields
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs]))
        .issuer_name(folder.issuer.certificate.subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if leave_out != "usage":
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=leave_out != "repudiation",
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=is_authority,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), critical=False
    )
    if leave_out != "info":
        builder = builder.add_extension(
            x509.UnrecognizedExtension(LICENCE_INFO, canonical(info_json(said))), critical=False
        )
    issuer = folder.issuer.key
    if rsa_key and isinstance(issuer, ec.EllipticCurvePrivateKey):
        foreign = rsa.generate_private_key(65537, 2048).public_key()
        made = builder.public_key(foreign).sign(issuer, hashes.SHA256())
    else:
        made = sign_certificate(builder, generate(folder.curve).public_key(), issuer)
    return [made.public_bytes(Encoding.DER)]


INFO = LicenceInfo(
    uscc=HOLDER,
    name="示例",
    type="enterprise",
    person_tag=None,
    licence_no="DEV-1",
    valid_to=NOW + timedelta(days=100),
)


def test_the_certificate_of_these_tests_is_right_but_for_the_one_point(
    folder: AuthorityFolder,
) -> None:
    assert check_licence(a_certificate(folder), [folder.root], NOW).uscc == HOLDER


@pytest.mark.misuse(29)
def test_misuse_29_authority_flag_and_usages(folder: AuthorityFolder) -> None:
    wrong = [
        a_certificate(folder, is_authority=True),
        a_certificate(folder, usage="1.3.6.1.5.5.7.3.2"),
        a_certificate(folder, leave_out="usage"),
        a_certificate(folder, leave_out="repudiation"),
        a_certificate(folder, leave_out="info"),
        a_certificate(folder, days=2 * 366),
        *([a_certificate(folder, rsa_key=True)] if folder.curve == "P-256" else []),
    ]
    for chain in wrong:
        with pytest.raises(BadChain):
            check_licence(chain, [folder.root], NOW)


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_two_places_that_disagree_are_refused(folder: AuthorityFolder, at: int) -> None:
    fields = subject_fields(INFO)
    oid, value = fields[at]
    fields[at] = (oid, value.replace(HOLDER, a_uscc(2)).replace("示例", "别人"))
    with pytest.raises(BadChain):
        check_licence(a_certificate(folder, fields=fields), [folder.root], NOW)


def test_a_second_serial_number_is_refused(folder: AuthorityFolder) -> None:
    fields = [*subject_fields(INFO), (NameOID.SERIAL_NUMBER, a_uscc(2))]
    with pytest.raises(BadChain):
        check_licence(a_certificate(folder, fields=fields), [folder.root], NOW)


@pytest.mark.misuse(30)
def test_misuse_30_signature_encodings(folder: AuthorityFolder, licence: Licence) -> None:
    good = sign(ASKED, licence.signer)
    raw = good.sigs[0].sig
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    wrong = [
        encode_dss_signature(r, s),
        bytes(32) + raw[32:],
        raw[:32] + bytes(32),
        order.to_bytes(32, "big") + raw[32:],
        raw[:32] + order.to_bytes(32, "big"),
    ]
    for sig in wrong:
        bad = replace(good, sigs=(replace(good.sigs[0], sig=sig),))
        with pytest.raises(BadSignature) as refused:
            licence_signers(bad, [folder.root], datetime.now(UTC))
        assert refused.value.code == "E_SIG"


@pytest.mark.misuse(31)
@pytest.mark.threat("T13")
def test_misuse_31_the_same_body_under_another_type(
    folder: AuthorityFolder, licence: Licence
) -> None:
    good = sign(ASKED, licence.signer)
    disguised = Statement(type="withdraw", body=good.body, sigs=good.sigs)
    with pytest.raises(BadSignature):
        licence_signers(disguised, [folder.root], datetime.now(UTC))


@pytest.mark.misuse(32)
def test_misuse_32_a_wrong_code_is_neither_issued_nor_accepted(folder: AuthorityFolder) -> None:
    wrong = HOLDER[:-1] + ("0" if HOLDER[-1] != "0" else "1")
    with pytest.raises(WrongUscc):
        folder.issue(wrong, "示例", "enterprise", NOW, "http://x.example/crl")
    info = replace(INFO, uscc=wrong)
    with pytest.raises(WrongUscc):
        check_licence(a_certificate(folder, info=info), [folder.root], NOW)
    with pytest.raises(WrongUscc):
        issue_licence(folder.issuer, folder.issuer.key.public_key(), info, NOW, "http://x.example")


def test_issuing_again(folder: AuthorityFolder) -> None:
    uscc, url = a_uscc(77), "http://x.example/crl"
    first = folder.issue(uscc, "示例", "enterprise", NOW, url)
    assert folder.issue(uscc, "示例", "enterprise", NOW, url).subject.kid == first.subject.kid
    with pytest.raises(LicenceExists):
        folder.issue(uscc, "另名", "enterprise", NOW, url)
    folder.revoke(uscc, NOW, "superseded")
    second = folder.issue(uscc, "另名", "enterprise", NOW, url)
    assert second.subject.kid != first.subject.kid
    assert folder.holders().count(uscc) == 1
    with pytest.raises(Invalid):
        folder.issue(a_uscc(78), "长" * 65, "enterprise", NOW, url)


def test_keys_are_for_their_owner_only(folder: AuthorityFolder) -> None:
    for path in [folder.path / "root.key.pem", folder.path / "licences" / HOLDER / "key.pem"]:
        assert path.stat().st_mode & 0o077 == 0
    assert (folder.path / "licences").stat().st_mode & 0o077 == 0


def test_a_folder_stays_with_its_curve(tmp_path: Path) -> None:
    made = open_folder(tmp_path, "SM2")
    assert (made.suite, open_folder(tmp_path).suite) == ("GM-1", "GM-1")
    with pytest.raises(FolderUnusable, match="P-256"):
        open_folder(tmp_path, "P-256")
