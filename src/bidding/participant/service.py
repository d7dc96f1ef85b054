"""Giving, revoking and finding mandates of operators (sealing.md 5.4).

Statements of mandates are sealed to a key outside the database: one that names a tender would
tell who means to bid there.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bidding.licence.authority import Good, LicenceAuthority
from bidding.licence.profile import LicenceSubject, licence_signers
from bidding.licence.revocation import refuse_revoked
from bidding.participant import store
from bidding.participant.domain import (
    MOST,
    Given,
    NoMandate,
    UnknownMandate,
    best_for,
    refuse_new,
    refuse_unfit,
)
from bidding.sealing.bodies import Mandate, MandateRevoke
from foundation.clock import platform_now
from foundation.database import Connection, Database, acting_as, reading, transaction
from foundation.identity import store as identity_store
from foundation.identity.actor import OPERATOR, Actor
from foundation.identity.domain import LoginRefused
from foundation.identity.session import end_sessions_of_key
from foundation.ledger.log import queue_entry
from foundation.problems import Unavailable
from foundation.statements.canonical import Json, unb64
from foundation.statements.signed import (
    Statement,
    check_signature,
    decode_body,
    public_key_of,
    read,
)
from foundation.statements.store import AlreadyKept, ledger_body

ROW_LABEL: Final = b"sunbid/mandate-row/v1"
OWNER_LABEL: Final = b"sunbid/mandate-owner/v1"


class MandatesUnreadable(Unavailable):
    """The mandates kept here cannot be read."""

    code = "mandates-unreadable"


class Office(Protocol):
    """What the platform brings to mandates."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def authority(self) -> LicenceAuthority:
        """Whom to ask whether a licence was revoked."""

    @property
    def anchors(self) -> Sequence[bytes]:
        """The roots of licences."""

    @property
    def token_key(self) -> bytes:
        """The key beside the database."""


async def give_mandate(office: Office, actor: Actor, statement: Statement) -> None:
    """Accept a company's mandate; it counts from this moment on.

    Refuses a signer that is not the company's licence in force, a mandate that could never be
    used, and one that was accepted before.
    """
    body = decode_body(statement, Mandate)
    async with transaction(office.db, "bidding") as connection:
        now = await platform_now(connection)
        refuse_new(body, now)
        await _check_company(office, actor, statement, body.uscc, now)
        # A public key that is no point of the curve is refused here, not at the first act.
        check_key(body)
        owner = _owner(office, body.uscc)
        given = await store.mandates_of_owner(connection, owner)
        open_ = [row for row in given if row.revoked_at is None]
        # When one ends stands in its sealed statement: opened only where the number says so.
        if len(open_) >= MOST and sum(_given(office, row).not_after > now for row in open_) >= MOST:
            raise NoMandate(
                f"expected at most {MOST} mandates of one company, got one more; revoke one first"
            )
        queue = await queue_entry(connection, _ledger_body(statement, now))
        row = store.MandateRow(
            sid=statement.sid,
            kid=body.operator.kid,
            sealed=_seal(office, statement.sid, statement),
            queue=queue,
            accepted_at=now,
            revoked_at=None,
            revocation=None,
            revoke_queue=None,
        )
        if not await store.insert_mandate(connection, owner, row):
            raise AlreadyKept(f"the mandate {statement.sid[:16]}… was accepted before")


async def revoke_mandate(office: Office, actor: Actor, statement: Statement) -> None:
    """End a mandate at once, with the sessions of its operator that no other one carries.

    Refuses an unknown or foreign mandate alike, and a signer that is not the company's licence.
    """
    body = decode_body(statement, MandateRevoke)
    async with transaction(office.db, "bidding") as connection:
        row = await store.mandate_locked(connection, body.mandate)
        # After the lock: acts decided before it have an earlier intake.
        now = await platform_now(connection)
        await _check_company(office, actor, statement, body.uscc, now)
        given = None if row is None else _given(office, row)
        if given is None or given.body.uscc != body.uscc:
            raise UnknownMandate(f"no mandate {body.mandate[:16]}… of {body.uscc} is kept here")
        if given.revoked_at is not None:
            raise AlreadyKept(f"the mandate {body.mandate[:16]}… was revoked before")
        queue = await queue_entry(connection, _ledger_body(statement, now))
        sealed = _seal(office, body.mandate, statement)
        await store.revoke_mandate(connection, body.mandate, now, sealed, queue)
        kid = given.body.operator.kid
        given_to = await _of_key(office, connection, kid, body.uscc)
        left = [g for g in given_to if g.revoked_at is None]
        if best_for(left, None, now) is None:
            async with acting_as(connection, "foundation", "bidding"):
                # Who named a key of another company's operator has no say over its sessions.
                known = await identity_store.actor_of_key(connection, kid)
                if known is not None and known[0].subject == body.uscc:
                    await end_sessions_of_key(connection, kid)


