"""A platform with lots of both suites: each authority is asked for its own licences alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bidding.licence.authority import (
    AuthorityAway,
    Good,
    LicenceAuthority,
    Revoked,
    Signed,
    SignRequest,
    SignTicket,
    Unknown,
    UnknownLicence,
    UnknownTicket,
)
from bidding.licence.file import FileAuthority
from bidding.licence.folder import AuthorityFolder, open_folder
from bidding.licence.several import SeveralAuthorities
from foundation.statements.certificates import BadChain
from foundation.statements.keyfile import Curve
from foundation.statements.signed import check_signature, unsigned
from licences import a_uscc

INTL, GM, NOBODY = a_uscc(11), a_uscc(12), a_uscc(13)
ASKED = unsigned("objection", {"v": 1, "text": "一句话"})
CRL = "http://127.0.0.1:8001/crl"


async def now() -> datetime:
    return datetime.now(UTC)


def of_suite(folder: AuthorityFolder) -> FileAuthority:
    return FileAuthority(folder=folder, now=now)


class Silent(FileAuthority):
    """Does not answer."""

    async def begin(self, request: SignRequest) -> SignTicket:
        raise AuthorityAway("nobody answers")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[AuthorityFolder, AuthorityFolder]:
    """An authority of each suite with one licence."""
    made = []
    curves: tuple[Curve, Curve] = ("P-256", "SM2")
    for curve, uscc in zip(curves, (INTL, GM), strict=True):
        folder = open_folder(tmp_path / curve, curve)
        folder.issue(uscc, f"示例{curve}公司", "enterprise", datetime.now(UTC), CRL)
        made.append(folder)
    return made[0], made[1]


@pytest.fixture
def authority(folders: tuple[AuthorityFolder, AuthorityFolder]) -> SeveralAuthorities:
    return SeveralAuthorities(tuple(of_suite(folder) for folder in folders))


def leaf(folder: AuthorityFolder, uscc: str) -> bytes:
    return folder.licence(uscc).signer.chain[0]


async def test_each_holder_signs_in_its_own_app(
    authority: SeveralAuthorities, folders: tuple[AuthorityFolder, AuthorityFolder]
) -> None:
    as_protocol: LicenceAuthority = authority
    assert as_protocol.suites == {"INTL-1", "GM-1"}
    assert len(await authority.trust_anchors()) == 2
    for number, (uscc, alg) in enumerate(((INTL, "ES256"), (GM, "SM2SM3"))):
        request = SignRequest(holder=uscc, host="platform.example", statement=ASKED)
        ticket = await authority.begin(request)
        own = authority.each[number]
        assert isinstance(own, FileAuthority)
        await own.consent(ticket.id.partition(":")[2], yes=True)
        answer = await authority.poll(ticket.id)
        assert isinstance(answer, Signed)
        assert answer.signature is not None
        assert answer.signature.alg == alg
        found = authority.verify(
            answer.signature.chain, answer.signature, ASKED.signed_bytes, await now()
        )
        assert found.uscc == authority.subject(leaf(folders[number], uscc)).uscc == uscc
        check_signature(alg, found.public_key, ASKED.signed_bytes, answer.signature.sig)


async def test_who_is_known_to_none_and_what_is_no_ticket(
    authority: SeveralAuthorities, folders: tuple[AuthorityFolder, AuthorityFolder]
) -> None:
    request = SignRequest(holder=NOBODY, host="platform.example", statement=ASKED)
    with pytest.raises(UnknownLicence):
        await authority.begin(request)
    # The silent one may have the licence.
    half = SeveralAuthorities((Silent(folder=folders[0], now=now), of_suite(folders[1])))
    with pytest.raises(AuthorityAway):
        await half.begin(request)
    for ticket in ("x", "7:x", ":x", "-1:x", "0:x"):
        with pytest.raises(UnknownTicket):
            await authority.poll(ticket)


async def test_a_revocation_counts_in_both_suites(
    authority: SeveralAuthorities, folders: tuple[AuthorityFolder, AuthorityFolder]
) -> None:
    later = datetime.now(UTC) + timedelta(minutes=1)
    for folder, uscc in zip(folders, (INTL, GM), strict=True):
        certificate = leaf(folder, uscc)
        for ask in (authority.status, authority.status_at_login):
            assert isinstance(await ask(certificate, await now()), Good)
        folder.revoke(uscc, datetime.now(UTC), "keyCompromise")
        for ask in (authority.status, authority.status_at_login):
            assert isinstance(await ask(certificate, later), Revoked)


async def test_a_suite_without_an_authority_is_unknown(
    folders: tuple[AuthorityFolder, AuthorityFolder],
) -> None:
    alone = SeveralAuthorities((of_suite(folders[0]),))
    certificate = leaf(folders[1], GM)
    assert isinstance(await alone.status(certificate, await now()), Unknown)
    assert isinstance(await alone.status_at_login(certificate, await now()), Unknown)
    with pytest.raises(BadChain):
        alone.subject(certificate)
