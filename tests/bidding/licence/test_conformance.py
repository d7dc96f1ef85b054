"""What every adapter of `LicenceAuthority` does alike."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bidding.licence.authority import (
    TICKET_LIFE_S,
    Answer,
    Declined,
    Good,
    LicenceAuthority,
    LicenceRefused,
    NoConsent,
    Pending,
    Revoked,
    Signed,
    SignRequest,
    Unknown,
    UnknownLicence,
    UnknownTicket,
    WrapRefused,
)
from bidding.licence.development import DevAuthority
from bidding.licence.file import FileAuthority
from bidding.licence.folder import AuthorityFolder, Licence, open_folder
from bidding.licence.remote import HttpAuthority
from bidding.sealing import gm_wrap
from foundation.statements.certificates import BadChain
from foundation.statements.signed import BadSignature, Signature, kid_of, public_key_of, unsigned
from licences import a_uscc

HOLDER, OTHER = a_uscc(1), a_uscc(2)


class Adapter(LicenceAuthority, Protocol):
    """An adapter with its holder's consent at hand."""

    async def consent(self, ticket_id: str, *, yes: bool) -> Answer: ...


BODY = {"v": 1, "text": "一句话", "nonce": "x"}
ASKED = unsigned("objection", BODY)
REQUEST = SignRequest(holder=HOLDER, host="platform.example", statement=ASKED)


def as_protocol(adapter: Adapter) -> LicenceAuthority:
    """Fails to type-check when an adapter no longer fits the Protocol."""
    return adapter


async def signed_ticket(authority: Adapter, request: SignRequest) -> str:
    ticket = await authority.begin(request)
    assert isinstance(await authority.poll(ticket.id), Pending)
    await authority.consent(ticket.id, yes=True)
    return ticket.id


async def test_it_says_who_it_is(authority: Adapter, folder: AuthorityFolder) -> None:
    known = as_protocol(authority)
    assert known.id in {"development", "national"}
    assert known.suites == {folder.suite}
    [anchor] = await known.trust_anchors()
    assert anchor.certificate == folder.root
    assert anchor.development


async def test_nothing_is_signed_before_consent_and_then_it_verifies(authority: Adapter) -> None:
    ticket = await signed_ticket(authority, REQUEST)
    answer = await authority.poll(ticket)
    assert isinstance(answer, Signed)
    assert answer.signature is not None
    found = authority.verify(
        answer.signature.chain, answer.signature, ASKED.signed_bytes, datetime.now(UTC)
    )
    assert (found.uscc, found.name) == (HOLDER, "示例建设甲有限公司")
    assert authority.subject(answer.signature.chain[0]).uscc == HOLDER
    other = unsigned("objection", {**BODY, "text": "另一句"})
    with pytest.raises(BadSignature):
        authority.verify(
            answer.signature.chain, answer.signature, other.signed_bytes, datetime.now(UTC)
        )


async def test_a_no_stays_a_no(authority: Adapter) -> None:
    ticket = await authority.begin(REQUEST)
    assert isinstance(await authority.consent(ticket.id, yes=False), Declined)
    assert isinstance(await authority.consent(ticket.id, yes=True), Declined)
    assert isinstance(await authority.poll(ticket.id), Declined)


async def test_unknown_holders_and_tickets_are_refused(authority: Adapter) -> None:
    with pytest.raises(UnknownLicence):
        await authority.begin(
            SignRequest(holder=a_uscc(99), host="platform.example", statement=ASKED)
        )
    with pytest.raises(UnknownTicket):
        await authority.poll("no-such-ticket")


async def test_a_request_is_for_one_thing(authority: Adapter) -> None:
    with pytest.raises(LicenceRefused):
        await authority.begin(SignRequest(holder=HOLDER, host="platform.example"))
    with pytest.raises(LicenceRefused):
        await authority.begin(
            SignRequest(holder=HOLDER, host="platform.example", purpose="opening")
        )


async def test_status_by_a_list(authority: Adapter, folder: AuthorityFolder) -> None:
    uscc, now = a_uscc(secrets.randbelow(10**13)), datetime.now(UTC)
    licence = folder.issue(uscc, "示例撤销有限公司", "enterprise", now, "http://x.example/crl")
    certificate = licence.subject.certificate.public_bytes(Encoding.DER)
    assert isinstance(await authority.status(certificate, now), Good)
    folder.revoke(uscc, now, "keyCompromise")
    forget_list(authority)
    later = now + timedelta(hours=1)
    status = await authority.status(certificate, later)
    assert isinstance(status, Revoked)
    assert status.reason == "keyCompromise"
    assert isinstance(await authority.status_at_login(certificate, later), Revoked)
    # What was signed before the revocation stands.
    assert isinstance(await authority.status(certificate, now - timedelta(minutes=5)), Good)