async def is_kept(office: Office, statement: Statement) -> bool:
    """Say whether a mandate or its revocation was accepted before."""
    async with reading(office.db, "bidding") as connection:
        if statement.type == Mandate.TYPE:
            return await store.mandate(connection, statement.sid) is not None
        row = await store.mandate(connection, str(statement.body.get("mandate")))
        given = None if row is None else _given(office, row)
    return (
        given is not None
        and given.revocation is not None
        and (given.revocation.sid == statement.sid)
    )


async def mandates_of(office: Office, uscc: str) -> list[Given]:
    """Return every mandate that a company gave, newest first."""
    async with reading(office.db, "bidding") as connection:
        rows = await store.mandates_of_owner(connection, _owner(office, uscc))
    return [_given(office, row) for row in rows]


async def mandates_of_operator(office: Office, kid: str, uscc: str) -> list[Given]:
    """Return the mandates that a company gave to a key, newest first."""
    async with reading(office.db, "bidding") as connection:
        return await _of_key(office, connection, kid, uscc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandated:
    """A key that a company lets act for it now, and the company's licence."""

    given: Given
    company: LicenceSubject


async def operator_of(
    office: Office, connection: Connection, signed: Statement, at: datetime
) -> Mandated:
    """Return for whom a key signed, by a mandate in force; `connection` has the foundation's role.

    Refuses a key without one, and one that several companies named before its first login.
    """
    [signature] = signed.sigs
    kid = signature.kid or ""
    # A rival may name this key as well: for whom it logged in before, it goes on.
    known = await identity_store.actor_of_key(connection, kid)
    async with acting_as(connection, "bidding", "foundation"):
        found = await _of_key(office, connection, kid, None if known is None else known[0].subject)
    in_force = [given for given in found if given.is_in_force(at) and given.revoked_at is None]
    best = best_for(in_force, None, at)
    if not found:
        raise LoginRefused(
            f"expected a key that an administrator registered or a company gave a mandate, got "
            f"{signature.kid}; ask to be registered"
        )
    if best is None:
        why = found[0].why_not(at) or "the mandate was revoked just now"
        raise NoMandate(f"{why}; have the company give another, or log in with its licence")
    if len({given.body.uscc for given in in_force}) > 1:
        raise NoMandate("several companies named this key; make a key of its own for each")
    check_operator(best.body, signed)
    [company] = licence_signers(best.statement, office.anchors, best.accepted_at)
    return Mandated(given=best, company=company)


async def mandate_of_act(
    office: Office, sid: str, *, scope: str, uscc: str, tender: str, at: datetime
) -> Given:
    """Return the mandate that an act names; refuses with `E_MANDATE` and the reason.

    `at` is the act's intake. A revocation that comes meanwhile gets a later time than it.
    """
    async with transaction(office.db, "bidding") as connection:
        row = await store.mandate_shared(connection, sid)
    given = None if row is None else _given(office, row)
    return refuse_unfit(given, scope=scope, uscc=uscc, tender=tender, at=at, sid=sid)


async def check_mandated(  # noqa: PLR0913 - what was signed, for whom, and what that needs
    office: Office,
    connection: Connection,
    statement: Statement,
    uscc: str,
    *,
    scope: str,
    tender: str,
    at: datetime,
) -> None:
    """Check a statement that names no mandate: its one key has one in force that carries it."""
    kids = {signature.kid for signature in statement.sigs if signature.kid is not None}
    if len(statement.sigs) != 1 or not kids:
        raise NoMandate(f"expected one signature, by the licence or an operator of {uscc}")
    for given in await _of_key(office, connection, kids.pop(), uscc):
        is_fit = given.body.uscc == uscc and scope in given.body.scope and given.is_for(tender)
        if is_fit and given.is_in_force(at):
            check_operator(given.body, statement)
            return
    raise NoMandate(
        f"{uscc} gave this key no mandate in force to {scope} here; sign with the licence"
    )


async def mandates_of_keys(
    office: Office, connection: Connection, keys: Sequence[tuple[str, str]]
) -> list[Given]:
    """Return the mandates of some keys (kid, USCC) by the company each acted for.

    In a transaction of the caller's; what others gave to the same key stays out.
    """
    return [given for kid, uscc in keys for given in await _of_key(office, connection, kid, uscc)]


async def named_mandates(
    office: Office, connection: Connection, sids: Sequence[str]
) -> list[Given]:
    """Return several mandates, oldest first, in a transaction of the caller's."""
    return [_given(office, row) for row in await store.mandates(connection, sids)]


def check_operator(body: Mandate, signed: Statement) -> None:
    """Refuse a statement that the operator of a mandate did not sign with its key."""
    operator = body.operator
    for signature in signed.sigs:
        if not signature.chain and signature.kid == operator.kid:
            key = check_key(body)
            if signature.alg != operator.alg:
                raise NoMandate(f"expected alg {operator.alg}, as the mandate says")
            check_signature(operator.alg, key, signed.signed_bytes, signature.sig)
            return
    raise NoMandate(f"expected the signature of the operator's key {operator.kid}, got none")


def check_key(body: Mandate) -> bytes:
    """Return the operator's public key; refuses one that no signature can be checked by."""
    key = unb64(body.operator.pk, 65)
    public_key_of(key)
    return key


async def refuse_revoked_company(office: Office, given: Given, at: datetime) -> str:
    """Return the status of the licence that gave a mandate; refuses a revoked one."""
    leaf = given.statement.sigs[0].chain[0]
    status = await office.authority.status(leaf, at)
    refuse_revoked(status)
    return "good" if isinstance(status, Good) else "unknown"


async def _check_company(
    office: Office, actor: Actor, statement: Statement, uscc: str, now: datetime
) -> None:
    if actor.role == OPERATOR or actor.subject != uscc:
        raise NoMandate("a mandate is given and revoked by the company itself; log in as it")
    signers = licence_signers(statement, office.anchors, now)
    if [signer.uscc for signer in signers] != [uscc]:
        raise NoMandate(f"expected the licence signature of {uscc} alone; sign with it")
    refuse_revoked(await office.authority.status(statement.sigs[0].chain[0], now))


async def _of_key(
    office: Office, connection: Connection, kid: str, uscc: str | None = None
) -> list[Given]:
    """The mandates of a key, newest first; with `uscc` those of this company alone."""
    owner = None if uscc is None else _owner(office, uscc)
    return [_given(office, row) for row in await store.mandates_of_key(connection, kid, owner)]


def _ledger_body(statement: Statement, at: datetime) -> dict[str, Json]:
    return ledger_body(
        statement.type, group=None, scope=None, turn=None, subject=statement.sid, at=at
    )


def _key(office: Office, label: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=label).derive(office.token_key)


def _owner(office: Office, uscc: str) -> bytes:
    made = hmac.HMAC(_key(office, OWNER_LABEL), hashes.SHA256())
    made.update(uscc.encode())
    return made.finalize()


def _seal(office: Office, sid: str, statement: Statement) -> bytes:
    nonce = secrets.token_bytes(12)
    aad = f"{statement.type} {sid}".encode()
    return nonce + AESGCM(_key(office, ROW_LABEL)).encrypt(nonce, statement.file(), aad)


def _open(office: Office, kind: str, sid: str, sealed: bytes) -> Statement:
    aad = f"{kind} {sid}".encode()
    try:
        return read(AESGCM(_key(office, ROW_LABEL)).decrypt(sealed[:12], sealed[12:], aad))
    except (InvalidTag, ValueError):
        raise MandatesUnreadable(
            "a mandate does not open with the platform's token key; restore the key of that time"
        ) from None


def _given(office: Office, row: store.MandateRow) -> Given:
    statement = _open(office, Mandate.TYPE, row.sid, row.sealed)
    revocation = None
    if row.revocation is not None:
        revocation = _open(office, MandateRevoke.TYPE, row.sid, row.revocation)
    queues: tuple[UUID, ...] = (row.queue,)
    if row.revoke_queue is not None:
        queues = (row.queue, row.revoke_queue)
    return Given(
        statement=statement,
        body=decode_body(statement, Mandate),
        accepted_at=row.accepted_at,
        revocation=revocation,
        revoked_at=row.revoked_at,
        queues=queues,
    )