async def test_status_of_a_foreign_certificate_is_unknown(
    authority: Adapter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    foreign = open_folder(tmp_path_factory.mktemp("foreign") / "folder")
    now = datetime.now(UTC)
    made = foreign.issue(OTHER, "外来有限公司", "enterprise", now, "http://x.example/crl")
    certificate = made.subject.certificate.public_bytes(Encoding.DER)
    assert isinstance(await authority.status(certificate, now), Unknown)
    signature = made.signer.sign(ASKED.signed_bytes)
    with pytest.raises(BadChain):
        authority.verify(made.signer.chain, signed_as(made, signature), ASKED.signed_bytes, now)


async def test_a_key_is_made_for_one_lot_and_unwraps_only_there(
    authority: Adapter, folder: AuthorityFolder
) -> None:
    lot = uuid4()
    ticket = await signed_ticket(authority, opening(lot))
    key = await authority.opening_key(ticket, lot)
    assert key is not None
    assert key.kid == kid_of(key.public)
    again = await authority.opening_key(await signed_ticket(authority, opening(lot)), lot)
    assert again == key
    info = b"tbe1/wrap/v1\0B\x01" + bytes(32) + bytes(range(32))
    value = bytes(range(32))
    ct = wrapped(folder, key.public, info, value)
    assert await authority.unwrap(ticket, key.kid, info, ct) == value

    for wrong_info in (info[:-1] + b"\0", b"tbe1/wrap/v1\0T" + info[14:], b""):
        with pytest.raises(WrapRefused):
            await authority.unwrap(ticket, key.kid, wrong_info, ct)
    # Whatever else was truly sealed to this key, a drill or a share, is not opened.
    for foreign in (b"tbe1/drill/v1\0" + info[14:], b"tbe1/wrap/v1\0T" + info[14:], info + b"\0"):
        with pytest.raises(WrapRefused):
            await authority.unwrap(
                ticket, key.kid, foreign, wrapped(folder, key.public, foreign, value)
            )
    with pytest.raises(WrapRefused):
        await authority.unwrap(ticket, key.kid, info, ct[:-1])
    other_lot = await signed_ticket(authority, opening(uuid4()))
    with pytest.raises(WrapRefused):
        await authority.unwrap(other_lot, key.kid, info, ct)


async def test_no_key_is_used_without_consent(authority: Adapter) -> None:
    lot = uuid4()
    ticket = await authority.begin(opening(lot))
    with pytest.raises(NoConsent):
        await authority.opening_key(ticket.id, lot)
    with pytest.raises(NoConsent):
        await authority.unwrap(ticket.id, "x" * 16, b"", b"")
    # Consent to sign is not consent to open, and consent for one lot not for another.
    with pytest.raises(NoConsent):
        await authority.opening_key(await signed_ticket(authority, REQUEST), lot)
    with pytest.raises(NoConsent):
        await authority.opening_key(await signed_ticket(authority, opening(uuid4())), lot)


async def test_one_consent_makes_and_uses_a_key_for_a_while(
    folder: AuthorityFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the file authority, which stands behind the others in a process of its own.
    authority = FileAuthority(folder=folder, now=now)
    lot, real = uuid4(), time.monotonic
    ticket = await signed_ticket(authority, opening(lot))
    key = await authority.opening_key(ticket, lot)
    assert key is not None
    info, value = b"tbe1/wrap/v1\0B\x01" + bytes(64), bytes(range(32))
    ct = wrapped(folder, key.public, info, value)
    assert await authority.unwrap(ticket, key.kid, info, ct) == value
    # Whoever kept the ticket cannot open the half later, nor fetch the key.
    monkeypatch.setattr(
        "bidding.licence.file.time", SimpleNamespace(monotonic=lambda: real() + TICKET_LIFE_S + 1)
    )
    with pytest.raises(NoConsent):
        await authority.unwrap(ticket, key.kid, info, ct)
    with pytest.raises(NoConsent):
        await authority.opening_key(ticket, lot)
    anew = await signed_ticket(authority, opening(lot))
    assert await authority.unwrap(anew, key.kid, info, ct) == value


async def now() -> datetime:
    return datetime.now(UTC)


def opening(lot: UUID) -> SignRequest:
    return SignRequest(holder=HOLDER, host="platform.example", purpose="opening", lot=lot)


def wrapped(folder: AuthorityFolder, public: bytes, info: bytes, value: bytes) -> bytes:
    if folder.suite == "GM-1":
        return gm_wrap.seal(public, info, value, secrets.token_bytes(40))
    key = public_key_of(public)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    suite = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    return suite.encrypt(value, key, info)


def signed_as(licence: Licence, signature: bytes) -> Signature:
    return Signature(
        alg=licence.signer.alg, at=None, chain=tuple(licence.signer.chain), kid=None, sig=signature
    )


def forget_list(authority: Adapter) -> None:
    """A list is kept for a while; the test does not wait for a new one."""
    if isinstance(authority, DevAuthority | HttpAuthority):
        authority._list.until = 0.0
